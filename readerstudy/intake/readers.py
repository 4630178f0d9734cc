"""The confined reader of a worker, ready before there is anything to read.

To import what it reads with takes it as long as to read some hundred files. So a worker keeps one waiting: it has
confined itself and knows nothing yet, neither of an upload nor a key. It reads one upload and is gone; then the next
one makes ready. Should it have ended while it waited, killed or not able to make ready, the upload gets a new one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processing.ingest.confined import Child

logger = logging.getLogger(__name__)
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
    one, _waiting = _waiting, None
    if one and one.is_gone():
        one.end()
        one = None
    try:
        with one or _new() as taken:
            yield taken
    finally:
        if _is_kept:
            _make_ready()


def _make_ready() -> None:
    """The upload is done, whatever becomes of the next one's reader."""
    try:
        keep_ready()
    except OSError:
        logger.warning("No reader could be made ready; the next upload starts its own.", exc_info=True)


def _new() -> Child:
    from processing.ingest.confined import Child
    from processing.ingest.delivery import SORT_ALL

    return Child(SORT_ALL)
