"""Copies of the archive's files on this machine, where the archive itself is an object store. So many as settings say.

What was not asked for the longest goes first. A copy bears the hash that names it, or it is not made. What the site
erased goes from every machine within a minute: rows of `Erasure` tell, and each process that works or answers looks.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.db.models.functions import Now

from processing.errors import InputError
from readerstudy.archive.models import Erasure
from readerstudy.archive.storage import place_of

if TYPE_CHECKING:
    from readerstudy.archive.object_storage import ObjectStorage

AT_ONCE = 16  # requests to the store, which answers late
DAMAGED = "A file of the archive is damaged (SHA-256 {}). Restore it from a backup."
NO_ROOM = "There is not enough room for copies of the archive on this machine: READERSTUDY_NEAR_GB."
LOOKED_AFTER = 1 / 16  # of the room: after so much was fetched it is seen whether too much is here
LEFT = 0.9  # of the room, once some had to go
DAY = timedelta(days=1)
TRIES = 5
_fetched, _lock = 0, Lock()
_looked: set[Path] = set()


class DamagedError(InputError):
    """What lies in the store under a hash has another one."""


def _folder() -> Path:
    folder = settings.VAR_DIR / "near"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _place(sha256: str) -> Path:
    return _folder() / sha256[:2] / sha256


def bring(storage: "ObjectStorage", hashes: Collection[str]) -> None:
    """Have copies of all these here, those that are used next. FileNotFoundError if the store lacks one, DamagedError
    if one is not what it was. They are fetched together, so that it takes as long for each of them."""
    lacking = []
    for sha256 in set(hashes):
        try:
            os.utime(_place(sha256))
        except FileNotFoundError:
            lacking.append(sha256)
    if len(lacking) > 1:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda sha256: _fetch(storage, sha256), lacking))
    elif lacking:
        _fetch(storage, lacking[0])


def _fetch(storage: "ObjectStorage", sha256: str) -> None:
    handle, draft = tempfile.mkstemp(dir=_folder(), prefix=".")
    os.close(handle)
    path = Path(draft)
    try:
        storage.fetch(place_of(sha256), path)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise DamagedError(DAMAGED.format(sha256[:12]))
        size = path.stat().st_size
        _place(sha256).parent.mkdir(exist_ok=True, mode=0o700)
        path.replace(_place(sha256))
    finally:
        path.unlink(missing_ok=True)
    _make_room(size)


@contextmanager
def opened(storage: "ObjectStorage", sha256: str, beside: Collection[str] = ()) -> Iterator[IO[bytes]]:
    """The copy of a file, open. beside: those that are to be here with it."""
    for _ in range(TRIES):
        bring(storage, {sha256, *beside})
        with suppress(FileNotFoundError):  # it had to go meanwhile
            with _place(sha256).open("rb") as file:
                yield file
            return
    raise OSError(NO_ROOM)


def link(storage: "ObjectStorage", sha256: str, path: Path) -> None:
    """Let the copy of a file have this path too, on the same disk; it stays when the copy has to go."""
    for _ in range(TRIES):
        bring(storage, [sha256])
        with suppress(FileNotFoundError):
            path.hardlink_to(_place(sha256))
            return
    raise OSError(NO_ROOM)


def scratch() -> Path:
    """A folder on the disk of the copies."""
    return _folder()


def forget(hashes: Collection[str]) -> bool:
    """Keep no copies of these here; whether there were any."""
    there = False
    for sha256 in hashes:
        with suppress(FileNotFoundError):
            _place(sha256).unlink()
            there = True
    return there


def note_erased(hashes: Collection[str]) -> None:
    """Have all machines forget these."""
    Erasure.objects.bulk_create(Erasure(sha256=sha256) for sha256 in hashes)
    forget(hashes)


def forget_erased() -> None:
    """Keep no copies of what was erased: of the last day, and when a process looks first of all days."""
    rows, folder = Erasure.objects.all(), _folder()
    if folder in _looked:
        rows = rows.filter(at__gt=Now() - DAY)
    forget(list(rows.values_list("sha256", flat=True)))
    _looked.add(folder)


def _make_room(size: int) -> None:
    """Count what was fetched; now and then let go what was not asked for the longest."""
    global _fetched
    with _lock:
        _fetched += size
        if _fetched < LOOKED_AFTER * settings.NEAR_BYTES:
            return
        _fetched = 0
    found = []
    for path in _folder().glob("??/*"):
        with suppress(FileNotFoundError):
            said = path.stat()
            found.append((said.st_mtime, said.st_size, path))
    for path in _folder().glob(".*"):  # what a killed process left
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - DAY.total_seconds():
                path.unlink()
    total = sum(size for _, size, _ in found)
    if total <= settings.NEAR_BYTES:
        return
    for _, size, path in sorted(found):
        path.unlink(missing_ok=True)
        total -= size
        if total <= LEFT * settings.NEAR_BYTES:
            return
