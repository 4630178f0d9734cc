"""A folder into which others put files: what has come to rest is sealed, and erased there once it is sorted.

Until then it lies in the hidden folder `.taken` beside the others, by the number of its upload, and comes back to where
it was if that fails: the site keeps a sealed file of an upload that is not sorted for a day alone.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from readerstudy.archive import quarantine
from readerstudy.intake.deliveries import Delivery, gathering
from readerstudy.intake.models import Upload
from readerstudy.protocol.models import ReaderStudy

DOOR = "folder"
TAKEN = ".taken"
TOGETHER = 50  # files that are sealed together
ANY_SIZE = 1 << 62
FAILED = (Upload.State.FAILED, None)  # None: it is there no more, as after a restore
AGAIN = "they are tried again once they change or this starts anew"
State = tuple[int, int, int]


class ChangedError(Exception):
    """A file changed, or went, while it was read."""


class UnreadableError(Exception):
    """A file cannot be read; why."""


@dataclass
class WatchedFolder:
    """Takes what lies below `path` and has not changed for `settle` seconds; keep: leaves it there afterwards.

    Hidden files, as programs write before they rename them, links and empty files are not looked at. What cannot be
    taken is put aside until it changes. said: what to tell of that, without names of files, which may be patients'.
    """

    study: ReaderStudy
    path: Path
    settle: float
    keep: bool = False
    seen: dict[Path, tuple[State, float]] = field(default_factory=dict)  # as it was, and since when
    taken: dict[Path, tuple[State, int]] = field(default_factory=dict)  # and left there; the number of the upload
    aside: dict[Path, tuple[State | None, int]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def look(self, now: float) -> int:
        """Look once, at this moment in seconds; returns how many files were taken.

        InputError if the study takes no material, NoRoomError if the disk is nearly full: then all stays.
        """
        self._follow()
        there = dict(self._files())
        self.aside = {path: mark for path, mark in self.aside.items() if _mark(path) == mark}
        self.taken = {path: mark for path, mark in self.taken.items() if there.get(path) == mark[0]}
        waiting = {path: state for path, state in there.items() if path not in self.taken and path not in self.aside}
        self.seen = {
            path: self.seen[path] if self.seen.get(path, (None,))[0] == state else (state, now)
            for path, state in waiting.items()
        }
        settled = sorted(path for path, (_, since) in self.seen.items() if now - since >= self.settle)
        return sum(self._take(settled[start : start + TOGETHER]) for start in range(0, len(settled), TOGETHER))

    def _files(self) -> Iterator[tuple[Path, State]]:
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") or path.is_symlink() or not path.is_file():
                    continue
                if (state := _state(path)) and state[1]:
                    yield path, state

    def _take(self, paths: list[Path]) -> int:
        upload = gathering(study=self.study, door=DOOR)
        sealed = []
        with Delivery(upload) as delivery:
            for path in paths:
                try:
                    delivery.take(_name(path.relative_to(self.path)), self._content(path), at_most=ANY_SIZE)
                except ChangedError:  # next time
                    continue
                except UnreadableError as error:
                    self.aside[path] = _mark(path)
                    self.said.append(f"A file cannot be read and stays: {error}.")
                else:
                    sealed.append(path)
            delivery.keep()
        for path in sealed:
            self._put_away(path, upload)
        return len(sealed)

    def _content(self, path: Path) -> Iterator[bytes]:
        state, _ = self.seen[path]
        try:
            with path.open("rb") as file:
                while chunk := file.read(quarantine.FRAME):
                    yield chunk
        except FileNotFoundError:
            raise ChangedError from None
        except OSError as error:
            raise UnreadableError(error.strerror) from None
        if _state(path) != state:
            raise ChangedError

    def _put_away(self, path: Path, upload: Upload) -> None:
        """Keep what was sealed until it is sorted, unless it changed since."""
        state, _ = self.seen.pop(path)
        if self.keep:
            self.taken[path] = state, upload.pk
        elif _state(path) == state:
            try:
                _move(path, self.path / TAKEN / str(upload.pk) / path.relative_to(self.path))
            except OSError as error:
                self.taken[path] = state, upload.pk
                self.said.append(f"A file was taken, but cannot be moved and stays: {error.strerror}.")

    def _follow(self) -> None:
        """Erase what was sorted since; bring back what failed, and put it aside."""
        for folder in (self.path / TAKEN).glob("*"):
            if not folder.name.isdecimal():
                continue
            state = self._states([int(folder.name)]).get(int(folder.name))
            if state == Upload.State.SORTED:
                shutil.rmtree(folder)
            elif state in FAILED:
                back = [path for path in folder.rglob("*") if path.is_file()]
                for path in back:
                    target = _move(path, self.path / path.relative_to(folder))
                    self.aside[target] = _mark(target)
                shutil.rmtree(folder)
                self.said.append(f"{len(back)} files taken could not be sorted and are back: {AGAIN}.")
        states = self._states({upload for _, upload in self.taken.values()})
        failed = [path for path, (_, upload) in self.taken.items() if states.get(upload) in FAILED]
        for path in failed:
            del self.taken[path]
            self.aside[path] = _mark(path)
        if failed:
            self.said.append(f"{len(failed)} files taken, which stay, could not be sorted: {AGAIN}.")

    def _states(self, uploads: Collection[int]) -> dict[int, str]:
        return dict(self.study.uploads.filter(pk__in=uploads, door=DOOR).values_list("pk", "state"))


def _name(path: Path) -> str:
    """A path as text; one that is not UTF-8 as Latin-1, as older systems write."""
    content = os.fsencode(path)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _move(path: Path, target: Path) -> Path:
    """Rename a file, and whatever has its new name stays; returns that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    while target.exists():
        target = target.with_name(f"_{target.name}")
    return path.rename(target)


def _mark(path: Path) -> tuple[State | None, int]:
    """The state of a file and of its permissions."""
    try:
        return _state(path), path.stat().st_ctime_ns
    except FileNotFoundError:
        return None, 0


def _state(path: Path) -> State | None:
    """What differs once somebody wrote to a file; None if it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
