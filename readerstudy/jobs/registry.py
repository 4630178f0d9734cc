"""Which function does which job. Each app registers its own in its tasks.py."""

from collections.abc import Callable
from importlib import import_module

from readerstudy.jobs.models import Job

# A function takes the job and `report(progress, message)`; it computes without writing to the database
# and returns a callable that stores the result, which runs in the transaction that finishes the job.
Function = Callable[[Job, Callable[..., None]], Callable[[], dict | None]]
_functions: dict[str, Function] = {}
_chores: list[Callable[[], object]] = []
_obstacles: list[Callable[[], str]] = []
TASK_MODULES = ["archive", "intake", "material", "reading", "results"]


def job_function(name: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        _functions[name] = function
        return function

    return register


def chore(function: Callable[[], object]) -> Callable[[], object]:
    """Have this done now and then by every worker; it must be cheap, and harmless if several do it at once."""
    _chores.append(function)
    return function


def obstacle(function: Callable[[], str]) -> Callable[[], str]:
    """Ask this before every claim: why this worker may not work, in a sentence; "" where it may."""
    _obstacles.append(function)
    return function


def obstacles() -> str:
    """What keeps this process from working, in sentences; "" if nothing does."""
    _load()
    return " ".join(filter(None, (function() for function in _obstacles)))


def chores() -> list[Callable[[], object]]:
    _load()
    return _chores


def _load() -> None:
    for app in TASK_MODULES:
        import_module(f"readerstudy.{app}.tasks")


def find(name: str) -> Function:
    """The function of this name; KeyError if no app has it."""
    if not _functions:
        _load()
    return _functions[name]
