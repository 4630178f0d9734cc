"""Shape of a volume of interest: pyradiomics' class over the same mesh, without measuring every pair of its vertices.

pyradiomics builds the mesh and compares every vertex with every other in one C function; the second part is most of the
time. Here each cell of the grid looks its triangles up: what each of the 256 arrangements of a cell adds to surface and
volume is asked of that C function once. Distances are taken between the vertices that can be the farthest.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import SimpleITK
from radiomics import cShape
from radiomics.shape import RadiomicsShape
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from processing.volume import Array

_CELLS = 256
_AT_ONCE = 512  # vertices whose distances to all others are in memory together


class Shape(RadiomicsShape):
    """pyradiomics' shape features; only what they are computed from comes from here."""

    def _initSegmentBasedCalculation(self) -> None:  # noqa: N802  pyradiomics' name
        self.pixelSpacing = np.array(self.inputImage.GetSpacing()[::-1])
        inside = np.pad(SimpleITK.GetArrayViewFromImage(self.inputMask) == self.label, 1)
        self.maskArray, self.labelledVoxelCoordinates = inside, np.nonzero(inside)
        self.SurfaceArea, self.Volume = _mesh(inside, self.pixelSpacing)
        self.diameters = _diameters(inside, self.pixelSpacing)
        place = np.transpose(self.labelledVoxelCoordinates) * self.pixelSpacing
        place = (place - place.mean(axis=0)) / np.sqrt(len(place))
        found = np.linalg.eigvals(place.T.copy() @ place)
        found[(found < 0) & (found > -1e-10)] = 0  # of a flat volume, as pyradiomics rounds them
        self.eigenValues = np.sort(found)


def _mesh(inside: Array, spacing: Array) -> tuple[float, float]:
    """Surface and volume of the mesh around a mask that does not touch the border of its array."""
    z, y, x = (np.arange(length - 1) for length in inside.shape)
    cells = np.zeros((z.size, y.size, x.size), np.intp)
    for bit, (k, j, i) in enumerate(np.ndindex(2, 2, 2)):
        cells |= inside[k : k + z.size, j : j + y.size, i : i + x.size].astype(np.intp) << bit
    touched = np.nonzero((cells > 0) & (cells < _CELLS - 1))
    arrangement = cells[touched]
    count = np.bincount(arrangement, minlength=_CELLS)
    here, shift = _volumes()
    volume = float(count @ here)
    for axis, place in enumerate(touched):
        volume += float(np.bincount(arrangement, weights=place, minlength=_CELLS) @ shift[axis])
    return float(count @ _areas(tuple(spacing.tolist()))), volume * float(np.prod(spacing))


def _cell(arrangement: int) -> Array:
    return np.array([arrangement >> bit & 1 for bit in range(8)], bool).reshape(2, 2, 2)


@lru_cache(maxsize=16)
def _areas(spacing: tuple[float, float, float]) -> Array:
    """Surface of the triangles of each arrangement."""
    size = np.array(spacing)
    return np.array([cShape.calculate_coefficients(_cell(one), size)[0] for one in range(_CELLS)])


@cache
def _volumes() -> tuple[Array, Array]:
    """What each arrangement adds to the volume at the origin, and what more for each step along each axis."""

    def volume(cells: Array) -> float:
        return float(cShape.calculate_coefficients(cells, np.ones(3))[1])

    here = np.array([volume(_cell(one)) for one in range(_CELLS)])
    shift = np.zeros((3, _CELLS))
    for one in range(_CELLS):
        for axis in range(3):
            layers = np.moveaxis(_cell(one), axis, 0)
            before = np.moveaxis(layers[[0, 0]], 0, axis)  # the cell that leads up to this one
            both = np.moveaxis(layers[[0, 0, 1]], 0, axis)
            shift[axis, one] = volume(np.ascontiguousarray(both)) - volume(np.ascontiguousarray(before)) - here[one]
    return here, shift


def _diameters(inside: Array, spacing: Array) -> tuple[float, float, float, float]:
    """Largest distance of two vertices within a slice, a row plane, a column plane, and anywhere."""
    vertices = []
    for axis in range(3):
        ahead = np.moveaxis(inside, axis, 0)
        edges = np.transpose(np.nonzero(np.moveaxis(ahead[1:] != ahead[:-1], 0, axis))) * 2
        edges[:, axis] += 1
        vertices.append(edges)
    points = np.concatenate(vertices)  # in half voxels
    within = [_within_planes(points, axis, spacing) for axis in range(3)]
    return within[0], within[1], within[2], _farthest(points[_on_hull(points)] * (spacing / 2))


def _within_planes(points: Array, axis: int, spacing: Array) -> float:
    """The largest distance of two points that share the coordinate of one axis; ends of their lines are enough."""
    other = [one for one in range(3) if one != axis]
    for line in other:
        points = _ends(points, line)
    points = points[np.argsort(points[:, axis], kind="stable")]
    planes = np.split(points[:, other] * (spacing[other] / 2), np.flatnonzero(np.diff(points[:, axis])) + 1)
    return max(map(_farthest, planes))


def _ends(points: Array, axis: int) -> Array:
    """The first and the last point of every line along an axis."""
    first, second = (one for one in range(3) if one != axis)
    points = points[np.lexsort((points[:, axis], points[:, first], points[:, second]))]
    begins = np.ones(len(points), bool)
    begins[1:] = (np.diff(points[:, [first, second]], axis=0) != 0).any(axis=1)
    return points[begins | np.append(begins[1:], True)]


def _on_hull(points: Array) -> Array:
    try:
        return np.asarray(ConvexHull(points).vertices)
    except QhullError:  # all in one plane
        return np.arange(len(points))


def _farthest(points: Array) -> float:
    return max(
        float(cdist(points[start : start + _AT_ONCE], points[start:]).max())
        for start in range(0, len(points), _AT_ONCE)
    )
