"""Content-addressed store: bytes go in, their SHA-256 comes out, and is the only way back."""

import hashlib
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from processing.errors import InputError
from processing.ingest.direct import DirectReader
from readerstudy.archive import near
from readerstudy.archive.storage import TOGETHER, WholeFileStorage, place_of

if TYPE_CHECKING:
    from readerstudy.archive.object_storage import ObjectStorage

PIECE = 1 << 20  # bytes of a file that is given out
REMEMBERED = 100_000  # files
TICK = 20_000_000  # ns: the time of a file's last change goes in steps of 1 to 10 ms


def _storage() -> Any:
    return storages["archive"]


def _far() -> "ObjectStorage | None":
    """The archive where it is an object store, of which this machine has copies; None where it is a folder."""
    storage = _storage()
    return None if isinstance(storage, WholeFileStorage) else storage


def put_bytes(content: bytes) -> str:
    """Keep the bytes; returns their SHA-256. Bytes that are here already are not written again."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not _storage().exists(place_of(sha256)):
        _storage().save(place_of(sha256), ContentFile(content))
    return sha256


def put_file(path: Path) -> tuple[str, int]:
    """Keep a file; returns SHA-256 and size in bytes."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if not _storage().exists(place_of(sha256)):
            file.seek(0)
            _storage().save(place_of(sha256), File(file))
        return sha256, path.stat().st_size


