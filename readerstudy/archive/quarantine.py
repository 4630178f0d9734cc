"""Where what may identify rests until it is sorted: encrypted per upload, gone afterwards.

A piece is a file, or one part of a large one. What arrives together lies in one pack (`processing/ingest/sealed.py`):
of each piece a row of AES-256-GCM frames under a key derived from the quarantine's, the upload's salt and the pack's
own name on disk: first the file's original name and which part of how many it is, then its bytes, then an empty frame
that proves it is whole. Deleting the salt makes all pieces of the upload unreadable.
"""

import secrets
import shutil
import struct
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.files.storage import storages

from processing.errors import InputError
from processing.ingest.direct import DirectWriter
from processing.ingest.sealed import LENGTH, PACK, SEAL, Row, frames, pack_of, rows, sealed
from readerstudy import keyring
from readerstudy.archive import durable

if TYPE_CHECKING:
    from readerstudy.archive.object_storage import ObjectStorage

FRAME = 1 << 20
HEAD = struct.Struct(">II")  # part, of how many
AT_ONCE = 8  # packs: a disk answers late, but many at once
DICM = slice(128, 132)  # where a DICOM file says that it is one
START = DICM.stop  # bytes of a piece's first frame: to see what it is nobody opens more


def folder(upload_id: int | str) -> Path:
    path = settings.QUARANTINE_DIR / str(upload_id)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _keys(salt: str, name: str) -> list[bytes]:
    """Of a pack: the key that it is written with now, and those of before."""

    def derived(key: bytes) -> bytes:
        return HKDF(hashes.SHA256(), length=32, salt=bytes.fromhex(salt), info=name.encode()).derive(key)

    return [derived(key) for key in keyring.keys("quarantine")]


def _key(salt: str, pack: Path) -> bytes:
    """The key that opens a pack; that of today where none does."""
    found = _keys(salt, pack.name)
    for key in found if len(found) > 1 else ():
        with suppress(InputError):
            next(frames(pack, key))
            return key
    return found[0]


class QuarantineWriter:
    """Takes pieces, one after the other, and leaves a pack. `path` exists under its final name only after `close`, or
    `close_all`."""

    def __init__(self, directory: Path, salt: str) -> None:
        self.path = directory / f"{secrets.token_hex(16)}{PACK}"
        self._cipher = AESGCM(_keys(salt, self.path.name)[0])
        self.draft = self.path.with_suffix(".part")
        self._file = DirectWriter(self.draft)
        self._count = self._place = 0
        self._open = self._started = False
        self.size = 0
        self.sent = False  # to an object store

    def _frame(self, content: bytes | memoryview) -> None:
        length = len(content) + SEAL
        size = LENGTH.size + length
        room = self._file.room(size)
        LENGTH.pack_into(room, 0, length)
        self._cipher.encrypt_into(self._count.to_bytes(12, "big"), content, None, room[LENGTH.size : size])
        self._file.filled(size)
        self._count += 1
        self._place += size

    def begin(self, original_name: str, *, part: int = 1, parts: int = 1) -> str:
        """The next piece; returns its name, as `names` tells it."""
        self._end()
        name = f"{self.path.name}/{self._count}-{self._place}" if self._place else self.path.name
        self._frame(HEAD.pack(part, parts) + original_name.encode())
        self._open, self._started = True, False
        return name

    def _end(self) -> None:
        if self._open:
            self._frame(b"")

    def write(self, content: bytes | memoryview) -> None:
        """More bytes of the piece that was begun last."""
        view, first = memoryview(content), 0
        if not self._started and content:
            self._frame(view[:START])
            self._started, first = True, START
        for start in range(first, len(view), FRAME):
            self._frame(view[start : start + FRAME])
        self.size += len(content)

    def finish(self) -> None:
        """Nothing more is to come; `close_all` makes it last."""
        self._end()
        self._file.close()

    def close(self) -> None:
        """Have it on this machine's disk, whole, for the request that brought it."""
        self.finish()
        _name([self])

    def close_for_all(self) -> None:
        """Have it where every web server and worker finds it."""
        self.finish()
        close_all([self])

    def discard(self) -> None:
        self._file.release()
        self.draft.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        if self.sent:
            _erase_packs([_name_of(self.path)])


def _name(writers: Sequence[QuarantineWriter]) -> None:
    """Flush the finished files of several writers to disk together, then give them their names."""
    drafts = [writer.draft for writer in writers]
    durable.sync(drafts)
    for writer in writers:
        writer.draft.rename(writer.path)
    durable.sync({draft.parent for draft in drafts})


