"""The files of a delivery as series, each read as few times as may be.

The files of a folder are mostly whole series. Who reads their headers holds their pixels and makes series of them at
once; if it turns out that files of other folders belong to one, it is made anew.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from pydicom import Dataset

from processing.dicom.frames import Frame, frames_of
from processing.dicom.geometry import split
from processing.dicom.header import NotAnImageError, read_header
from processing.errors import InputError
from processing.ingest.accept import RefusedFile, SortedSeries, accept_stack
from processing.ingest.arm_hints import described_arm
from processing.ingest.persons import Person, person
from processing.ingest.sealed import Sealed
from processing.ingest.unreadable import BrokenFile, broken_file

MOST_VOLUMES = 24  # in one series; a time series has hundreds
AT_ONCE = 50  # files that one reader reads before it tells what it found, if that parts no folder
MOST_OPEN = 128 << 20  # bytes of files that a reader holds
AHEAD = 4  # sealed files that are being opened while one is looked at: a disk answers late, but several at once


@dataclass(frozen=True)
class Outcome:
    """What became of one DICOM series or volume file; deep_learning: of each series taken, whether it made it."""

    series: list[SortedSeries] = field(default_factory=list)
    deep_learning: list[bool] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)


@dataclass(frozen=True)
class ReadFile:
    """What the header of one file says."""

    name: str
    path: Path
    uid: str
    frames: list[Frame]
    person: Person
    arm: str | None

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the bytes: asked for only where two files have one UID."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()

    @cached_property
    def folder(self) -> PurePosixPath:
        return PurePosixPath(self.name).parent


@dataclass(frozen=True)
class Unread:
    """A file that is not used."""

    refused: RefusedFile
    broken: BrokenFile | None


@dataclass(frozen=True)
class Batch:
    """Files that one reader reads. whole: whether their folders are whole, and their pixels fit into memory."""

    files: list[tuple[str, Path]]
    whole: bool


@dataclass(frozen=True)
class Early:
    """What became of these files, by their names, if they are all of their series."""

    names: list[str]
    outcome: Outcome

    def discard(self) -> None:
        """The series is made anew."""
        for one in self.outcome.series:
            shutil.rmtree(one.files[0].parent, ignore_errors=True)


def by_folders(files: Iterable[tuple[str, Path]]) -> Iterator[Batch]:
    """The files, folder by folder, several small ones together, parts of what is too large."""
    folders: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for name, path in files:
        folders[name.rpartition("/")[0]].append((name, path))
    together: list[tuple[str, Path]] = []
    held = 0
    for content in folders.values():
        size = sum(path.stat().st_size for _, path in content)
        if together and held + size > MOST_OPEN:
            yield Batch(together, whole=True)
            together, held = [], 0
        if size > MOST_OPEN:
            for start in range(0, len(content), AT_ONCE):
                yield Batch(content[start : start + AT_ONCE], whole=False)
            continue
        together, held = together + content, held + size
        if len(together) >= AT_ONCE:
            yield Batch(together, whole=True)
            together, held = [], 0
    if together:
        yield Batch(together, whole=True)


def read_and_take(
    batch: Batch, arms: tuple[str, ...], out: Path, key: bytes
) -> tuple[list[ReadFile | Unread], dict[str, Early]]:
    """Read the files of a batch and, if it is whole, make series of them; by SeriesInstanceUID what became of them."""

    def quiet(name: str) -> None:
        """Nobody asks which file it was that killed a reader among several."""

    opened: dict[Path, Dataset] | None = {} if batch.whole else None
    read = [read_file(name, path, arms, quiet, opened) for name, path in _ahead(batch.files)]
    if opened is None:
        return read, {}
    members: dict[str, list[ReadFile]] = defaultdict(list)
    for one in read:
        if isinstance(one, ReadFile):
            members[one.frames[0].series_uid].append(one)
    early = {}
    for uid, files in members.items():
        if len({file.uid for file in files}) == len(files):
            early[uid] = Early([file.name for file in files], take_series(files, out, key, quiet, opened))
    return read, early


def _ahead(files: list[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """The same files; of those that are sealed the next are being opened meanwhile."""
    with ThreadPoolExecutor(AHEAD // 2) as pool:
        begun = 0
        for number, one in enumerate(files):
            for _, path in files[begun : number + AHEAD]:
                if isinstance(path, Sealed):
                    path.begin(pool)
            begun = number + AHEAD
            yield one


def sentence(reason: Exception) -> str:
    """What to tell the sender. Only our own messages are known to hold no patient data."""
    if isinstance(reason, InputError):
        return str(reason)
    if isinstance(reason, MemoryError):
        return "It needs more memory than is allowed for one series; send it in parts."
    return f"The material could not be processed ({type(reason).__name__}); export it again."


def next_folder(out: Path) -> Path:
    """A new folder below `out`; other readers may make theirs at the same time."""
    number = 0
    while True:
        number = 1 + max((int(path.name) for path in out.iterdir() if path.name.isdecimal()), default=number)
        try:
            (out / str(number)).mkdir()
        except FileExistsError:
            continue
        return out / str(number)


def read_file(
    name: str,
    path: Path,
    arms: tuple[str, ...],
    reading: Callable[[str], None],
    opened: dict[Path, Dataset] | None = None,
) -> ReadFile | Unread:
    """Read one header; opened: takes it up with the pixels, if they can be read."""
    reading(name)
    try:
        if opened is not None:
            try:
                opened[path] = read_header(path, pixels=True)
            except NotAnImageError:
                raise
            except InputError:  # a file that ends early has a header
                pass
        header = opened[path] if opened and path in opened else read_header(path)
        told = person(header, ""), described_arm(header, arms)
        return ReadFile(name, path, str(header.get("SOPInstanceUID", "")), frames_of(header, path), *told)
    except Exception as reason:
        return Unread(RefusedFile(name, sentence(reason)), broken_file(name, path, sentence(reason)))


def take_series(
    members: list[ReadFile],
    out: Path,
    key: bytes,
    reading: Callable[[str], None],
    opened: dict[Path, Dataset] | None = None,
) -> Outcome:
    """Split one DICOM series into volumes and take each; opened: those of its files that are read already."""
    result = Outcome()
    names = {file.path: file.name for file in members}
    parts = split(frame for file in members for frame in file.frames)
    if len(parts) > MOST_VOLUMES:
        reason = f"The series holds {len(parts)} volumes, as a time series does; send at most {MOST_VOLUMES}."
        return Outcome(refused=[RefusedFile(members[0].name, reason, len(members) - 1)])
    counts = Counter(part for part, _ in parts)
    for number, (part, frames) in enumerate(parts, 1):
        named = bool(part) and counts[part] == 1
        folder = next_folder(out)
        used = {frame.path for frame in frames}
        first_name = next(file.name for file in members if file.path in used)

        try:
            taken, deep_learning = accept_stack(
                frames,
                part if named else f"{part} {number}".strip(),
                several=len(parts) > 1,
                named=named,
                names=names,
                folder=folder,
                key=key,
                refused=result.refused,
                reading=reading,
                opened=opened,
            )
        except Exception as reason:
            shutil.rmtree(folder, ignore_errors=True)
            why = f"{part}: {sentence(reason)}" if part else sentence(reason)
            result.refused.append(RefusedFile(first_name, why, len(used) - 1))
            continue
        result.series.append(taken)
        result.deep_learning.append(deep_learning)
    return result
