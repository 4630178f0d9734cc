"""A backup becomes a site again, in an empty place and in this version.

A mark says that it is under way: until it is done no process of the site works here, and one that was broken off is
begun anew. The database comes last of what is copied, after everything was found to be whole. Then each study's log
gets its line, and what people had erased since the backup goes again.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files.storage import storages

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.archive import backup, database_copy, quarantine, store, store_mark
from readerstudy.archive.backup import ABOUT, ARCHIVE, DATABASE, HASHES, HEADS, KEYS, QUARANTINE
from readerstudy.archive.sealed_stream import DAMAGED, OpeningFile
from readerstudy.archive.signals import restored
from readerstudy.audit.services import RecordError, record_restore
from readerstudy.protocol.models import ReaderStudy

TOGETHER = 200  # files of the archive that are flushed to disk at once
OCCUPIED = "This place is not empty: there {}. Restore into an empty one."


@dataclass
class _Read:
    """What was read of a backup so far. folder: where it lies until all of it was."""

    folder: Path
    hashes: dict[str, str] = field(default_factory=dict)
    waiting: list[Path] = field(default_factory=list)
    files: int = 0
    damaged: list[str] = field(default_factory=list)

    def take(self, name: str, source) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            while block := source.read(1 << 20):
                digest.update(block)
                file.write(block)
        if not name.startswith(f"{ARCHIVE}/"):
            self.hashes[name] = digest.hexdigest()
            return
        self.files += 1
        if digest.hexdigest() != path.name:  # it was, when the backup was made
            self.damaged.append(path.name)
            path.unlink()
            return
        self.waiting.append(path)
        if len(self.waiting) == TOGETHER:
            self.keep()

    def keep(self) -> None:
        store.put_files(self.waiting)
        self.waiting.clear()

    def said(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text())

    def ensure_whole(self) -> None:
        """InputError unless everything is here as it was when the backup was made."""
        own = self.hashes.pop(HASHES, "")
        if not own or self.said(HASHES) != {"files": self.hashes, "archive": self.files}:
            raise InputError(DAMAGED)


def restore(source: Path, passphrase: str, say: Callable[[str], object]) -> dict:
    """Make the site of a backup; returns what the backup says of itself. say: told, in sentences, what is to be known.

    InputError where the place is not empty, or the backup is damaged, of another kind of database or a newer version.
    """
    mark = settings.VAR_DIR / store_mark.RESTORING
    if mark.exists():
        _clear()
    elif reason := occupied():
        raise InputError(OCCUPIED.format(reason))
    with source.open("rb") as file:
        opening = OpeningFile(file, passphrase)
        mark.mkdir()
        read = _Read(mark)
        try:
            _read_all(opening, read)
        except InputError:
            _clear()
            raise
    about = read.said(ABOUT)
    _put_keys(read.said(KEYS))
    _put_heads(mark / HEADS)
    quarantine.put_back(mark / QUARANTINE)
    database_copy.put(mark / DATABASE, about)
    store_mark.set_mark()
    _tell_studies({"backup": about["backup"], "made": about["made"]}, say)
    shutil.rmtree(mark)
    for sha256 in read.damaged:
        say(f"A file of the archive was damaged already when the backup was made, and is left out: SHA-256 {sha256}.")
    return about | {"files": read.files}


def occupied() -> str:
    """What is in this place already, in half a sentence; "" if it is empty."""
    if not database_copy.is_empty():
        return "are accounts or studies in the database"
    if any(True for _ in backup.archive_names()):
        return "are files in the archive"
    rests = any(path.is_dir() and any(path.iterdir()) for path in settings.QUARANTINE_DIR.glob("*"))
    if rests or quarantine.all_packs():
        return "are files in the quarantine"
    return ""


def _clear() -> None:
    """Take away what a restore that was broken off has left."""
    shutil.rmtree(settings.VAR_DIR / store_mark.RESTORING, ignore_errors=True)
    for name in list(backup.archive_names()):
        storages["archive"].delete(name)
    quarantine.clear()


def _read_all(opening: OpeningFile, read: _Read) -> None:
    try:
        with tarfile.open(fileobj=opening, mode="r|", bufsize=1 << 20) as tar:  # type: ignore[call-overload]
            for entry in tar:
                if not _is_ours(entry):
                    raise InputError(DAMAGED)
                read.take(entry.name, tar.extractfile(entry))
                if entry.name == ABOUT:
                    database_copy.ensure_fits(read.said(ABOUT))
    except tarfile.TarError as error:
        raise InputError(DAMAGED) from error
    opening.finish()
    read.keep()
    read.ensure_whole()


def _is_ours(entry: tarfile.TarInfo) -> bool:
    """Whether a member lies where it may: whoever knows the passphrase may have made it."""
    path = PurePosixPath(entry.name)
    named = entry.name in (ABOUT, KEYS, HASHES) or path.parts[0] in (HEADS, DATABASE, ARCHIVE, QUARANTINE)
    return entry.isfile() and named and not path.is_absolute() and ".." not in path.parts


def _put_keys(rings: keyring.Rings) -> None:
    """The backup's keys, and behind them those that are here: heads may have been signed with them since."""
    here = keyring.rings()
    both = {one: list(dict.fromkeys([*ring, *here[one]])) for one, ring in rings.items()}
    keyring.write(settings.KEYS_FILE, both)


def _put_heads(folder: Path) -> None:
    """The backup's heads, and behind them what was noted here since."""
    for path in folder.rglob("*.log") if folder.exists() else ():
        target = settings.HEADS_DIR / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        then = path.read_bytes()
        now = target.read_bytes() if target.exists() else b""
        if not now.startswith(then):
            known = set(then.splitlines())
            since = [line for line in now.splitlines() if line not in known]
            target.write_bytes(b"".join(line + b"\n" for line in [*then.splitlines(), *since]))


def _tell_studies(said: dict, say: Callable[[str], object]) -> None:
    for study in ReaderStudy.objects.order_by("pk"):
        try:
            line = record_restore(study=study, **said)
        except RecordError as error:
            say(f"{study.slug}: {error}")
            continue
        since = line.data["outside"]
        say(
            f"{study.slug}: event {line.number} says that the site was restored."
            + (f" Lines up to event {since[0]} were written since the backup, and are lost." if since else "")
        )
        restored.send(sender=ReaderStudy, study=study, say=say)
