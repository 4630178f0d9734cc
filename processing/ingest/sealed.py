"""A file that rests encrypted, read without a plain copy on the disk.

It is a row of frames, each a length and that many bytes of AES-256-GCM under the frame's number: first one of its own
that says what the file is, then its bytes, then an empty one that proves that it is whole.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from processing.errors import InputError

LENGTH = struct.Struct(">I")


def frames(path: Path, key: bytes) -> Iterator[bytes]:
    """The plain frames of a file, its head first. Raises InputError if it is cut short or damaged."""
    cipher = AESGCM(key)
    with open(path, "rb") as file:  # noqa: PTH123 - of a sealed path this is what lies on the disk
        for count in range(2**32):
            head = file.read(LENGTH.size)
            if len(head) < LENGTH.size:
                raise InputError("A file in the quarantine is cut short; send it again.")
            try:
                content = cipher.decrypt(count.to_bytes(12, "big"), file.read(LENGTH.unpack(head)[0]), None)
            except InvalidTag as error:
                raise InputError("A file in the quarantine is damaged; send it again.") from error
            if count and not content:
                return
            yield content


class Sealed(type(Path())):  # type: ignore[misc]
    """The path of such a file, under its own key: what opens it for reading meets the plain bytes, in memory."""

    key: bytes

    def open(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        """The plain bytes as a stream."""
        if mode != "rb":
            raise ValueError("A sealed file is opened for its bytes only.")
        content = frames(self, self.key)
        next(content)
        return io.BytesIO(b"".join(content))

    def __reduce__(self) -> Any:
        return sealed, (str(self), self.key)


def sealed(path: str | Path, key: bytes) -> Sealed:
    """The file at this path as one that is sealed under this key."""
    one = Sealed(path)
    one.key = key
    return one


def words_of(path: Path) -> list[str]:
    """A path as words to another process; `path_from` makes it of them."""
    return [str(path), path.key.hex()] if isinstance(path, Sealed) else [str(path)]


def path_from(words: list[str]) -> Path:
    """A path from its words."""
    return sealed(words[0], bytes.fromhex(words[1])) if len(words) > 1 else Path(words[0])