class Ahead:
    """Hashes files, and makes room for them in the store, while others are still being made.

    They may change meanwhile: what was found of one counts only if nobody touched it since.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)  # while one waits for the disk
        self._found: dict[Path, Future[dict[Path, tuple[tuple[int, ...], str]]]] = {}

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def look_at(self, paths: Iterable[Path]) -> None:
        """Begin with these."""
        files = list(paths)
        looked_at = self._pool.submit(self._look_at, files)
        self._found |= dict.fromkeys(files, looked_at)

    @staticmethod
    def _look_at(paths: Iterable[Path]) -> dict[Path, tuple[tuple[int, ...], str]]:
        found, storage = {}, _storage()
        for path in paths:
            with DirectReader(path) as file:
                before = _marks(status := os.fstat(file.fileno()))
                if time.time_ns() - status.st_ctime_ns < TICK:  # a change now might bear the same time
                    time.sleep(TICK / 1e9)
                sha256 = file.sha256()
            if isinstance(storage, WholeFileStorage):
                storage.prepare(place_of(sha256))
            found[path] = before, sha256
        return found

    def hash_and_size(self, path: Path) -> tuple[str, int]:
        """SHA-256 and size in bytes of a file that nobody writes to any more."""
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if (found := self._found.get(path)) is not None and found.exception() is None:
                marks, sha256 = found.result()[path]
                if marks == _marks(status):
                    return sha256, status.st_size
            return hashlib.file_digest(file, "sha256").hexdigest(), status.st_size


def _marks(status: os.stat_result) -> tuple[int, ...]:
    """What differs once somebody wrote to a file; the time of its last change is the system's to set alone."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def put_files(paths: Sequence[Path], ahead: Ahead | None = None) -> list[tuple[str, int]]:
    """Keep many files, flushed to disk together; returns SHA-256 and size in bytes in the same order.

    Nobody may write to them any more. ahead: looked at some of them already.
    """
    known = ahead or Ahead()

    def hashes(some: Sequence[Path]) -> list[tuple[str, int]]:
        return [known.hash_and_size(path) for path in some]

    together = [paths[start : start + TOGETHER] for start in range(0, len(paths), TOGETHER)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [one for several in pool.map(hashes, together) for one in several]
    of = {sha256: path for (sha256, _), path in zip(found, paths, strict=True)}
    _storage().keep({place_of(sha256): of[sha256] for sha256 in absent(of)})
    return found


def read(sha256: str, start: int = 0, end: int | None = None) -> bytes:
    """Bytes [start, end) of what is kept under this hash. FileNotFoundError if it is not here."""
    with _opened(sha256) as file:
        file.seek(start)
        return file.read() if end is None else file.read(end - start)


@contextmanager
def _opened(sha256: str) -> Iterator[IO[bytes]]:
    if far := _far():
        with near.opened(far, sha256) as copy:
            yield copy
    else:
        with _storage().open(place_of(sha256)) as file:
            yield file


def bring_near(hashes: Collection[str]) -> None:
    """Where the archive is elsewhere, fetch these together if one is not here, so that it takes as long whichever of
    them is asked for. FileNotFoundError if one is not kept."""
    if far := _far():
        near.bring(far, hashes)


def fetch_anew(sha256: str) -> bool:
    """Have the copy that this machine has of a file made again; False if it has none."""
    return _far() is not None and near.forget([sha256])


def pieces(sha256: str) -> Iterator[bytes]:
    """What is kept under this hash, piece by piece. FileNotFoundError if it is not here."""
    with _opened(sha256) as file:
        while piece := file.read(PIECE):
            yield piece


def exists(sha256: str) -> bool:
    """Whether something is kept under this hash."""
    return _storage().exists(place_of(sha256))


def absent(hashes: Collection[str]) -> list[str]:
    """Those of these hashes under which nothing is kept."""
    if _far() is None:
        return [sha256 for sha256 in hashes if not exists(sha256)]
    with ThreadPoolExecutor(near.AT_ONCE) as pool:
        return [sha256 for sha256, there in zip(hashes, pool.map(exists, hashes), strict=True) if not there]


def lacking(hashes: Collection[str]) -> int:
    """Under how many of these hashes nothing is kept."""
    return len(absent(hashes))


def is_whole(sha256: str) -> bool:
    """Whether what is kept under this hash is there and as it was kept."""
    try:
        with _storage().open(place_of(sha256)) as file:
            return hashlib.file_digest(file.file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


_whole: dict[str, tuple[int, ...]] = {}  # marks of the files that this process read whole, by hash


def damaged(hashes: Sequence[str]) -> int:
    """How many of these files are not as they were kept. A process reads each whole once, and when somebody wrote to it
    since. InputError if one of them is not here."""
    with local_files(hashes) as paths:
        return sum(not _is_as_kept(sha256, path) for sha256, path in zip(hashes, paths, strict=True))


def _is_as_kept(sha256: str, path: Path) -> bool:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        marks = (
            _marks(status) if status.st_nlink == 1 else _marks(status)[:-1]
        )  # another name is a change to a file too
        if _whole.get(sha256) == marks:
            return True
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return False
    if time.time_ns() - status.st_ctime_ns > TICK:  # a change now might bear the same time
        if len(_whole) >= REMEMBERED:
            _whole.clear()
        _whole[sha256] = marks
    return True


def erase(sha256: str) -> bool:
    """Remove what is kept under this hash; False if it was not here."""
    there = exists(sha256)
    _storage().delete(place_of(sha256))
    if _far():
        near.note_erased([sha256])
    return there


@contextmanager
def local_files(hashes: Sequence[str], suffix: str = "") -> Iterator[list[Path]]:
    """The kept files as local paths in the given order, named 0000, 0001, … plus suffix, while the block runs.

    InputError if one of them is not here.
    """
    ensure_there(hashes)
    far = _far()
    with tempfile.TemporaryDirectory(prefix="series-", dir=near.scratch() if far else None) as folder:
        paths = []
        for position, sha256 in enumerate(hashes):
            path = Path(folder) / f"{position:04d}{suffix}"
            if far:
                near.link(far, sha256, path)
            else:
                path.symlink_to(_storage().path(place_of(sha256)))
            paths.append(path)
        yield paths


def ensure_there(hashes: Sequence[str]) -> None:
    """InputError if one of these files cannot be had."""
    if gone := _lacking_here(hashes):
        raise InputError(f"{gone} of {len(hashes)} files are not in the archive. Restore them from a backup.")


def _lacking_here(hashes: Sequence[str]) -> int:
    """How many of the files cannot be had; those that can are on this machine."""
    try:
        bring_near(hashes)
    except FileNotFoundError:
        return lacking(set(hashes))
    return 0 if _far() else lacking(hashes)
