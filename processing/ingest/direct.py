"""Write and read files past the system's cache of pages (O_DIRECT, Linux): what goes to the disk anyhow is copied once
less.

Where a file system cannot, they go through the cache. The last bytes of a file, less than a block, always do. A file is
as durable as any other that was written: whoever counts on it flushes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
from pathlib import Path

BLOCK = 4096  # places in a file and in memory are multiples of it
ROOM = 2 << 20  # bytes of a buffer
AT_ONCE = 1 << 20
_DIRECT: int = getattr(os, "O_DIRECT", 0)
_free: list[mmap.mmap] = []  # memory that is new costs the system more than what is written from it


def _buffer() -> mmap.mmap:
    try:
        return _free.pop()
    except IndexError:
        return mmap.mmap(-1, ROOM, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # no fork writes into it


class _DirectFile:
    def __init__(self, path: Path, flags: int) -> None:
        self._is_direct = bool(_DIRECT)
        try:
            self._handle = os.open(path, flags | _DIRECT | os.O_CLOEXEC, 0o666)
        except OSError as reason:
            if reason.errno != errno.EINVAL:
                raise
            self._is_direct = False
            self._handle = os.open(path, flags & ~os.O_EXCL | os.O_CLOEXEC, 0o666)  # it may be there by now
        self._buffer = _buffer()
        self._view = memoryview(self._buffer)

    def _use_cache(self) -> None:
        if self._is_direct:
            fcntl.fcntl(self._handle, fcntl.F_SETFL, fcntl.fcntl(self._handle, fcntl.F_GETFL) & ~_DIRECT)
            self._is_direct = False

    def _is_refused(self, reason: OSError) -> bool:
        """Whether it is to be tried again, through the cache."""
        refused = self._is_direct and reason.errno == errno.EINVAL
        if refused:
            self._use_cache()
        return refused

    def release(self) -> None:
        """Close the file as it is; again changes nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            self._view = memoryview(b"")
            _free.append(self._buffer)

    __del__ = release


class DirectWriter(_DirectFile):
    """Takes the bytes of a new file, one after the other; it is whole after `close`."""

    def __init__(self, path: Path) -> None:
        self._handle, self._filled = -1, 0
        super().__init__(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def __enter__(self) -> DirectWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.release()

    def write(self, content: bytes | memoryview) -> None:
        """More bytes."""
        if len(content) <= ROOM - self._filled:
            self._view[self._filled : self._filled + len(content)] = content
            self._filled += len(content)
            return
        left = memoryview(content)
        while left:
            room = self.room(1)
            part, left = left[: len(room)], left[len(room) :]
            room[: len(part)] = part
            self.filled(len(part))

    def room(self, size: int) -> memoryview:
        """Where so many bytes or more, at most 1 MiB and some, can be put; `filled` then says how many were."""
        if ROOM - self._filled < size:
            self._write(self._filled - self._filled % BLOCK)
        return self._view[self._filled :]

    def filled(self, size: int) -> None:
        """So many bytes were put into what `room` gave."""
        self._filled += size

    def _write(self, size: int) -> None:
        """Write so many of the bytes that wait; the others move to the front."""
        place = 0
        while place < size:
            try:
                place += os.write(self._handle, self._view[place:size])
            except OSError as reason:
                if not self._is_refused(reason):
                    raise
            if place % BLOCK:
                self._use_cache()
        self._filled -= size
        self._view[: self._filled] = self._view[size : size + self._filled]

    def close(self) -> None:
        """Write what is left."""
        try:
            self._write(self._filled - self._filled % BLOCK)
            if self._filled:
                self._use_cache()
                self._write(self._filled)
        finally:
            self.release()


class DirectReader(_DirectFile):
    """Reads a file from a place on; gives its buffer back when the block ends."""

    def __init__(self, path: Path, start: int = 0) -> None:
        self._handle = -1
        super().__init__(path, os.O_RDONLY)
        self._from = start - start % BLOCK  # of the file: where the next bytes are read
        self._at, self._end = start % BLOCK, 0  # of the buffer: what is asked for next, what was read
        self._ended = False
        size = os.fstat(self._handle).st_size
        # The bytes behind this may wait in the cache to be written; to read them past it would have the disk do so now.
        self._blocks = size - size % BLOCK

    def __enter__(self) -> DirectReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def ahead(self, size: int) -> None:
        """Read so many bytes at once, as many as fit: they are asked for next."""
        if self._ended or self._end - self._at >= size:
            return
        front = min(self._at - self._at % BLOCK, self._end)
        if front:
            self._view[: self._end - front] = self._view[front : self._end]
            self._at, self._end = self._at - front, self._end - front
        most = min(ROOM, -(-(self._at + size) // BLOCK) * BLOCK)
        while self._end < most and not self._ended:
            if self._is_direct and self._from >= self._blocks:
                self._use_cache()
            upto = min(most, self._end + self._blocks - self._from) if self._is_direct else most
            try:
                count = os.preadv(self._handle, [self._view[self._end : upto]], self._from)
            except OSError as reason:
                if not self._is_refused(reason):
                    raise
                continue
            self._end, self._from = self._end + count, self._from + count
            self._ended = not count
            if self._end % BLOCK:  # a read that was cut short: what follows lies askew
                self._use_cache()

    def read(self, size: int) -> memoryview:
        """The next bytes, until the next are read; fewer at the end of the file. size: at most 1 MiB and some."""
        self.ahead(size)
        found = self._view[self._at : min(self._at + size, self._end)]
        self._at += len(found)
        return found

    def fileno(self) -> int:
        """Of the open file."""
        return self._handle

    def sha256(self) -> str:
        """Of all bytes from here on, in hex digits. OSError if the file cannot be read to its end."""
        digest, place = hashlib.sha256(), self._from - self._end + self._at
        while content := self.read(AT_ONCE):
            digest.update(content)
            place += len(content)
        if place < os.fstat(self._handle).st_size:
            raise OSError(errno.EIO, "The file could not be read to its end")
        return digest.hexdigest()
