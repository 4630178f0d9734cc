"""DICOM files to one Volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset

from processing.dicom.frames import frames_of
from processing.dicom.geometry import Stack, split, stack
from processing.dicom.header import NotAnImageError, check_magnitude, read_header
from processing.dicom.parameters import parameters_of
from processing.dicom.pixels import stored_values
from processing.errors import InputError
from processing.volume import Volume


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
    marks = parts[0][1][0].marks
    check_magnitude(marks["ImageType"], marks["ComplexImageComponent"])
    ordered = stack(parts[0][1])
    stored = {path: stored_values(dataset) for path, dataset in headers.items()}
    return assemble(ordered, stored, headers[ordered.frames[0].path])


def read_images(paths: Sequence[Path]) -> dict[Path, Dataset]:
    """Headers with pixel data of the images among these files, of each image once.

    Raises InputError if there is none, or one cannot be used.
    """
    headers: dict[Path, Dataset] = {}
    seen: set[str] = set()
    reasons: list[str] = []
    for path in sorted(paths):
        try:
            header = read_header(path, pixels=True)
        except NotAnImageError as reason:
            reasons.append(str(reason))
            continue
        uid = str(header.get("SOPInstanceUID", path))
        if uid not in seen:
            seen.add(uid)
            headers[path] = header
    if not headers:
        raise InputError(reasons[0] if len(paths) == 1 else "The folder holds no MR images.")
    return headers


def assemble(ordered: Stack, stored: Mapping[Path, np.ndarray], header: Dataset) -> Volume:
    """The volume of a checked stack.

    stored: stored values (frames, rows, columns) of each of its files; header: of the first slice's file.
    """
    first = ordered.frames[0]
    array = np.empty((len(ordered.frames), first.rows, first.columns), np.float32)
    for n, frame in enumerate(ordered.frames):
        values = stored[frame.path][frame.index]
        array[n] = values if (frame.slope, frame.intercept) == (1, 0) else values * frame.slope + frame.intercept
    return Volume(array, ordered.affine, parameters=parameters_of(header, first.index, ordered.affine))
