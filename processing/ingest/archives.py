"""Unpack zip and tar archives that strangers sent: only regular files, under names of our own, within limits."""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast

from processing.errors import InputError

Kind = Literal["zip", "tar", "other"]

_CHUNK = 1 << 20
_OTHERS = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd")
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
OTHER = "Only zip and tar (or tar.gz) archives can be unpacked; send it as one of these."
NESTED = "An archive within an archive; unpack it and send its files."


@dataclass(frozen=True)
class ArchiveLimits:
    """entries of one archive; total: bytes of all its files; entry: bytes of one; ratio: inflated to packed, once a
    file is over free_ratio_bytes; name: characters of a path; depth: folders of a path."""

    entries: int = 200_000
    total: int = 64 << 30
    entry: int = 4 << 30
    ratio: float = 100
    free_ratio_bytes: int = 64 << 20
    name: int = 1024
    depth: int = 40


@dataclass
class Unpacked:
    """files: path in the archive → file on disk; refused: path in the archive ("" for all of it), reason."""

    files: dict[str, Path] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)


def kind_of(path: Path) -> Kind | None:
    """What the content says: zip, tar (also gzipped), another archive that is not unpacked, or None."""
    with path.open("rb") as stream:
        start = stream.read(512)
        if start.startswith(_ZIPS):
            return "zip"
        if start.startswith(_OTHERS):
            return "other"
        if start.startswith(b"\x1f\x8b"):
            stream.seek(0)
            try:
                with gzip.GzipFile(fileobj=stream) as packed:
                    start = packed.read(512)
            except (OSError, EOFError, zlib.error):
                return None
        return "tar" if _is_tar(start) else None


def _is_tar(block: bytes) -> bool:
    """A first block with the right checksum: also tars from before ustar."""
    if len(block) < 512 or not block[0]:
        return False
    told = re.fullmatch(rb"\s*([0-7]+)[\s\0]*", block[148:156])
    return told is not None and int(told[1], 8) == sum(block[:148]) + 8 * 32 + sum(block[156:512])


def unpack(
    path: Path, folder: Path, *, limits: ArchiveLimits | None = None, progress: Callable[[int], None] | None = None
) -> Unpacked:
    """Write the regular files of an archive into `folder` as 000001, 000002, ….

    A link, device, encrypted or nested entry, one whose name leads elsewhere, or one that inflates beyond measure is
    refused and the others are used; empty ones are counted in one refusal. Too many entries, too many bytes in all or a
    damaged archive refuse all of it: InputError, and nothing is left in `folder`. progress: called with the number of
    entries seen.
    """
    limits = limits or ArchiveLimits()
    folder.mkdir(parents=True, exist_ok=True)
    room = min(limits.total, shutil.disk_usage(folder).free // 2)
    result = Unpacked()
    empty = number = 0
    try:
        entries = _zip_entries(path) if kind_of(path) == "zip" else _tar_entries(path, limits, room)
        for number, entry in enumerate(entries, 1):
            if number > limits.entries:
                raise InputError(f"The archive has over {limits.entries:,} entries; send it in parts.")
            if progress and number % 50 == 0:
                progress(number)
            if entry.size == 0 and not entry.fault:
                empty += 1
                continue
            target = folder / f"{number:06d}"
            try:
                name = _checked_name(entry.name, limits)
                if entry.fault:
                    raise InputError(entry.fault)
                room -= _write(entry, target, limits, room)
                if kind_of(target) is not None:
                    raise InputError(NESTED)
            except _TooMuchError:
                raise
            except InputError as reason:
                target.unlink(missing_ok=True)
                result.refused.append((_one_line(entry.name), str(reason)))
                continue
            while name in result.files:
                name += "#"
            result.files[name] = target
    except _TooMuchError:
        shutil.rmtree(folder)
        raise InputError(
            "The archive unpacks to more than the site has room for, or is made to do so; send it in parts."
        ) from None
    except InputError:
        shutil.rmtree(folder)
        raise
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError):
        shutil.rmtree(folder)
        raise InputError("The archive is damaged or cut short; send it again.") from None
    if not number:
        raise InputError("The archive holds no files.")
    if empty:
        result.refused.append(
            ("", f"{empty:,} of {number:,} entries of the archive are empty; nothing of them is used.")
        )
    return result


class _TooMuchError(InputError):
    pass


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int  # bytes, as the archive says
    packed: int | None  # bytes in the archive; None where entries are packed together
    open: Callable[[], IO[bytes]]
    fault: str = ""


def _zip_entries(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            opened = partial(archive.open, info)
            yield _Entry(info.orig_filename, info.file_size, info.compress_size, opened, _zip_fault(info))


def _zip_fault(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "A link in an archive; send the file that it points to."
    if kind not in (0, stat.S_IFREG):
        return "An entry of the archive that is no regular file."
    if info.flag_bits & 0x41:
        return "An encrypted entry of an archive; send it without a password."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "An unusual compression within a zip; pack it again with the usual one."
    return ""


def _tar_entries(path: Path, limits: ArchiveLimits, room: int) -> Iterator[_Entry]:
    packed = path.stat().st_size
    most = min(room, max(limits.free_ratio_bytes, int(limits.ratio * packed)))
    with path.open("rb") as stream:
        start = stream.read(2)
        stream.seek(0)
        source = _Counted(cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if start == b"\x1f\x8b" else stream, most)
        # As a stream: no seeking back and forth, and what has been read is not kept.
        with tarfile.open(fileobj=source, mode="r|", errorlevel=2) as archive:  # type: ignore[call-overload]
            for info in archive:
                archive.members = []
                if info.isdir():
                    continue
                fault = "" if info.isreg() and not info.issparse() else _tar_fault(info)
                opened = cast("Callable[[], IO[bytes]]", partial(archive.extractfile, info))
                yield _Entry(info.name, info.size, None, opened, fault)


def _tar_fault(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "A link in an archive; send the file that it points to."
    return "An entry of the archive that is no regular file."


class _Counted:
    """A stream that ends in an error once it has given too much."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.left = stream, most

    def read(self, size: int) -> bytes:
        content = self.stream.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise _TooMuchError
        return content


def _write(entry: _Entry, target: Path, limits: ArchiveLimits, room: int) -> int:
    """Bytes written. Raises _TooMuchError beyond the room for all, InputError beyond the limits of one."""
    written = 0
    try:
        with entry.open() as source, target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > room:
                    raise _TooMuchError
                ratio = written / max(entry.packed, 1) if entry.packed is not None else 0
                if written > limits.entry or (written > limits.free_ratio_bytes and ratio > limits.ratio):
                    raise InputError("An entry of the archive inflates beyond all measure; send the file itself.")
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        if entry.packed is None:
            raise
        raise InputError("An entry of the archive is damaged; send it again.") from None
    return written


def _checked_name(name: str, limits: ArchiveLimits) -> str:
    """The path as it is if it stays below the archive. Nothing is ever written under it."""
    parts = name.split("/")
    if "\0" in name or "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts:
        raise InputError("The name of an entry leads out of the archive; pack it again with plain names.")
    if len(name) > limits.name or len(parts) > limits.depth:
        raise InputError("The path of an entry is too long; pack it again with shorter names.")
    parts = [part for part in parts if part not in ("", ".")]
    if not parts:
        raise InputError("An entry of the archive has no name.")
    return "/".join(parts)


def _one_line(name: str) -> str:
    """What stands for a refused entry: its path, in one line and not too long."""
    return re.sub(r"[\0-\x1f]", "?", name)[:1024]
