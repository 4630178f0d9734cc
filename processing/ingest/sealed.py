"""A file that rests encrypted, read without a plain copy on the disk.

It is a row of frames, each a length and that many bytes of AES-256-GCM under the frame's number: first one of its own
that says what the file is, then its bytes, then an empty one that proves that it is whole. Several such rows lie one
behind the other in a pack, its frames numbered through. The path of the first is that of the pack; that of another has
one more part, the number of its first frame and where that starts.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from processing.errors import InputError
from processing.ingest.direct import DirectReader

LENGTH = struct.Struct(">I")
SEAL = 16  # bytes that AES-GCM adds to a frame
PACK = ".bin"
LARGEST_FRAME = (1 << 20) + SEAL
MOST_BESIDE = 4096  # bytes of an ordinary file's frames besides its own: lengths, seals, its name
DAMAGED = "A file in the quarantine is damaged; send it again."
CUT_SHORT = "A file in the quarantine is cut short; send it again."


class Row(NamedTuple):
    """One file of a pack: its place in it, "" for the first, its size in bytes, and if they were opened its first two
    frames, which say what it is."""

    place: str
    size: int
    head: bytes
    first: bytes


def frames(path: Path, key: bytes) -> Iterator[bytes]:
    """The plain frames of a file, its head first. Raises InputError if it is cut short or damaged."""
    cipher = AESGCM(key)
    pack, first, start = _located(path)
    with DirectReader(pack, start) as file:
        for count in range(first, 2**32):
            content = _opened(cipher, count, _sealed_frame(file))
            if count > first and not content:
                return
            yield content


def _sealed_frame(file: DirectReader) -> memoryview:
    """The next frame as it lies there, until the one behind it is read."""
    head = file.read(LENGTH.size)
    length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else -1
    if not 0 <= length <= LARGEST_FRAME or len(frame := file.read(length)) < length:
        raise InputError(CUT_SHORT)
    return frame


def _opened(cipher: AESGCM, number: int, frame: bytes | memoryview) -> bytes:
    try:
        return cipher.decrypt(number.to_bytes(12, "big"), frame, None)
    except InvalidTag as error:
        raise InputError(DAMAGED) from error


def _plain(path: Path, key: bytes, size: int) -> io.BytesIO:
    """The plain bytes of a file of this size, opened where they belong at once; who reads all of them copies none."""
    cipher = AESGCM(key)
    pack, number, start = _located(path)
    plain, place = _zeros(size), 0
    with DirectReader(pack, start) as file, plain.getbuffer() as view:
        file.ahead(size + MOST_BESIDE)
        _opened(cipher, number, _sealed_frame(file))
        while True:
            number += 1
            frame = _sealed_frame(file)
            part = view[place : place + len(frame) - SEAL]
            try:
                cipher.decrypt_into(number.to_bytes(12, "big"), frame, None, part)
            except (InvalidTag, ValueError) as error:  # damaged, or longer than the file is said to be
                raise InputError(DAMAGED) from error
            place += len(part)
            if not part:
                break
    if place < size:
        raise InputError(CUT_SHORT)
    plain.getvalue()  # gives back the room behind the last byte: then all are read without a copy
    return plain


def _zeros(size: int) -> io.BytesIO:
    """A stream of so many zeros at its start, made without a copy of them."""
    plain = io.BytesIO()
    if size:
        plain.seek(size - 1)
        plain.write(b"\0")
        plain.seek(0)
    return plain


def rows(pack: Path, key: bytes | None = None) -> Iterator[Row]:
    """The files of a pack, told from the lengths of its frames; with a key the first two of each are opened.

    Raises InputError if the pack is cut short, or damaged as far as it is opened.
    """
    cipher = AESGCM(key) if key else None
    end = pack.stat().st_size
    with pack.open("rb") as file:
        number = place = 0
        while place < end:
            first, start, size, seen = number, place, 0, [b"", b""]
            while True:
                head = file.read(LENGTH.size)
                length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else end
                place += LENGTH.size + length
                if place > end:
                    raise InputError(CUT_SHORT)
                if cipher and number < first + 2:
                    seen[number - first] = _opened(cipher, number, file.read(length))
                else:
                    file.seek(place)
                number += 1
                if number > first + 1:
                    size += length - SEAL
                    if length == SEAL:
                        break
            yield Row(f"{first}-{start}" if start else "", size, *seen)


def pack_of(path: Path) -> Path:
    """The pack in which a sealed file lies."""
    return _located(path)[0]


def _located(path: Path) -> tuple[Path, int, int]:
    """The pack, and number and place of the file's first frame."""
    if path.parent.suffix != PACK:
        return path, 0, 0
    number, _, place = path.name.partition("-")
    return path.parent, int(number), int(place)


class Sealed(type(Path())):  # type: ignore[misc]
    """The path of such a file, under its own key: what opens it for reading meets the plain bytes, in memory."""

    key: bytes
    size: int
    _coming: Future[io.BytesIO] | None = None

    def begin(self, pool: Executor) -> None:
        """Have the pool open it; who opens it next, once, gets what came of that."""
        self._coming = pool.submit(_plain, self, self.key, self.size)

    def open(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        """The plain bytes as a stream."""
        if mode != "rb":
            raise ValueError("A sealed file is opened for its bytes only.")
        coming, self._coming = self._coming, None
        return _plain(self, self.key, self.size) if coming is None else coming.result()

    def stat(self, **options: Any) -> os.stat_result:
        """Of its pack, with the size of its plain bytes."""
        of_pack = os.stat(pack_of(self), **options)  # noqa: PTH116
        return os.stat_result((*of_pack[:6], self.size, *of_pack[7:10]))

    def __reduce__(self) -> Any:
        return sealed, (str(self), self.key, self.size)


def sealed(path: str | Path, key: bytes, size: int) -> Sealed:
    """The file of so many bytes at this path as one that is sealed under this key."""
    one = Sealed(path)
    one.key, one.size = key, size
    return one


def words_of(path: Path) -> list[str]:
    """A path as words to another process; `path_from` makes it of them."""
    return [str(path), path.key.hex(), str(path.size)] if isinstance(path, Sealed) else [str(path)]


def path_from(words: list[str]) -> Path:
    """A path from its words."""
    return sealed(words[0], bytes.fromhex(words[1]), int(words[2])) if len(words) > 1 else Path(words[0])
