"""Parts of a kept file, none of which is handed out unless it is what was kept.

A process reads the whole file once and remembers how its SHA-256 stood at the end of each part. From there on a part is
checked by itself: hashing goes on from where it stood before it, and has to come to what it was after it.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from threading import Lock

from readerstudy.archive import store
from readerstudy.archive.near import DamagedError

KEPT = 256  # files whose stands are remembered, some 10 kB each
LOCKS = [Lock() for _ in range(16)]
logger = logging.getLogger(__name__)
_stands: "OrderedDict[str, list[hashlib._Hash]]" = OrderedDict()


class LostError(Exception):
    """A kept file is missing or damaged; says which, for the log."""

    def __init__(self, sha256: str, how: str) -> None:
        super().__init__(f"A file of the archive is {how} (SHA-256 {sha256}).")
        self.sha256 = sha256


def read_part(sha256: str, ends: Sequence[int], index: int, *, beside: Collection[str] = ()) -> bytes:
    """Part `index` of a kept file, whose parts lie between these places. LostError, and a line in the site's log, where
    file or part is missing or damaged.

    beside: fetched with it from an archive that is elsewhere, so that the time says of none whether it was here.
    """
    try:
        store.bring_near({sha256, *beside})
        try:
            return _checked(sha256, ends, index)
        except LostError:
            if not store.fetch_anew(sha256):
                raise
            return _checked(sha256, ends, index)
    except (LostError, DamagedError) as error:
        lost = error if isinstance(error, LostError) else LostError(sha256, "damaged")
        logger.error("%s", lost)
        raise lost from error
    except FileNotFoundError as error:
        lost = LostError(sha256, "missing")
        logger.error("%s", lost)
        raise lost from error


def _checked(sha256: str, ends: Sequence[int], index: int) -> bytes:
    stands = _stands.get(sha256)
    if stands is None or len(stands) != len(ends):
        with LOCKS[int(sha256[:1], 16)]:  # of many who ask for one file at once, one reads it
            stands = _stands.get(sha256)
            if stands is None or len(stands) != len(ends):
                stands = _read_whole(sha256, ends)
    content = store.read(sha256, ends[index], ends[index + 1])
    stand = stands[index].copy()
    stand.update(content)
    if stand.digest() != stands[index + 1].digest():
        raise LostError(sha256, "damaged")
    return content


def _read_whole(sha256: str, ends: Sequence[int]) -> "list[hashlib._Hash]":
    digest, stands = hashlib.sha256(), []
    content = memoryview(store.read(sha256))
    for start, end in zip([0, *ends], ends, strict=False):
        digest.update(content[start:end])
        stands.append(digest.copy())
    digest.update(content[ends[-1] :])
    if digest.hexdigest() != sha256:
        raise LostError(sha256, "damaged")
    _stands[sha256] = stands
    while len(_stands) > KEPT:
        _stands.popitem(last=False)
    return stands
