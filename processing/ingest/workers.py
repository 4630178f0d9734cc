"""Several readers at once, forked from a confined one and under its limits.

A file can kill a reader. Then nothing is known but that one of several did: what is not done yet is done again by the
confined process itself, one after the other, which says before each what it reads.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from processing.ingest.confined import die_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")
RARELY = 20_000  # objects more than before: then a fork looks for circles of them
_work: tuple[Callable[[Any], Any], Sequence[Any]]  # what a fork finds in its memory: nothing travels to it but numbers


def _begin() -> None:
    """What a fork does first: what was there before it is no rubbish, and what it makes is mostly in no circle."""
    die_with_parent()
    gc.freeze()
    gc.set_threshold(RARELY)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    processes: int,
    alone: Callable[[Item], Result] | None = None,
) -> Iterator[Result]:
    """The results of `function` in the order of the items, computed by so many forks.

    alone: what does it instead in this process: with one process, and for what was not done when a fork died.
    """
    done = 0
    if processes > 1 and len(items) > 1:
        global _work
        _work = function, items
        try:
            with ProcessPoolExecutor(
                min(processes, len(items)), mp_context=get_context("fork"), initializer=_begin
            ) as pool:
                for result in pool.map(_one, range(len(items))):
                    yield result
                    done += 1
        except (BrokenProcessPool, OSError):
            pass
    for item in items[done:]:
        yield (alone or function)(item)


def _one(number: int) -> Any:
    function, items = _work
    return function(items[number])
