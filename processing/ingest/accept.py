"""One volume of an upload, checked, de-identified and written; what is known of it without its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from pydicom import Dataset

from processing import component, nifti, sidecar
from processing.caution import Caution
from processing.deidentify.bytewise import Pieces, cleaner_of
from processing.deidentify.engine import deidentify, frame_subset, keyed_uid, pseudonym, save, subject_key
from processing.deidentify.report import Report
from processing.dicom import hints, vocabulary
from processing.dicom.frames import Frame, by_file, is_enhanced
from processing.dicom.geometry import stack
from processing.dicom.header import check_magnitude, read_header
from processing.dicom.mosaic import is_mosaic, unfold
from processing.dicom.parameters import free_words
from processing.dicom.parts import chemical_shift
from processing.dicom.pixels import stored_values
from processing.dicom.quick import Header
from processing.dicom.read import assemble
from processing.dicom.simulated import without_scan_time
from processing.dicom.table import DoubtError
from processing.dicom.weighting import from_tokens
from processing.errors import InputError
from processing.ingest.direct import DirectWriter
from processing.volume import Parameters, spacing_of


@dataclass(frozen=True)
class SortedSeries:
    """One clean series on disk. `names` are the uploaded names it came from, in the order of `files`.

    spacing in mm (column, row, slice), affine LPS; subject_key: pseudonym (8 hex digits) of the patient;
    description_hint and arm_hint: built from whitelisted words and timing only, for a person to confirm;
    instance_uids: keyed SOP Instance UIDs in the order of `files`, none for NIfTI; conflict: "", or a sentence
    when another series of the upload has the same UIDs and other pixels; placing: what a manifest.csv says of
    the series, any of subject, site, region, plane, weighting, arm; part: what tells it from the other volumes of
    its series (echo, b-value), or that it shows water, fat or one of their phases, else ""; frame_of_reference: keyed
    UID of its coordinates, "" if not known; cautions: why it is not certain; masked_name: of a volume file, see
    `file_names`; arm_reason: what told the arm, in a few words; doubt: what speaks against the proposal, in half a
    sentence.
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
    part: str = ""
    frame_of_reference: str = ""
    cautions: list[Caution] = field(default_factory=list)
    masked_name: str = ""
    arm_reason: str = ""
    doubt: str = ""


WRITERS = 2  # clean files that go to the disk while the next is cleaned
UNNAMED = "The series holds several volumes, and nothing says what this one is."


@dataclass(frozen=True)
class RefusedFile:
    """A file that cannot be used, and why; `more` others of its series share its fate; damaged: its pixels cannot be
    read, others of its volume can."""

    name: str
    reason: str
    more: int = 0
    damaged: bool = False


def accept_stack(
    frames: list[Frame],
    part: str,
    *,
    several: bool,
    named: bool,
    names: Mapping[Path, str],
    folder: Path,
    key: bytes,
    refused: list[RefusedFile],
    reading: Callable[[str], None],
    opened: dict[Path, Dataset] | None = None,
) -> tuple[SortedSeries, bool]:
    """Write the frames of one volume as a clean series into `folder`; also whether deep learning made it.

    part: what tells it apart if the series holds `several` volumes; `named`: in words; opened: what was read with its
    pixels already, for once. Files that cannot be used are added to `refused`.
    Raises InputError if what is left is no complete volume.
    """
    for frame in frames:
        check_magnitude(frame.marks["ImageType"], frame.marks["ComplexImageComponent"])
    usable: list[Frame] = []
    datasets: dict[Path, tuple[Dataset, Any]] = {}
    for path, of_file in by_file(frames).items():
        reading(names[path])
        try:
            dataset = (opened or {}).pop(path, None)
            dataset = read_header(path, pixels=True) if dataset is None else dataset
            stored = stored_values(dataset)
            del dataset.PixelData
        except InputError as reason:
            refused.append(RefusedFile(names[path], str(reason), damaged=True))
            continue
        datasets[path] = (dataset, stored)
        usable += of_file
    if not usable:
        raise InputError("No file of the series can be used.")
    ordered = stack(usable, part)
    first = datasets[ordered.frames[0].path][0]
    found = assemble(ordered, {path: stored for path, (_, stored) in datasets.items()}, first, alone=not several)
    subject = subject_key(key, first)
    shift = chemical_shift(frames[0].marks["ImageType"], free_words(first))
    in_path = vocabulary.tokens(PurePosixPath(names[ordered.frames[0].path]).parent.name)  # …/FAST-DL/0001.dcm
    deep_learning = hints.has_deep_learning_hint(first) or hints.names_deep_learning(in_path)
    arm = hints.arm_from_words(free_words(first) | in_path, deep_learning=deep_learning)
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    written: list[Path] = []
    sources: list[str] = []
    uids: list[tuple[str, str]] = []
    writing: list[Future[None]] = []
    with ThreadPoolExecutor(WRITERS) as pool:

        def later(target: Path, pieces: Pieces) -> None:
            writing.append(pool.submit(_put, target, pieces))

        for path, of_file in by_file(ordered.frames).items():
            dataset, stored = datasets.pop(path)
            images = list(unfold(dataset, stored))
            if is_mosaic(dataset):
                images = [images[frame.index] for frame in of_file]
            kept_frames = sorted(frame.index for frame in of_file)
            for image, pixels in images:
                target = folder / f"{len(written) + 1:04d}.dcm"
                of_part = part if several else ""
                uids.append(_write(image, path, pixels, target, key, report, of_part, kept_frames, later))
                written.append(target)
                sources.append(names[path])
    for one in writing:
        one.result()
    taken = SortedSeries(
        files=written,
        format="dicom",
        names=sources,
        sha256=found.sha256,
        shape=found.shape,
        spacing=spacing_of(found.affine),
        affine=found.affine.tolist(),
        parameters=found.parameters,
        subject_key=subject,
        series_uid=uids[-1][1],
        description_hint=description(found.parameters),
        arm_hint=arm,
        report=report.as_dict(),
        instance_uids=[uid for uid, _ in uids],
        part=part if several else shift,
        frame_of_reference=keyed_uid(key, found.frame_of_reference) if found.frame_of_reference else "",
        cautions=[*found.cautions, *([Caution("unnamed_part", UNNAMED)] if several and not named else [])],
    )
    return taken, deep_learning


