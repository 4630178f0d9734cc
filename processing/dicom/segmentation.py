"""DICOM Segmentation objects (PS3.3 A.51): every segment as a mask in patient coordinates."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset

from processing.dicom.geometry import SPACING_TOLERANCE
from processing.dicom.header import open_dicom
from processing.errors import InputError
from processing.volume import Array, check_affine

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
FRACTION = 0.5  # of MaximumFractionalValue, from which a voxel belongs to a fractional segment
SAME_PLACE_MM = 0.01
ROUNDED_MM = 0.1  # to which old scanners round positions: what series of images may have
MOST_SLICES = 4096
MOST_VOXELS = 1 << 30  # of the grid, and of all frames


def is_segmentation(dataset: Dataset) -> bool:
    """Whether the file is a segmentation object, binary, fractional or label map."""
    return str(dataset.get("SOPClassUID", "")) in (SEGMENTATION, LABEL_MAP)


def read_segments(path: Path) -> list[tuple[int, str, Array, Array]]:
    """Segment number, label, mask (slices, rows, columns) and affine (LPS, mm) of each segment with a voxel.

    Frames are placed by their plane positions; places without a frame are empty. All segments share one grid.
    A fractional segment counts from half of its largest value. Raises InputError if the frames do not lie on one
    grid of parallel planes.
    """
    dataset = open_dicom(path)
    if not is_segmentation(dataset):
        raise InputError("This DICOM file is no segmentation.")
    if _voxels(dataset) > MOST_VOXELS:
        raise InputError("The segmentation declares more voxels than can be read; export it in parts.")
    try:
        pixels = dataset.pixel_array
    except Exception:  # decoders raise many kinds
        raise InputError("The pixels of the segmentation cannot be read; export it again.") from None
    try:
        frames = pixels.reshape(-1, int(dataset.Rows), int(dataset.Columns))
        names = {int(one.SegmentNumber): str(one.get("SegmentLabel", "")) for one in dataset.SegmentSequence}
        names.pop(0, None)  # of a label map: the background
        places, affine, slices = _places(dataset, len(frames))
        numbers = _numbers(dataset, len(frames))
    except InputError:
        raise
    except (AttributeError, IndexError, TypeError, ValueError, KeyError):
        raise InputError("The segmentation does not say where its frames lie or what they show.") from None
    if slices * frames[0].size > MOST_VOXELS:
        raise InputError("The planes of the segmentation lie too far apart.")
    fractional = str(dataset.get("SegmentationType", "BINARY")).upper() == "FRACTIONAL"
    least = FRACTION * float(dataset.get("MaximumFractionalValue", 255)) if fractional else 0.5
    found = []
    for number, name in sorted(names.items()):
        mask = np.zeros((slices, *frames.shape[1:]), bool)
        for frame, place, of in zip(frames, places, numbers, strict=True):
            if of is None:
                mask[place] |= frame == number  # a label map: the value is the segment
            elif of == number:
                mask[place] |= frame >= least
        if mask.any():
            found.append((number, name, mask, affine))
    return found


def _voxels(dataset: Dataset) -> int:
    try:
        return math.prod(int(dataset.get(word) or 1) for word in ("NumberOfFrames", "Rows", "Columns"))
    except (TypeError, ValueError):
        raise InputError("The segmentation does not say how large it is; export it again.") from None


def _group(dataset: Dataset, index: int, keyword: str) -> Any:
    """One functional group of a frame, or of all frames."""
    for groups in (dataset.PerFrameFunctionalGroupsSequence[index], *dataset.get("SharedFunctionalGroupsSequence", [])):
        if groups.get(keyword):
            return groups[keyword].value[0]
    raise KeyError(keyword)


def _numbers(dataset: Dataset, count: int) -> list[int | None]:
    if str(dataset.get("SegmentationType", "")).upper() == "LABELMAP":
        return [None] * count
    groups = (_group(dataset, index, "SegmentIdentificationSequence") for index in range(count))
    return [int(group.ReferencedSegmentNumber) for group in groups]


def _places(dataset: Dataset, count: int) -> tuple[list[int], Array, int]:
    """Slice index of each frame, the affine, and how many slices the grid has."""
    turned = np.array(
        [_group(dataset, index, "PlaneOrientationSequence").ImageOrientationPatient for index in range(count)], float
    )
    origins = np.array(
        [_group(dataset, index, "PlanePositionSequence").ImagePositionPatient for index in range(count)], float
    )
    if np.abs(turned - turned[0]).max() > 1e-4:
        raise InputError("The planes of the segmentation are not parallel.")
    row, column = turned[0, :3], turned[0, 3:]
    normal = np.cross(row, column)
    measures = _group(dataset, 0, "PixelMeasuresSequence")
    between_rows, between_columns = (float(value) for value in measures.PixelSpacing)
    along = (origins - origins[0]) @ normal
    levels = np.unique(np.round(along, 3))
    gaps = np.diff(levels)
    gaps = gaps[gaps > SAME_PLACE_MM]
    said = float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0)
    step = float(gaps[gaps < 1.05 * gaps.min()].mean()) if gaps.size else said
    # Where segments lie far apart, the smallest gap may be several slices.
    if gaps.size and said < step and np.abs(gaps / said - np.round(gaps / said)).max() < 0.03:
        step = said
    above = along - along.min()
    places = np.round(above / step).astype(int)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = row * between_columns, column * between_rows, normal * step
    affine[:3, 3] = origins[int(np.argmin(along))]
    if places.max():  # real stacks lean a little: positions say where the next slice is
        step = float(places @ above / (places @ places))
        places = np.round(above / step).astype(int)
        offsets = origins - affine[:3, 3]
        affine[:3, 2] = places @ offsets / (places @ places)
        apart = np.abs(offsets - np.outer(places, affine[:3, 2]))
        if (apart @ np.abs(normal)).max() > max(ROUNDED_MM, SPACING_TOLERANCE * step) or places.max() >= MOST_SLICES:
            raise InputError("The planes of the segmentation are not equally spaced.")
        if apart.max() > max(ROUNDED_MM, SPACING_TOLERANCE * step):
            raise InputError("The planes of the segmentation are shifted against each other.")
    check_affine(affine)
    return places.tolist(), affine, int(places.max()) + 1
