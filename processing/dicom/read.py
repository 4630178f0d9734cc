"""DICOM files to one Volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from processing import component
from processing.caution import Caution
from processing.dicom import completeness
from processing.dicom.frames import frames_of
from processing.dicom.geometry import Stack, split, stack
from processing.dicom.header import NotAnImageError, check_magnitude, read_header
from processing.dicom.parameters import parameters_of
from processing.dicom.pixels import stored_values
from processing.errors import InputError
from processing.padding import settle
from processing.pixel_hash import pixels_sha256
from processing.volume import Parameters, Volume, check_affine, check_finite

SHARED_UID = (
    "carry the same SOP Instance UID although they show different slices: another program damaged them; send the "
    "series as the scanner exports it."
)


def read_dicom(paths: Sequence[Path]) -> Volume:
    """Read the one series in some files.

    Parameters
    ----------
    paths : sequence of Path
        DICOM files; files beside it that are no images are left out.

    Returns
    -------
    Volume
        Rescale slope and intercept applied; slices ordered along the normal.

    Raises
    ------
    InputError
        If an image cannot be used, the slices are not one complete stack, or there are several series, echoes or
        stacks.

    Examples
    --------
    >>> from pydicom import examples
    >>> from processing.dicom.read import read_dicom
    >>> read_dicom([examples.get_path("mr")]).shape
    (1, 64, 64)
    """
    headers = read_images(paths)
    frames = [frame for path, header in headers.items() for frame in frames_of(header, path)]
    if len({frame.series_uid for frame in frames}) > 1:
        count = len({frame.series_uid for frame in frames})
        raise InputError(f"The folder holds {count} series; give the files of one.")
    parts = split(frames)
    if len(parts) > 1:
        names = "; ".join(part or "other" for part, _ in parts[:4])
        raise InputError(f"The series holds {len(parts)} volumes ({names}); sort it first, then give one.")
    for frame in parts[0][1]:
        check_magnitude(frame.marks["ImageType"], frame.marks["ComplexImageComponent"])
    ordered = stack(parts[0][1])
    stored = {path: stored_values(dataset) for path, dataset in headers.items()}
    return assemble(ordered, stored, headers[ordered.frames[0].path]).volume()


def read_images(paths: Sequence[Path]) -> dict[Path, Dataset]:
    """Headers with pixel data of the images among these files, of each image once.

    Raises InputError if there is none, or one cannot be used.
    """
    headers: dict[Path, Dataset] = {}
    seen: dict[str, Dataset] = {}
    reasons: list[str] = []
    for path in sorted(paths):
        try:
            header = read_header(path, pixels=True)
        except NotAnImageError as reason:
            reasons.append(str(reason))
            continue
        uid = str(header.get("SOPInstanceUID", path))
        first = seen.setdefault(uid, header)
        if first is header:
            headers[path] = header
        elif first.get("ImagePositionPatient") != header.get("ImagePositionPatient"):
            raise InputError(f"Files of the series {SHARED_UID}")
    if not headers:
        raise InputError(reasons[0] if len(paths) == 1 else "The folder holds no MR images.")
    return headers


@dataclass(frozen=True)
class Assembled:
    """What a Volume is made of; its intensities are still whole numbers where nothing scales the stored ones.

    Raises InputError where a Volume does.
    """

    array: np.ndarray
    affine: np.ndarray
    parameters: Parameters
    padding: np.ndarray | None
    cautions: tuple[Caution, ...]
    frame_of_reference: str | None

    def __post_init__(self) -> None:
        check_finite(self.array)
        check_affine(self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = self.array.shape
        return slices, rows, columns

    @property
    def sha256(self) -> str:
        """As that of the Volume."""
        return pixels_sha256(self.array, self.affine, padding=self.padding)

    def volume(self) -> Volume:
        """The Volume."""
        return Volume(
            self.array,
            self.affine,
            parameters=self.parameters,
            padding=self.padding,
            slices_known=True,
            cautions=self.cautions,
            frame_of_reference=self.frame_of_reference,
        )


def assemble(ordered: Stack, stored: Mapping[Path, np.ndarray], header: Dataset, *, alone: bool = True) -> Assembled:
    """What the volume of a checked stack is made of.

    stored: stored values (frames, rows, columns) of each of its files; header: of the first slice's file; alone:
    whether its series holds no other volume.
    """
    first = ordered.frames[0]
    as_they_are = {(frame.slope, frame.intercept) for frame in ordered.frames} == {(1, 0)}
    kinds = {stored[frame.path].dtype for frame in ordered.frames}
    # Whole numbers are looked through in half the time.
    kind = kinds.pop() if as_they_are and len(kinds) == 1 else np.dtype(np.float32)
    array = np.empty((len(ordered.frames), first.rows, first.columns), kind)
    declared = np.zeros(array.shape, bool) if any(frame.padding for frame in ordered.frames) else None
    for n, frame in enumerate(ordered.frames):
        values = stored[frame.path][frame.index]
        array[n] = values if (frame.slope, frame.intercept) == (1, 0) else values * frame.slope + frame.intercept
        if declared is not None and frame.padding is not None:
            declared[n] = (values >= frame.padding[0]) & (values <= frame.padding[1])
    array, padding, cautions = settle(array, declared)
    return Assembled(
        array,
        ordered.affine,
        parameters=parameters_of(header, first.index, ordered.affine),
        padding=padding,
        cautions=(*completeness.cautions(ordered, alone=alone), *cautions, *component.cautions(array)),
        frame_of_reference=str(header.get("FrameOfReferenceUID") or "").strip() or None,
    )
