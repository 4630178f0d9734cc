"""A file storage in which a file is whole or absent."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from readerstudy.archive.durable import sync

TOGETHER = 20  # files that one thread takes at once: to pass one on costs as much as to move it


def place_of(sha256: str) -> str:
    """The name of the archive's file with this hash."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class WholeFileStorage(FileSystemStorage):
    """Writes beside the target, flushes to disk, then renames: a crash or a full disk leaves no half file."""

    def _save(self, name: str, content) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return name

    def prepare(self, name: str) -> None:
        """Make the folder in which a file of this name will lie: a new one takes the disk longer than a file."""
        Path(self.path(name)).parent.mkdir(parents=True, exist_ok=True)

    def keep(self, files: Mapping[str, Path]) -> None:
        """Keep many files at once, by name; they are flushed together. They are moved here, or copied from another
        disk; nobody may write to them afterwards."""
        if not files:
            return
        sync(files.values())
        folders = {Path(one) for one in {os.path.dirname(self.path(name)) for name in files}}  # noqa: PTH120 - of many
        for folder in folders:
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
        moves = list(files.items())
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._move, (moves[start : start + TOGETHER] for start in range(0, len(moves), TOGETHER))))
        sync(folders)

    def names(self) -> Iterator[str]:
        """Names of all whole files, folder by folder."""
        return self._names("")

    def _names(self, folder: str) -> Iterator[str]:
        try:
            folders, files = self.listdir(folder)
        except FileNotFoundError:
            return
        for name in sorted(files):
            if not name.startswith("."):  # not half a file that is being written
                yield f"{folder}/{name}" if folder else name
        for name in sorted(folders):
            yield from self._names(f"{folder}/{name}" if folder else name)

    def _move(self, files: Iterable[tuple[str, Path]]) -> None:
        for name, path in files:
            path.chmod(0o600)
            try:
                path.rename(self.path(name))
            except OSError:  # another disk
                with path.open("rb") as file:
                    self._save(name, File(file))
