"""What the workers can do, and what is missing: each app says so for its own, in AppConfig.ready()."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from readerstudy.jobs.models import Job
from readerstudy.jobs.order import NEXT

# A function takes the job and `report(progress, message)`; it computes without writing to the database
# and returns a callable that stores the result, which runs in the transaction that finishes the job.
Function = Callable[[Job, Callable[..., None]], Callable[[], dict | None]]


class LaterError(OSError):
    """Something that the site needs does not answer now: what was begun is begun again later. Says so in a sentence."""


@dataclass(frozen=True)
class Kind:
    """One kind of background work.

    name: as it stands in every job of this kind; verb: of one such job; title, what: of the step that they are on the
    page of the jobs; place: among the steps. missing: `missing(study, case=None, renew=False)` asks for what is missing
    and can be made now, of one case or all, and returns the number of new jobs; renew: also for what an earlier version
    made. outdated: `outdated(study)` tells what that is, a dict of arm, model and outputs each. reads_only: it changes
    no row of the study, so a locked one may have it done, and it keeps none from being locked. frees_room: it is done
    on a full disk too. queue: of the workers that do it (`order.QUEUES`); urgency: `order.SOON` where a person waits,
    `order.LATER` for what is made by the thousand.
    """

    name: str
    verb: str
    title: str
    what: str
    place: int
    missing: Callable[..., int] | None = None
    outdated: Callable[..., list[dict]] | None = None
    reads_only: bool = False
    frees_room: bool = False
    queue: str = "default"
    urgency: int = NEXT


_kinds: dict[str, Kind] = {}
_modules: list[str] = []
_functions: dict[str, Function] = {}
_chores: list[Callable[[], object]] = []
_obstacles: list[Callable[[], str]] = []


def register(module: str, *kinds: Kind) -> None:
    """Have the workers do these kinds of work. module: where their functions are, which only a worker imports."""
    _modules.append(module)
    _kinds.update({kind.name: kind for kind in kinds})


def kinds() -> list[Kind]:
    """All kinds of work, by the place of their steps."""
    return sorted(_kinds.values(), key=lambda kind: kind.place)


def is_registered(name: str) -> bool:
    """Whether an app does this kind of work."""
    return name in _kinds


def that_free_room() -> list[str]:
    """Names of the kinds that are done on a full disk too."""
    return [kind.name for kind in _kinds.values() if kind.frees_room]


def by_urgency(queue: str) -> list[tuple[int, list[str]]]:
    """(urgency, names) of the kinds in a queue, the most urgent first; names that no app has are in none."""
    found: dict[int, list[str]] = {}
    for one in _kinds.values():
        if one.queue == queue:
            found.setdefault(one.urgency, []).append(one.name)
    return sorted(found.items())


def in_queue(queue: str) -> list[str]:
    """Names of the kinds in a queue."""
    return [name for _, names in by_urgency(queue) for name in names]


def kind(name: str) -> Kind:
    """The kind of this name; one that no app has any more is called by its name, and comes last."""
    return _kinds.get(name) or Kind(name, name, name, "", 1000)


def job_function(name: str) -> Callable[[Function], Function]:
    """Have this do the jobs of a kind."""

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
    load()
    return " ".join(filter(None, (function() for function in _obstacles)))


def chores() -> list[Callable[[], object]]:
    load()
    return _chores


def load() -> None:
    """Import all that jobs run, and what it computes with."""
    for module in _modules:
        import_module(module)


def find(name: str) -> Function:
    """The function of this name; KeyError if no app has it."""
    if name not in _functions:  # some may be known by an import of their own
        load()
    return _functions[name]
