"""DICOM RT Structure Sets (PS3.3 A.19): every closed structure as a mask on the grid of a series.

Contours become voxels by one rule. A contour lies flat on a plane parallel to the slices and counts for the nearest
slice. There a voxel is inside if its centre is, by even–odd over all contours of the structure: a contour within
another one is a hole, two channels along one line cancel out. A centre on a border belongs to the structure if that
lies towards growing columns or rows, so that neighbours share no voxel. Between planes nothing is filled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import RawDataElement

from processing.dicom.header import open_dicom
from processing.errors import InputError
from processing.volume import Array

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
FLAT_MM = 0.1  # across the plane of a contour: what rounding of its points may do
MOST_GAP = 1.5  # slices between the planes of a structure that was drawn on slices such as these
ROUNDING = 4  # decimals of a voxel: a centre on a border shall not be decided by the last bit
_AGAIN = "Choose the series on which the structures were drawn."


def is_structure_set(dataset: Dataset) -> bool:
    """Whether the file is an RT Structure Set."""
    return str(dataset.get("SOPClassUID", "")) == STRUCTURE_SET


def read_structures(path: Path, shape: tuple[int, int, int], affine: Array) -> list[tuple[int, str, Array]]:
    """Number, name and mask of each structure that encloses a voxel centre, on the grid of a series.

    shape: slices, rows, columns; affine: of column, row, slice to LPS in mm. Structures of points alone are markers
    and left out. Raises InputError if another contour is not closed and planar, or does not lie on these slices.
    """
    dataset = open_dicom(path)
    if not is_structure_set(dataset):
        raise InputError("This DICOM file is no structure set.")
    try:
        names = {int(one.ROINumber): str(one.get("ROIName", "")) for one in dataset.StructureSetROISequence}
        drawn = {int(one.ReferencedROINumber): _contours(one) for one in dataset.get("ROIContourSequence", [])}
    except InputError:
        raise
    except (AttributeError, TypeError, ValueError, KeyError):
        raise InputError("The structure set does not say where its contours lie; export it again.") from None
    to_index, distance = np.linalg.inv(affine), float(np.linalg.norm(affine[:3, 2]))
    structures = {number: _planes(contours, shape, to_index, distance) for number, contours in sorted(drawn.items())}
    _check_gaps(list(structures.values()), distance)
    found = []
    for number, planes in structures.items():
        mask = np.zeros(shape, bool)
        for place, plane in planes.items():
            mask[place] = _even_odd([points[:, :2] for points in plane], *shape[1:])
        if mask.any():
            found.append((number, names.get(number, ""), mask))
    return found


def _contours(structure: Dataset) -> list[Array]:
    """The points (LPS, mm) of each contour of a structure."""
    contours = list(structure.get("ContourSequence") or [])
    kinds = {str(one.ContourGeometricType) for one in contours}
    if kinds <= {"POINT"}:
        return []
    if not kinds <= {*CLOSED}:
        raise InputError("A structure has contours that are not closed and planar; they enclose no volume.")
    return [_points(one) for one in contours]


def _points(contour: Dataset) -> Array:
    element: Any = contour.get_item("ContourData")
    # Long rows of numbers: pydicom would make an object of each.
    said = (element.value or b"").split(b"\\") if isinstance(element, RawDataElement) else contour.ContourData
    points = np.array(said, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(points).all():
        raise ValueError("not finite")
    return points


def _planes(
    contours: Sequence[Array], shape: tuple[int, int, int], to_index: Array, distance: float
) -> dict[int, list[Array]]:
    """The contours of one structure in voxels, by the slice that they count for."""
    slices, rows, columns = shape
    planes: dict[int, list[Array]] = defaultdict(list)
    for points in contours:
        if len(points) < 3:
            continue
        placed = np.round(points @ to_index[:3, :3].T + to_index[:3, 3], ROUNDING)
        if np.ptp(placed[:, 2]) * distance > FLAT_MM:
            raise InputError(f"A structure has contours that are not parallel to the slices. {_AGAIN}")
        planes[int(np.floor(placed[:, 2].mean() + 0.5))].append(placed)
    if not planes:
        return planes
    corners = np.concatenate([points for plane in planes.values() for points in plane])
    if (
        not 0 <= min(planes) <= max(planes) < slices
        or (corners[:, :2] < -1).any()
        or (corners > (columns, rows, slices)).any()
    ):
        raise InputError(f"A structure reaches outside the series. {_AGAIN}")
    if max(np.ptp(np.concatenate(plane)[:, 2]) for plane in planes.values()) * distance > FLAT_MM:
        raise InputError(f"A structure has several planes of contours within one slice of the series. {_AGAIN}")
    return planes


def _check_gaps(structures: Sequence[dict[int, list[Array]]], distance: float) -> None:
    """Refuse what was drawn on slices further apart. distance: between slices, mm.

    A structure may have gaps where its planes lie on slices, unless those of the file follow each other evenly, as the
    slices of another series do.
    """
    levels = [np.sort([plane[0][0, 2] for plane in planes.values()]) for planes in structures]
    gappy = [own for own in levels if len(own) > 1 and np.diff(own).min() > MOST_GAP]
    if not gappy:
        return
    if max(np.abs(own - np.round(own)).max() for own in gappy) * distance > FLAT_MM:
        raise InputError(f"The contours of a structure lie further apart than the slices of the series. {_AGAIN}")
    steps = np.diff(sorted({place for planes in structures for place in planes}))
    least = steps.min()
    if least > 1 and not (steps % least).any() and np.count_nonzero(steps == least) > 1:
        raise InputError(
            f"Contours lie on one slice in {least} only. Draw those between, or choose the series on which the "
            "structures were drawn."
        )


def _even_odd(polygons: Sequence[Array], rows: int, columns: int) -> Array:
    """Pixels whose centres an odd number of borders lies before, along their row."""
    borders = np.zeros((rows, columns + 1), np.int32)
    for points in polygons:
        (x, y), (to_x, to_y) = points.T, np.roll(points, -1, axis=0).T
        first = np.ceil(np.minimum(y, to_y)).clip(0, rows).astype(int)
        last = np.ceil(np.maximum(y, to_y)).clip(0, rows).astype(int)
        edges = np.repeat(np.arange(len(x)), last - first)  # once for each row that the edge crosses
        row = np.arange(len(edges)) + np.repeat(last - np.cumsum(last - first), last - first)
        crossing = x[edges] + (row - y[edges]) * (to_x[edges] - x[edges]) / (to_y[edges] - y[edges])
        column = np.ceil(np.round(crossing, ROUNDING)).clip(0, columns).astype(int)
        np.add.at(borders, (row, column), 1)
    return np.cumsum(borders, axis=1)[:, :columns] % 2 == 1
