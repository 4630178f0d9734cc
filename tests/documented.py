"""What others call is documented: docstrings complete by numpydoc, the help of commands, examples that still hold."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import shlex
import sys
import textwrap
from itertools import pairwise
from types import ModuleType
from typing import Any

from numpydoc.validate import Validator, validate

# Not asked for: an extended summary, See Also, and a summary that begins with a verb.
LEFT_OUT = {"ES01", "SA01", "SS05"}


def faults(name: str, *, statistic: bool = False) -> list[str]:
    """What the docstring of this function or class lacks, each as one line.

    A statistic must say its convention or where it is from; what is raised in plain sight must be said.
    """
    thing = Validator._load_obj(name)
    found = [f"{code} {text}" for code, text in validate(name)["errors"] if code not in LEFT_OUT]
    sections = _sections(thing)
    if statistic and not sections & {"Notes", "References"}:
        found.append("Neither Notes nor References says the convention")
    raising = any(isinstance(node, ast.Raise) for node in ast.walk(_code(thing)))
    if raising and "Raises" not in sections:
        found.append("It raises, and no section Raises says what")
    return found


def _sections(thing: Any) -> set[str]:
    lines = (inspect.getdoc(thing) or "").splitlines()
    return {line for line, below in pairwise(lines) if below and set(below) == {"-"}}


def _code(thing: Any) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(thing)))


def help_lacks(text: str) -> list[str]:
    """What the help of a command does not say of input, output, status of bad input, and use."""
    wanted = ("\nIn: ", "\nOut: ", "\nExample: ", "exit status 2")
    return [part.strip() for part in wanted if part not in text]


def example_of(text: str) -> list[str]:
    """The words of the example in the help of a command, after `python -m package`."""
    line = next(line for line in text.splitlines() if line.startswith("Example: "))
    return shlex.split(line.removeprefix("Example: "))[3:]


def modules(names: list[str]) -> list[str]:
    """Where these functions and classes are defined."""
    return sorted({Validator._load_obj(name).__module__ for name in names})


def failed_examples(module: str | ModuleType) -> str:
    """What the examples of a module give instead of what they show; AssertionError if it has none.

    Each begins with nothing imported, as for who copies it.
    """
    module = sys.modules[module] if isinstance(module, str) else module
    said = io.StringIO()
    runner, tried = doctest.DocTestRunner(verbose=False), 0
    for test in doctest.DocTestFinder().find(module, globs={}):
        tried += runner.run(test, out=said.write).attempted
    assert tried, f"{module.__name__} has no examples"
    return said.getvalue()
