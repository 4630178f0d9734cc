"""A stream under a passphrase: AES-256-GCM in chunks, of which each knows its number and whether it is the last.

The key is made of the passphrase by scrypt with a salt of the stream's own. Whoever changes, exchanges or cuts off
anything is noticed at the next chunk, at the latest at the end; memory is that of one chunk.
"""

import os
import secrets
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from processing.errors import InputError

MAGIC = b"reader study, backup 1\n"
HEADER = struct.Struct(">B16s")  # scrypt's cost as a power of two, salt
COST, MOST = 17, 20  # of a new stream, 128 MB; of one that is opened
CHUNK = 1 << 20
SEAL = 16
NUMBER = 11  # bytes of a nonce; the twelfth says whether it is the last
SHORTEST = 12  # characters of a passphrase
NO_BACKUP = "This is not a backup of a reader study site."
DAMAGED = "The backup is damaged or cut short: nothing of it is used."
WRONG = "The passphrase is not that of this backup, or the backup is damaged."


def _cipher(passphrase: str, header: bytes) -> AESGCM:
    cost, salt = HEADER.unpack(header)
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << cost, r=8, p=1).derive(passphrase.encode()))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(NUMBER, "big") + bytes([last])


class SealingFile:
    """Takes plain bytes and writes sealed ones; nothing is whole before `close`."""

    def __init__(self, target: IO[bytes], passphrase: str) -> None:
        if len(passphrase) < SHORTEST:
            raise InputError(f"The passphrase is too short: take {SHORTEST} characters or more.")
        self._target, self._number, self._waiting = target, 0, bytearray()
        self._header = HEADER.pack(COST, secrets.token_bytes(16))
        self._cipher = _cipher(passphrase, self._header)
        target.write(MAGIC + self._header)

    def write(self, content: bytes) -> int:
        self._waiting += content
        while len(self._waiting) > CHUNK:  # the last chunk is never written before it is known to be
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(content)

    def _seal(self, content: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last), content, self._header))
        self._number += 1

    def close(self) -> None:
        self._seal(bytes(self._waiting), last=True)
        self._target.flush()
        os.fsync(self._target.fileno())


class OpeningFile:
    """Reads the plain bytes; InputError where the stream is not whole, or the passphrase not the right one."""

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        if source.read(len(MAGIC)) != MAGIC or len(header := source.read(HEADER.size)) < HEADER.size:
            raise InputError(NO_BACKUP)
        if header[0] > MOST:
            raise InputError(NO_BACKUP)
        self._source, self._header, self._number = source, header, 0
        self._cipher = _cipher(passphrase, header)
        self._ahead, self._plain, self.ended = source.read(CHUNK + SEAL), b"", False

    def read(self, size: int) -> bytes:
        parts = []
        while size:
            if not self._plain:
                if self.ended:
                    break
                self._open()
                continue
            part, self._plain = self._plain[:size], self._plain[size:]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _open(self) -> None:
        sealed, self._ahead = self._ahead, self._source.read(CHUNK + SEAL)
        self.ended = not self._ahead
        try:
            self._plain = self._cipher.decrypt(_nonce(self._number, self.ended), sealed, self._header)
        except InvalidTag as error:
            raise InputError(DAMAGED if self._number else WRONG) from error
        self._number += 1

    def finish(self) -> None:
        """Read what is left; InputError unless it ends as it was ended."""
        while not self.ended:
            self._plain = b""
            self._open()
