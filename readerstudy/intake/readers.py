"""The confined reader of a worker, ready before there is anything to read.

To import what it reads with takes it as long as to read some hundred files. So a worker keeps one waiting: it has
confined itself and knows nothing yet, neither of an upload nor a key. It reads one upload and is gone; then the next
one makes ready. Should it die while it waits, `sort_delivery` takes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processing.ingest.confined import Child

_waiting: Child | None = None
_is_kept = False


def keep_ready() -> None:
    """From now on this process has a reader waiting; it is gone with the process."""
    global _is_kept, _waiting
    _is_kept = True
    _waiting = _waiting or _new()


def keep_none() -> None:
    """The one that waits is gone, and none comes after it."""
    global _is_kept, _waiting
    _is_kept = False
    if _waiting:
        _waiting.end()
    _waiting = None


@contextmanager
def reader() -> Iterator[Child]:
    """One for one upload: the one that waits, or a new one. It is gone when the block ends."""
    global _waiting
    one, _waiting = _waiting or _new(), None
    try:
        with one:
            yield one
    finally:
        if _is_kept:
            keep_ready()


def _new() -> Child:
    from processing.ingest.confined import Child
    from processing.ingest.delivery import SORT_ALL

    return Child(SORT_ALL)
