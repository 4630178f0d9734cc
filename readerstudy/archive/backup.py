"""One file that holds the site: keys, heads of the logs, database, archive and quarantine, under a passphrase.

People go on working. The heads are read before the database, so that they are not ahead of it, and the files after it,
so that none that it names is missing. The file is a tar within `sealed_stream`; last comes the SHA-256 of each member
but those of the archive, which their names tell.
"""

import hashlib
import io
import json
import os
import secrets
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.archive import database_copy, last_backup, quarantine, store_mark
from readerstudy.archive.sealed_stream import SealingFile

ABOUT, KEYS, HASHES = "about.json", "keys.json", "hashes.json"
HEADS, DATABASE, ARCHIVE, QUARANTINE = "heads", "database", "archive", "quarantine"


class _Hashed:
    """Reads so much of a file, which may grow meanwhile, and hashes it."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self.digest = file, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(content)
        self.digest.update(content)
        return content


class _Members:
    """Writes the members of a backup."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar, self.hashes = tar, dict[str, str]()

    def add(self, name: str, file: IO[bytes], size: int) -> str:
        """Returns the SHA-256 of what was written."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        hashed = _Hashed(file, size)
        self._tar.addfile(entry, hashed)
        if not name.startswith(f"{ARCHIVE}/"):
            self.hashes[name] = hashed.digest.hexdigest()
        return hashed.digest.hexdigest()

    def add_path(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, file, os.fstat(file.fileno()).st_size)

    def add_json(self, name: str, said: object) -> None:
        content = json.dumps(said).encode()
        self.add(name, io.BytesIO(content), len(content))


def archive_names() -> Iterator[str]:
    """Names of all files of the archive but the store's mark, as its storage has them."""
    names: Iterator[str] = storages["archive"].names()  # type: ignore[attr-defined]
    return (name for name in names if name != store_mark.NAME)


def make(target: Path, passphrase: str) -> dict:
    """Write a backup; returns when it was made, its size, how many files of the archive it holds and which of them
    are damaged. InputError where there is a file already, or the passphrase is too short."""
    if target.exists():
        raise InputError(f"{target} is there already: choose another name.")
    store_mark.ensure_own()
    draft = target.with_name(f".{target.name}.part")
    try:
        with draft.open("wb") as file:
            said = write_to(file, passphrase)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    said["bytes"] = target.stat().st_size
    last_backup.note()
    return said


def write_to(file: IO[bytes], passphrase: str) -> dict:
    """Write a backup into an open file; returns as `make`, but for the size."""
    sealing = SealingFile(file, passphrase)
    said = {"made": timezone.now().isoformat(timespec="seconds"), "backup": secrets.token_hex(8)}
    with tarfile.open(fileobj=sealing, mode="w|", bufsize=1 << 20) as tar:  # type: ignore[call-overload]
        members = _Members(tar)
        members.add_json(ABOUT, said | database_copy.about())
        members.add_json(KEYS, keyring.rings())
        for path in sorted(settings.HEADS_DIR.rglob("*.log")):
            members.add_path(f"{HEADS}/{path.relative_to(settings.HEADS_DIR)}", path)
        with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.VAR_DIR) as folder:
            for path in database_copy.take(Path(folder)):
                members.add_path(f"{DATABASE}/{path.name}", path)
                path.unlink()
        files, damaged = _add_archive(members)
        for name in quarantine.all_packs():
            with suppress(FileNotFoundError), quarantine.pack_here(name) as path:  # gone: sorted meanwhile
                members.add_path(f"{QUARANTINE}/{name}", path)
        members.add_json(HASHES, {"files": members.hashes, "archive": files})
    sealing.close()
    return said | {"files": files, "damaged": damaged}


def _add_archive(members: _Members) -> tuple[int, list[str]]:
    """How many files there are, and the names of those that are not what their names say."""
    storage, count, damaged = storages["archive"], 0, []
    for name in archive_names():
        try:
            with storage.open(name) as file:
                found = members.add(f"{ARCHIVE}/{name}", cast(IO[bytes], file), file.size)
        except FileNotFoundError:
            continue  # erased meanwhile
        count += 1
        if found != name.rpartition("/")[2]:
            damaged.append(name)
    return count, damaged