def close_all(writers: Sequence[QuarantineWriter]) -> None:
    """Have the finished files of several writers where every web server and worker finds them."""
    _name(writers)
    for writer in writers:
        writer.sent = far() is not None
    _send([writer.path for writer in writers])


def adopt(packs: Iterable[Path], upload_id: int) -> None:
    """Let packs of a request, which this machine has, be those of an upload."""
    target = folder(upload_id)
    _send([pack.rename(target / pack.name) for pack in packs])


def _send(packs: Sequence[Path]) -> None:
    """In an object store, if the site has one, packs rest there alone."""
    if there := far():
        there.keep({_name_of(pack): pack for pack in packs})
        for pack in packs:
            pack.unlink()


def _name_of(pack: Path) -> str:
    return f"{pack.parent.name}/{pack.name}"


def far() -> "ObjectStorage | None":
    """The object store in which packs rest; None where they rest in a folder that all see."""
    return storages["quarantine"] if "quarantine" in settings.STORAGES else None  # type: ignore[return-value]


def unseal_piece(path: Path, salt: str, target: Path) -> tuple[str, int, int]:
    """Write the plain bytes of one piece to `target`; returns the file's original name, which part, of how many."""
    content = frames(path, _key(salt, pack_of(path)))
    head = next(content)
    with target.open("wb") as file:
        file.writelines(content)
    return head[HEAD.size :].decode(), *HEAD.unpack(head[: HEAD.size])


def plain_bytes(path: Path, salt: str) -> bytes:
    """The bytes of one small piece."""
    content = frames(path, _key(salt, pack_of(path)))
    next(content)
    return b"".join(content)


class Unsealed(NamedTuple):
    """A file of an upload, as whatever opens it reads it, and the name of its first piece."""

    path: Path
    piece: str


class _Part(NamedTuple):
    of: int
    file: Unsealed


def unseal_upload(
    upload_id: int,
    salt: str,
    folder: Path,
    *,
    only: Collection[str] | None = None,
    progress: Callable[[int, int], object],
) -> dict[str, Unsealed]:
    """The files of an upload by original name, in the order of the names: a DICOM file of one piece stays sealed, the
    others are written into `folder`.

    Parts are joined; a second file of the same name gets a number behind it. only: names of the pieces that are meant.
    progress: called with (done, total) packs. InputError if a piece is damaged or missing.
    """
    parts: dict[str, dict[int, _Part]] = defaultdict(dict)
    meant = None if only is None else {_pack_name(piece) for piece in only}
    there = _brought(upload_id, [name for name in _names(upload_id) if meant is None or name in meant])
    number = 0
    for done, (pack, (key, found)) in enumerate(zip(there, _looked_into(there, salt), strict=True), 1):
        for place, size, head, first in found:
            number += 1
            piece, path = (f"{one}/{place}" if place else one for one in (pack.name, str(pack)))
            if only is not None and piece not in only:
                continue
            name, (part, of) = head[HEAD.size :].decode(), HEAD.unpack(head[: HEAD.size])
            target: Path = sealed(path, key, size)
            if of != 1 or first[DICM] != b"DICM":
                target = _plain(target, key, folder / str(number))
            if part in parts[name]:
                name = f"{name}#{number}"
            parts[name][part] = _Part(of, Unsealed(target, piece))
        progress(done, len(there))
    return {name: _joined(parts[name]) for name in sorted(parts)}


def _looked_into(packs: Iterable[Path], salt: str) -> Iterator[tuple[bytes, list[Row]]]:
    """Of each pack the key that opens it, and its files."""

    def look_into(pack: Path) -> tuple[bytes, list[Row]]:
        key = _key(salt, pack)
        return key, list(rows(pack, key))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(look_into, packs)


def _plain(path: Path, key: bytes, target: Path) -> Path:
    """Write the plain bytes of a piece to `target`."""
    content = frames(path, key)
    next(content)
    with target.open("wb") as file:
        file.writelines(content)
    return target


def _joined(parts: dict[int, _Part]) -> Unsealed:
    """One file of its parts; the space of each is free before the next is read."""
    first = parts.get(1)
    if first is None or set(parts) != set(range(1, first.of + 1)):
        raise InputError("A part of a file is missing in the quarantine; send it again.")
    if first.of == 1:
        return first.file
    with first.file.path.open("ab") as whole:
        for part in range(2, first.of + 1):
            with parts[part].file.path.open("rb") as file:
                shutil.copyfileobj(file, whole, FRAME)
            parts[part].file.path.unlink()
    return first.file


def packs(upload_id: int) -> list[Path]:
    """What rests of an upload, on this machine; each is whole."""
    return _brought(upload_id, _names(upload_id))


