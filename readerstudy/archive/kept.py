"""Files that can be made again, by name: what analyses made, zips and workbooks of large studies. In the site's folder,
or in its object store, so that web servers and workers without a common disk see the same ones.
"""

import secrets
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

if TYPE_CHECKING:
    from readerstudy.archive.object_storage import ObjectStorage


def _far() -> "ObjectStorage | None":
    return storages["analyses"] if "analyses" in settings.STORAGES else None  # type: ignore[return-value]


def _here() -> Path:
    return settings.STORE_DIR or settings.VAR_DIR


def read_text(name: str) -> str | None:
    """What is kept under this name; None if nothing is."""
    try:
        if far := _far():
            with far.open(name) as file:
                return file.read().decode()
        return (_here() / name).read_text()
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def write_text(name: str, content: str) -> None:
    """Keep this, whole or not at all, in the place of what was kept under this name."""
    if far := _far():
        far.save(name, ContentFile(content.encode()))
        return
    path = _here() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        draft.write_text(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def open_file(name: str) -> BinaryIO | None:
    """What is kept under this name, to be read; None if nothing is."""
    try:
        if far := _far():
            return far.open(name).file
        return (_here() / name).open("rb")
    except FileNotFoundError:
        return None


def put_file(name: str, source: Path) -> None:
    """Keep a copy of this file, whole or not at all."""
    if far := _far():
        with source.open("rb") as content:
            far.save(name, File(content))
        return
    path = _here() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        shutil.copyfile(source, draft)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def names(pattern: str) -> list[str]:
    """Names that fit a pattern of `fnmatch`, whose first folder has no wildcard."""
    if far := _far():
        return [one.name for one in far.entries(pattern.partition("/")[0]) if fnmatch(one.name, pattern)]
    return [path.relative_to(_here()).as_posix() for path in _here().glob(pattern)]


def erase(name: str) -> None:
    """Keep nothing under this name."""
    if far := _far():
        far.delete(name)
    else:
        (_here() / name).unlink(missing_ok=True)
