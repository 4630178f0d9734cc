"""Where two files of results differ: the check that the same numbers came out again."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.errors import InputError

RELATIVE = 1e-6  # what another processor's arithmetic, or the end of an iteration, may move a number by
ABSOLUTE = 1e-9
MOST_SHOWN = 20  # per file


def differences(expected: Any, made: Any, *, place: str = "") -> Iterator[str]:
    """Each difference between two parsed JSON documents, as a sentence that begins with where it is.

    Parameters
    ----------
    expected, made : Any
        Parsed JSON. Numbers are the same within a relative 1e-6 or 1e-9, everything else if it is equal.
    place : str, optional
        Where in the file they stand.

    Yields
    ------
    str
        Such as ``comparisons[0].mean.estimate: 3.5 was expected, 3.6 came out.``

    Examples
    --------
    >>> from analysis.differences import differences
    >>> list(differences({"n": [1, 2.0]}, {"n": [1, 2.5]}))
    ['n[1]: 2.0 was expected, 2.5 came out.']
    """
    if isinstance(expected, dict) and isinstance(made, dict):
        for key in dict.fromkeys([*expected, *made]):
            inside = f"{place}.{key}" if place else key
            if key not in made:
                yield f"{inside}: did not come out."
            elif key not in expected:
                yield f"{inside}: was not expected."
            else:
                yield from differences(expected[key], made[key], place=inside)
    elif isinstance(expected, list) and isinstance(made, list):
        if len(expected) != len(made):
            yield f"{place}: {len(expected)} entries were expected, {len(made)} came out."
            return
        for number, (one, other) in enumerate(zip(expected, made, strict=True)):
            yield from differences(one, other, place=f"{place}[{number}]")
    elif not _same(expected, made):
        yield f"{place}: {_short(expected)} was expected, {_short(made)} came out."


def _same(expected: Any, made: Any) -> bool:
    if _is_number(expected) and _is_number(made):
        return math.isclose(expected, made, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(expected == made and type(expected) is type(made))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def between_folders(expected: Path, made: Path) -> list[str]:
    """The differences between each JSON file of ``made`` and the file of its name in ``expected``.

    At most 20 of each file, and how many more there are. InputError if ``made`` holds no JSON, or a file cannot be
    read.
    """
    files = sorted(made.glob("*.json"))
    if not files:
        raise InputError(f"{made} holds no JSON file.")
    found = []
    for file in files:
        here = list(differences(read_results(expected / file.name), read_results(file)))
        found += [f"{file.name}, {line}" for line in here[:MOST_SHOWN]]
        if len(here) > MOST_SHOWN:
            found.append(f"{file.name}: {len(here) - MOST_SHOWN} more.")
    return found


def read_results(path: Path) -> Any:
    """A file of results, parsed. InputError if it is not there or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except ValueError:
        raise InputError(f"{path} is not JSON.") from None
