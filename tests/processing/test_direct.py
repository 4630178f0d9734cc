"""What goes past the cache of pages is the same bytes, also where a file system cannot."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import mmap
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processing.ingest import direct
from processing.ingest.direct import BLOCK, ROOM, DirectReader, DirectWriter

SIZES = [0, 1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 100_000, 1 << 20, ROOM, ROOM + 5, 5_000_000]
PAST_CACHE = getattr(os, "O_DIRECT", 0)


def write(path: Path, pieces: list[bytes]) -> bytes:
    """Pieces one after the other, as they come or into the room that they are given."""
    file = DirectWriter(path)
    for number, piece in enumerate(pieces):
        if number % 2 and len(piece) <= 1 << 20:
            file.room(len(piece))[: len(piece)] = piece
            file.filled(len(piece))
        else:
            file.write(piece)
    file.close()
    return b"".join(pieces)


def read(path: Path, start: int, sizes: list[int]) -> bytes:
    found = []
    with DirectReader(path, start) as file:
        file.ahead(sizes[0])
        while part := bytes(file.read(sizes[len(found) % len(sizes)])):
            found.append(part)
    return b"".join(found)


def refusing(call: Callable[..., int]) -> Callable[..., int]:
    """A call of the system as a file system makes it that cannot go past the cache."""

    def answer(*words: Any, **options: Any) -> int:
        flags = fcntl.fcntl(words[0], fcntl.F_GETFL) if isinstance(words[0], int) else words[1]
        if flags & PAST_CACHE:
            raise OSError(errno.EINVAL, "cannot")
        return call(*words, **options)

    return answer


@pytest.mark.parametrize("cannot", ["", "open", "write", "preadv"])
def test_files_come_back_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cannot: str) -> None:
    chance = random.Random(cannot)
    for number in range(12):
        path = tmp_path / str(number)
        with monkeypatch.context() as patch:
            if cannot:
                patch.setattr(os, cannot, refusing(getattr(os, cannot)))
            whole = write(path, [chance.randbytes(chance.choice(SIZES)) for _ in range(chance.randint(0, 5))])
            assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(whole).digest()
            start = chance.randint(0, len(whole))
            assert read(path, start, chance.sample([1000, BLOCK, 70_000, 1 << 20], 2)) == whole[start:]
            with DirectReader(path, start) as file:
                assert file.sha256() == hashlib.sha256(whole[start:]).hexdigest()


def cut_short(monkeypatch: pytest.MonkeyPatch, sizes: list[int]) -> None:
    """The next reads give no more bytes than these, as on a disk of a network that is interrupted."""
    real = os.preadv

    def short(handle: int, views: list[memoryview], place: int) -> int:
        return real(handle, [views[0][: sizes.pop(0)]] if sizes else views, place)

    monkeypatch.setattr(os, "preadv", short)


@pytest.mark.parametrize("sizes", [[100_000], [BLOCK, 1, BLOCK - 2], [ROOM, 5, 5]])
def test_a_read_that_is_cut_short_is_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    whole = write(tmp_path / "a", [random.Random(1).randbytes(2 * ROOM + 77)])
    with monkeypatch.context() as patch:
        patch.setattr(direct, "_DIRECT", 0)  # the system cuts no direct read within a block
        cut_short(patch, list(sizes))
        assert read(tmp_path / "a", 5, [70_000]) == whole[5:]
        cut_short(patch, list(sizes))
        with DirectReader(tmp_path / "a") as file:
            assert file.sha256() == hashlib.sha256(whole).hexdigest()


def test_a_file_that_ends_before_its_length_has_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", [bytes(100_000)])
    cut_short(monkeypatch, [BLOCK, 0])
    with DirectReader(tmp_path / "a", 5) as file, pytest.raises(OSError, match="not be read to its end"):
        file.sha256()


def in_memory(path: Path) -> int:
    """How many pages of a file the system holds."""
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as pages:
        found = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        assert ctypes.CDLL(None).mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), found) == 0
    return sum(one & 1 for one in found)


@pytest.mark.skipif(not PAST_CACHE, reason="the system has no such files")
def test_what_was_written_does_not_fill_the_cache(tmp_path: Path) -> None:
    (tmp_path / "through").write_bytes(bytes(1 << 20))
    try:
        os.close(os.open(tmp_path / "through", os.O_RDONLY | PAST_CACHE))
    except OSError:
        pytest.skip("the file system cannot")
    if in_memory(tmp_path / "through") < 200:
        pytest.skip("the file system has no such cache")
    write(tmp_path / "past", [bytes(1 << 20), b"the rest"])
    assert in_memory(tmp_path / "past") <= 1


def test_a_full_disk_is_told_and_nothing_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*words: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    before = len(direct._free)
    with pytest.raises(OSError, match="full"), DirectWriter(tmp_path / "a") as file:
        file.write(b"x" * 10_000)
    assert file._handle == -1
    assert len(direct._free) == max(before, 1)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"of another")
    with pytest.raises(FileExistsError):
        DirectWriter(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"of another"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
def test_a_fork_writes_into_no_memory_of_its_parent(tmp_path: Path) -> None:
    file = DirectWriter(tmp_path / "a")
    file.write(b"of the parent")
    if not (child := os.fork()):
        file.room(1)[-20:] = b"x" * 20
        file._view[:13] = b"of the child!"
        os._exit(0)
    os.waitpid(child, 0)
    file.close()
    assert (tmp_path / "a").read_bytes() == b"of the parent"


def test_bytes_that_may_wait_in_the_cache_are_not_asked_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last bytes of a file that was just written: read past the cache, the disk would have to write them now."""
    content = write(tmp_path / "one", [os.urandom(3 * BLOCK + 100)])
    call, ends = os.preadv, []

    def watched(handle: int, buffers: list[memoryview], place: int) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & PAST_CACHE:
            ends.append(place + sum(map(len, buffers)))
        return call(handle, buffers, place)

    monkeypatch.setattr(os, "preadv", watched)
    assert read(tmp_path / "one", 0, [1 << 20]) == content
    assert all(end <= 3 * BLOCK for end in ends)