def _write(
    image: Dataset,
    source: Path,
    pixels: np.ndarray,
    target: Path,
    key: bytes,
    report: Report,
    part: str,
    frames: list[int],
    put: Callable[[Path, Pieces], None],
) -> tuple[str, str]:
    """Write one image clean as `target`, numbered by that name; returns its new instance and series UID.

    part: "" for a series that stays whole; of an enhanced file of several, `frames` (0-based) are this one's; put: is
    given the bytes of an ordinary file to write.
    """
    number = int(target.stem)
    if isinstance(image, Header):
        try:
            pieces, uids = cleaner_of(key).clean(image, pixels, report, number=number, part=part)
        except DoubtError:
            image = read_header(source, whole=True)
        else:
            put(target, pieces)
            return uids["SOPInstanceUID"], uids["SeriesInstanceUID"]
    clean, one = deidentify(image, key=key, pixels=pixels)
    report.add(one)
    if part:
        if is_enhanced(clean):
            clean = frame_subset(clean, frames, part)
        clean.SeriesInstanceUID = keyed_uid(key, f"{clean.SeriesInstanceUID} {part}")
    clean.InstanceNumber = number
    save(clean, target)
    return str(clean.SOPInstanceUID), str(clean.SeriesInstanceUID)


def _put(target: Path, pieces: Pieces) -> None:
    with DirectWriter(target) as file:
        for piece in pieces:
            file.write(piece)


def accept_volume_file(
    name: str, path: Path, beside: Path | None, *, folder: Path, key: bytes
) -> tuple[SortedSeries, str | None]:
    """A NIfTI file, cleaned, with the parameters of its sidecar `beside` it; also why that was not read, if so.

    NRRD is refused: its free header fields have no place in the archive.
    """
    if path.suffix.lower() in (".nrrd", ".nhdr") or name.lower().endswith((".nrrd", ".nhdr")):
        raise InputError("NRRD cannot be taken into a study; convert it to NIfTI or send the DICOM series.")
    volume = nifti.read_nifti(path)
    folder.mkdir(parents=True, exist_ok=True)
    target = nifti.clean_nifti(path, folder / "volume.nii.gz")
    place = PurePosixPath(name)
    named = vocabulary.tokens(place.name, place.parent.name)
    parameters = replace(volume.parameters, region=vocabulary.region(named), weighting=from_tokens(named))
    # The file may rest under another name than it was sent with.
    cautions = {one.code: one for one in (*component.named(place.name), *volume.cautions)}
    unread = None
    if beside is not None:
        try:
            parameters = sidecar.with_sidecar(parameters, beside)
        except InputError as reason:
            unread = str(reason)
    parameters = without_scan_time(parameters, volume.parameters.simulated)
    identity = place.parent.as_posix() if place.parent.name else place.name.split(".")[0]
    taken = SortedSeries(
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
        description_hint=description(parameters),
        arm_hint=hints.arm_from_words(vocabulary.tokens(name), deep_learning=False),
        report={"files": 1, "notes": ["NIfTI: only values, type, scale and place in space kept."]},
        cautions=[*cautions.values()],
    )
    return taken, unread


def description(parameters: Parameters) -> str:
    """Region, plane and contrast in words."""
    return " ".join(part for part in (parameters.region, parameters.plane, parameters.weighting) if part)
