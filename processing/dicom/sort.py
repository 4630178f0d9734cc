"""From a heap of uploaded files to clean, checked series: the one call of the intake."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydicom import Dataset

from processing import nifti
from processing.deidentify.engine import (
    deidentify,
    frame_subset,
    keyed_uid,
    pseudonym,
    reject_short_key,
    save,
    subject_key,
)
from processing.deidentify.report import Report
from processing.dicom import hints, words
from processing.dicom.frames import Frame, frames_of, is_enhanced
from processing.dicom.geometry import split, stack
from processing.dicom.header import open_dicom, read_header
from processing.dicom.parameters import free_words
from processing.dicom.pixels import stored_values
from processing.dicom.read import assemble
from processing.dicom.weighting import from_tokens
from processing.errors import InputError
from processing.volume import Parameters


@dataclass(frozen=True)
class SortedSeries:
    """One clean series on disk. `names` are the uploaded names it came from, in the order of `files`.

    spacing in mm (column, row, slice), affine LPS; subject_key: pseudonym (8 hex digits) of the patient;
    description_hint and arm_hint: built from whitelisted words and timing only, for a person to confirm;
    instance_uids: keyed SOP Instance UIDs in the order of `files`, none for NIfTI; conflict: "", or a sentence
    when another series of the upload has the same UIDs and other pixels; placing: what a manifest.csv says of
    the series, any of subject, region, plane, weighting, arm.
    """

    files: list[Path]
    format: Literal["dicom", "nifti"]
    names: list[str]
    sha256: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    affine: list[list[float]]
    parameters: Parameters
    subject_key: str
    series_uid: str
    description_hint: str
    arm_hint: str | None
    report: dict[str, Any]
    instance_uids: list[str] = field(default_factory=list)
    conflict: str = ""
    placing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A file, or the files of a series under the name of the first, that cannot be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Sorted:
    """Everything that was sent: taken or refused."""

    series: list[SortedSeries]
    refused: list[Refused]


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    header: Dataset
    frames: list[Frame]


def sort_files(
    files: Mapping[str, Path],
    out: Path,
    *,
    key: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Sorted:
    """De-identify and check everything, series by series.

    files: uploaded name → path. out: an empty or absent folder; series n goes to out/<n>/0001.dcm … in slice
    order, or out/<n>/volume.nii.gz. key: secret of the study, at least 16 bytes. progress: called with (done,
    total) steps. One bad file or series never stops the rest: it is in `refused` with a sentence.
    Raises InputError only if there are no files or the key is too short.
    """
    reject_short_key(key)
    if not files:
        raise InputError("There are no files.")
    out.mkdir(parents=True, exist_ok=True)
    steps = _Steps(progress, 2 * len(files))
    refused: list[Refused] = []
    images: dict[str, list[_File]] = defaultdict(list)
    seen: dict[str, bytes] = {}
    series: list[SortedSeries] = []
    marks: list[tuple[bool, set[str]]] = []
    for name, path in files.items():
        steps.done()
        try:
            if nifti.is_volume_file(path) or nifti.is_volume_file(Path(name)):
                series.append(_take_volume_file(name, path, out / str(len(series) + 1), key))
                marks.append((False, words.tokens(name)))
                continue
            header = read_header(path)
            uid, digest = str(header.get("SOPInstanceUID", "")), _digest(path)
            if uid in seen:
                if seen[uid] != digest:
                    raise InputError("Another file has the same SOP Instance UID but other content.")
                continue
            frames = frames_of(header, path)
            seen[uid] = digest
            images[str(header.get("SeriesInstanceUID", ""))].append(_File(name, path, header, frames))
        except Exception as reason:
            refused.append(Refused(name, _sentence(reason)))
    for members in images.values():
        _take_series(members, out, key, series, marks, refused, steps)
    steps.finish()
    return Sorted(_with_arm_hints(series, marks), refused)


class _Steps:
    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.progress, self.total, self.count = progress, total, 0

    def done(self) -> None:
        self.count = min(self.count + 1, self.total)
        if self.progress:
            self.progress(self.count, self.total)

    def finish(self) -> None:
        if self.progress:
            self.progress(self.total, self.total)


def _sentence(reason: Exception) -> str:
    """What to tell the sender. Only our own messages are known to hold no patient data."""
    if isinstance(reason, InputError):
        return str(reason)
    return f"The material could not be processed ({type(reason).__name__}); export it again."


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _take_series(
    members: list[_File],
    out: Path,
    key: bytes,
    series: list[SortedSeries],
    marks: list[tuple[bool, set[str]]],
    refused: list[Refused],
    steps: _Steps,
) -> None:
    """Split one DICOM series into volumes and take each."""
    by_path = {member.path: member for member in members}
    parts = split(frame for member in members for frame in member.frames)
    for number, (part, frames) in enumerate(parts, 1):
        folder = out / str(len(series) + 1)
        used = {frame.path for frame in frames}
        first_name = next(member.name for member in members if member.path in used)
        try:
            taken = _take_stack(frames, part or str(number), len(parts) > 1, by_path, folder, key, refused, steps)
        except Exception as reason:
            shutil.rmtree(folder, ignore_errors=True)
            where = f"{first_name} and {len(used) - 1} more" if len(used) > 1 else first_name
            refused.append(Refused(where, f"{part}: {_sentence(reason)}" if part else _sentence(reason)))
            continue
        header = by_path[frames[0].path].header
        series.append(taken)
        folder_words = words.tokens(PurePosixPath(first_name).parent.name)  # …/FAST-DL/0001.dcm
        deep_learning = hints.has_deep_learning_hint(header) or hints.names_deep_learning(folder_words)
        marks.append((deep_learning, free_words(header) | folder_words))


def _take_stack(
    frames: list[Frame],
    part: str,
    several: bool,
    by_path: Mapping[Path, _File],
    folder: Path,
    key: bytes,
    refused: list[Refused],
    steps: _Steps,
) -> SortedSeries:
    usable, datasets = [], {}
    for path in dict.fromkeys(frame.path for frame in frames):
        steps.done()
        try:
            dataset = open_dicom(path)
            stored = stored_values(dataset)
            del dataset.PixelData
        except InputError as reason:
            refused.append(Refused(by_path[path].name, str(reason)))
            continue
        datasets[path] = (dataset, stored)
        usable += [frame for frame in frames if frame.path == path]
    if not usable:
        raise InputError("No file of the series can be used.")
    ordered = stack(usable, part)
    header = by_path[ordered.frames[0].path].header
    volume = assemble(ordered, {path: stored for path, (_, stored) in datasets.items()}, header)
    folder.mkdir(parents=True)
    report, written, names, uid = Report(), [], [], ""
    uids: list[str] = []
    for n, path in enumerate(dict.fromkeys(frame.path for frame in ordered.frames), 1):
        dataset, stored = datasets.pop(path)
        clean, one = deidentify(dataset, key=key, pixels=stored)
        report.add(one)
        if several:
            if is_enhanced(clean):
                clean = frame_subset(clean, sorted(f.index for f in usable if f.path == path), part)
            clean.SeriesInstanceUID = _part_uid(clean, part, key)
        clean.InstanceNumber = n
        target = folder / f"{n:04d}.dcm"
        save(clean, target)
        written.append(target)
        names.append(by_path[path].name)
        uid = str(clean.SeriesInstanceUID)
        uids.append(str(clean.SOPInstanceUID))
    return SortedSeries(
        files=written,
        format="dicom",
        names=names,
        sha256=volume.sha256,
        shape=volume.shape,
        spacing=volume.spacing,
        affine=volume.affine.tolist(),
        parameters=volume.parameters,
        subject_key=subject_key(key, header),
        series_uid=uid,
        description_hint=_description(volume.parameters),
        arm_hint=None,
        report=report.as_dict(),
        instance_uids=uids,
    )


def _part_uid(clean: Dataset, part: str, key: bytes) -> str:
    return keyed_uid(key, f"{clean.SeriesInstanceUID} {part}")


def _take_volume_file(name: str, path: Path, folder: Path, key: bytes) -> SortedSeries:
    """A NIfTI file, cleaned. NRRD is refused: its free header fields have no place in the archive."""
    if path.suffix.lower() in (".nrrd", ".nhdr") or name.lower().endswith((".nrrd", ".nhdr")):
        raise InputError("NRRD cannot be taken into a study; convert it to NIfTI or send the DICOM series.")
    volume = nifti.read_nifti(path)
    folder.mkdir(parents=True)
    target = nifti.clean_nifti(path, folder / "volume.nii.gz")
    place = PurePosixPath(name)
    named = words.tokens(place.name, place.parent.name)
    parameters = replace(volume.parameters, region=words.region(named), weighting=from_tokens(named))
    identity = place.parent.as_posix() if place.parent.name else place.name.split(".")[0]
    return SortedSeries(
        files=[target],
        format="nifti",
        names=[name],
        sha256=volume.sha256,
        shape=volume.shape,
        spacing=volume.spacing,
        affine=volume.affine.tolist(),
        parameters=parameters,
        subject_key=pseudonym(key, f"nifti {identity}"),
        series_uid="",
        description_hint=_description(parameters),
        arm_hint=None,
        report={"files": 1, "notes": ["NIfTI: only values, type, scale and place in space kept."]},
    )


def _description(parameters: Parameters) -> str:
    return " ".join(part for part in (parameters.region, parameters.plane, parameters.weighting) if part)


def _with_arm_hints(series: list[SortedSeries], marks: list[tuple[bool, set[str]]]) -> list[SortedSeries]:
    timed = hints.arms_from_times(
        [(one.subject_key, _description(one.parameters), one.shape) for one in series],
        [one.parameters.acquisition_seconds for one in series],
        [deep_learning for deep_learning, _ in marks],
    )
    return [
        replace(one, arm_hint=hints.arm_from_words(named, deep_learning=deep) or by_time)
        for one, (deep, named), by_time in zip(series, marks, timed, strict=True)
    ]
