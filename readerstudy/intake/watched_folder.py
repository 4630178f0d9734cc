"""A folder into which others put files: what has come to rest is sealed and erased there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from readerstudy.archive import quarantine
from readerstudy.intake.deliveries import Delivery, gathering
from readerstudy.protocol.models import ReaderStudy

DOOR = "folder"
TOGETHER = 50  # files that are sealed together
ANY_SIZE = 1 << 62
State = tuple[int, int, int]


class ChangedError(Exception):
    """A file changed while it was read."""


@dataclass
class WatchedFolder:
    """Takes what lies below `path` and has not changed for `settle` seconds; keep: leaves it there afterwards.

    Hidden files, as programs write before they rename them, links and empty files are not looked at.
    """

    study: ReaderStudy
    path: Path
    settle: float
    keep: bool = False
    seen: dict[Path, tuple[State, float]] = field(default_factory=dict)  # as it was, and since when
    taken: dict[Path, State] = field(default_factory=dict)  # and left there

    def look(self, now: float) -> int:
        """Look once, at this moment in seconds; returns how many files were taken.

        InputError if the study takes no material, NoRoomError if the disk is nearly full: then all stays.
        """
        there = dict(self._files())
        self.taken = {path: state for path, state in self.taken.items() if there.get(path) == state}
        waiting = {path: state for path, state in there.items() if path not in self.taken}
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
        try:
            with Delivery(gathering(study=self.study, door=DOOR)) as delivery:
                for path in paths:
                    delivery.take(str(path.relative_to(self.path)), self._content(path), at_most=ANY_SIZE)
                delivery.keep()
        except (ChangedError, FileNotFoundError):  # next time
            return 0
        for path in paths:
            state, _ = self.seen.pop(path)
            if self.keep:
                self.taken[path] = state
            elif _state(path) == state:
                path.unlink()
        return len(paths)

    def _content(self, path: Path) -> Iterator[bytes]:
        state, _ = self.seen[path]
        with path.open("rb") as file:
            while chunk := file.read(quarantine.FRAME):
                yield chunk
        if _state(path) != state:
            raise ChangedError


def _state(path: Path) -> State | None:
    """What differs once somebody wrote to a file; None if it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
