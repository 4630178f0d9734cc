"""DICOM files to one Volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset

from processing.dicom.frames import Frame, frames_of
from processing.dicom.geometry import Stack, split, stack
from processing.dicom.header import NotAnImageError, open_dicom, read_header
from processing.dicom.parameters import parameters_of
from processing.dicom.pixels import stored_values
from processing.errors import InputError
from processing.volume import Volume


def read_dicom(paths: Sequence[Path]) -> Volume:
    """The one series in these files; files beside it that are no images are left out.

    Raises InputError if an image cannot be used, the slices are not one complete stack, or there are several
    series, echoes or stacks.
    """
    frames: list[Frame] = []
    headers: dict[Path, Dataset] = {}
    seen: set[str] = set()
    reasons: list[str] = []
    for path in sorted(paths):
        try:
            header = read_header(path)
        except NotAnImageError as reason:
            reasons.append(str(reason))
            continue
        uid = str(header.get("SOPInstanceUID", path))
        if uid in seen:
            continue
        seen.add(uid)
        headers[path] = header
        frames += frames_of(header, path)
    if not frames:
        raise InputError(reasons[0] if len(paths) == 1 else "The folder holds no MR images.")
    if len({frame.series_uid for frame in frames}) > 1:
        count = len({frame.series_uid for frame in frames})
        raise InputError(f"The folder holds {count} series; give the files of one.")
    parts = split(frames)
    if len(parts) > 1:
        names = "; ".join(part or "other" for part, _ in parts[:4])
        raise InputError(f"The series holds {len(parts)} volumes ({names}); sort it first, then give one.")
    ordered = stack(parts[0][1])
    first = ordered.frames[0]
    return load(ordered, ((path, open_dicom(path)) for path in headers), headers[first.path])


def load(ordered: Stack, files: Iterable[tuple[Path, Dataset]], header: Dataset) -> Volume:
    """The volume of a checked stack.

    files: (path, data set with pixels) of every file of the stack, one at a time; header: of the first slice.
    """
    first = ordered.frames[0]
    array = np.empty((len(ordered.frames), first.rows, first.columns), np.float32)
    fill(array, ordered, {path: stored_values(dataset) for path, dataset in files})
    return Volume(array, ordered.affine, parameters=parameters_of(header, first.index, ordered.affine))


def fill(array: np.ndarray, ordered: Stack, stored: Mapping[Path, np.ndarray]) -> None:
    """Write the rescaled intensities of the stack's frames into `array` (slices, rows, columns)."""
    places: dict[Path, list[tuple[int, Frame]]] = defaultdict(list)
    for slice_index, frame in enumerate(ordered.frames):
        places[frame.path].append((slice_index, frame))
    for path, members in places.items():
        for slice_index, frame in members:
            array[slice_index] = stored[path][frame.index] * frame.slope + frame.intercept