def _names(upload_id: int | str) -> list[str]:
    if there := far():
        return sorted(one.name.rpartition("/")[2] for one in there.entries(str(upload_id)))
    return sorted(path.name for path in (settings.QUARANTINE_DIR / str(upload_id)).glob(f"*{PACK}"))


def all_packs() -> list[str]:
    """All that rests, as UPLOAD/PACK."""
    if there := far():
        return sorted(name for name in there.names() if name.endswith(PACK))
    return sorted(_name_of(path) for path in settings.QUARANTINE_DIR.glob(f"*/*{PACK}"))


def _brought(upload_id: int, names: Iterable[str]) -> list[Path]:
    """These packs of an upload on this machine. FileNotFoundError if one is gone."""
    paths = [folder(upload_id) / name for name in names]
    if there := far():
        lacking = [path for path in paths if not path.exists()]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda path: _fetch(there, path), lacking))
    return paths


def _fetch(there: "ObjectStorage", path: Path) -> None:
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        there.fetch(_name_of(path), draft)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def pack_here(name: str) -> Iterator[Path]:
    """A pack, UPLOAD/PACK, as a file of this machine while the block runs. FileNotFoundError if it is gone."""
    if (there := far()) is None:
        yield settings.QUARANTINE_DIR / name
        return
    with TemporaryDirectory() as place:
        path = Path(place, "pack")
        there.fetch(name, path)
        yield path


def put_back(source: Path) -> None:
    """Let the packs of a backup, in folders of their uploads, rest here."""
    if there := far():
        there.keep({_name_of(path): path for path in source.glob(f"*/*{PACK}")})
        return
    for upload in source.glob("*"):
        shutil.copytree(upload, settings.QUARANTINE_DIR / upload.name)


def clear() -> None:
    """Nothing rests any more."""
    if far():
        _erase_packs(all_packs())
    shutil.rmtree(settings.QUARANTINE_DIR, ignore_errors=True)


def _erase_packs(names: Sequence[str]) -> None:
    if there := far():
        there.delete_all(names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: (settings.QUARANTINE_DIR / name).unlink(missing_ok=True), names))


def _pack_name(piece: str) -> str:
    return piece.partition("/")[0]


def lacking(upload_id: int, pieces: Iterable[str]) -> set[str]:
    """Those of the pieces whose pack is not there."""
    there = set(_names(upload_id))
    return {piece for piece in pieces if _pack_name(piece) not in there}


def count(upload_id: int) -> int:
    """How many pieces rest of an upload."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(lambda pack: sum(1 for _ in rows(pack)), packs(upload_id)))


def keep_only(upload_id: int, pieces: Iterable[str]) -> None:
    """Erase the packs that hold none of these pieces."""
    wanted = {_pack_name(piece) for piece in pieces}
    _erase_packs([f"{upload_id}/{pack}" for pack in _names(upload_id) if pack not in wanted])


def erase(upload_id: int | str) -> None:
    """Erase what rests of an upload. What another machine has of it, from an object store, it erases itself; without
    the salt, which is gone, nobody reads that."""
    _erase_packs([f"{upload_id}/{pack}" for pack in _names(upload_id)])
    shutil.rmtree(settings.QUARANTINE_DIR / str(upload_id), ignore_errors=True)


def erase_requests(files: Iterable) -> None:
    """Erase what the upload handler sealed for a request (SealedFile) that needs it no longer."""
    for name in {file.path.parent.name for file in files}:
        erase(name)


def erase_older_than(limit: datetime, *, but: Collection[str] = ()) -> int:
    """Erase folders untouched since `limit`: requests that were refused or broken off leave such. Returns how many.

    but: names of those that are still wanted.
    """
    old = [name for name in _older_here(limit) if name not in but]
    if there := far():
        _erase_here(old)  # a copy of what may still rest there
        latest: dict[str, datetime] = {}
        for entry in there.entries():
            upload, _, pack = entry.name.partition("/")
            if pack:
                latest[upload] = max(latest.get(upload, entry.modified), entry.modified)
        old = [upload for upload, modified in latest.items() if modified < limit and upload not in but]
    for name in old:
        erase(name)
    return len(old)


def erase_here_older_than(limit: datetime) -> None:
    """The same on this machine alone, where the packs rest in an object store."""
    _erase_here(_older_here(limit))


def _older_here(limit: datetime) -> list[str]:
    if not settings.QUARANTINE_DIR.is_dir():
        return []
    folders = [path for path in settings.QUARANTINE_DIR.iterdir() if path.is_dir()]
    return [path.name for path in folders if path.stat().st_mtime < limit.timestamp()]


def _erase_here(names: Iterable[str]) -> None:
    for name in names:
        shutil.rmtree(settings.QUARANTINE_DIR / name, ignore_errors=True)
