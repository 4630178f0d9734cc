"""How far two masks agree: Dice, volume similarity, Hausdorff distance, average surface distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from processing.errors import InputError

Array = np.ndarray

MEASURES = ("dice", "volume_similarity", "hausdorff", "hausdorff_95", "average_surface_distance")
CONVENTIONS = {
    "dice": "2 |A and B| / (|A| + |B|)",
    "volume_similarity": "1 - ||A| - |B|| / (|A| + |B|), 0 to 1",
    "hausdorff": "mm, the larger of both directions' greatest distance from a surface to the other",
    "hausdorff_95": "mm, the larger of both directions' 95th percentiles (linear interpolation)",
    "average_surface_distance": "mm, mean of both directions' mean distances",
    "surface": "centres of voxels with a face neighbour outside the mask; beyond the image is outside",
}


@dataclass(frozen=True)
class Overlap:
    """values: measure → value; None is undefined, its cause in `reasons`. Dice and volume similarity 0–1, distances in
    mm. voxels: of reference and test."""

    values: dict[str, float | None]
    voxels: tuple[int, int]
    reasons: dict[str, str] = field(default_factory=dict)


def overlap(reference: Array, test: Array, *, spacing: Sequence[float]) -> Overlap:
    """Every measure of agreement of two masks on one grid.

    Parameters
    ----------
    reference, test : ndarray of bool, shape (slices, rows, columns) or (rows, columns)
        The masks.
    spacing : sequence of float
        Distance of neighbours in mm along each axis of the array, in the array's order.

    Returns
    -------
    Overlap
        ``values``: dice and volume_similarity 0 to 1, hausdorff, hausdorff_95 and average_surface_distance in mm;
        ``voxels`` of both; ``reasons`` for what is None. One empty mask: Dice and volume similarity 0, distances
        undefined; two: everything undefined.

    Raises
    ------
    InputError
        If the shapes or the number of spacings do not fit, or a spacing is not positive.

    Notes
    -----
    Definitions as in Taha & Hanbury; they differ elsewhere:

    - volume similarity is here 1 at equal volumes; SimpleITK's is signed, 2 (|A| − |B|) / (|A| + |B|).
    - distances run between *surfaces*. Between whole masks, as SimpleITK's HausdorffDistanceImageFilter takes them, the
      greatest is the same unless one mask lies around the other, and percentiles and means mix in zeros.
    - the 95th percentile is taken in each direction; of both directions' distances in one heap (medpy) it is smaller or
      equal.
    - the average surface distance weighs both directions alike; over the heap (Heimann et al.) the larger surface
      weighs
      more.

    References
    ----------
    Taha & Hanbury 2015; Heimann et al. 2009.

    Examples
    --------
    Two of three pixels in common, pixels of 0.5 mm.

    >>> import numpy as np
    >>> from processing.metrics.overlap import overlap
    >>> a, b = np.array([[1, 1, 1, 0]], bool), np.array([[0, 1, 1, 1]], bool)
    >>> found = overlap(a, b, spacing=(0.5, 0.5))
    >>> round(found.values["dice"], 4), found.values["volume_similarity"], found.values["hausdorff"]
    (0.6667, 1.0, 0.5)
    """
    a, b = np.asarray(reference, bool), np.asarray(test, bool)
    if a.shape != b.shape:
        raise InputError(f"The masks differ in shape, {a.shape} and {b.shape}; they cannot be compared.")
    steps = np.asarray(spacing, float)
    if steps.shape != (a.ndim,) or not np.isfinite(steps).all() or (steps <= 0).any():
        raise InputError("The spacing needs one positive distance in mm for each axis of the masks.")
    size_a, size_b = int(np.count_nonzero(a)), int(np.count_nonzero(b))
    values: dict[str, float | None] = dict.fromkeys(MEASURES)
    if size_a + size_b:
        values["dice"] = 2 * int(np.count_nonzero(a & b)) / (size_a + size_b)
        values["volume_similarity"] = 1 - abs(size_a - size_b) / (size_a + size_b)
    if size_a and size_b:
        there, back = _surface_distances(a, b, steps)
        values["hausdorff"] = float(max(there.max(), back.max()))
        values["hausdorff_95"] = float(max(np.percentile(there, 95), np.percentile(back, 95)))
        values["average_surface_distance"] = float((there.mean() + back.mean()) / 2)
    reason = "one of the masks is empty" if size_a + size_b else "both masks are empty"
    reasons = {name: reason for name, value in values.items() if value is None}
    return Overlap(values, (size_a, size_b), reasons)


def _surface_distances(a: Array, b: Array, spacing: Array) -> tuple[Array, Array]:
    """Distance of each surface voxel of `a` to the surface of `b`, and of `b` to `a`, mm.

    Axes of one voxel do not count: in a single slice the surface is the outline.
    """
    places = np.nonzero(a | b)
    box = tuple(slice(int(place.min()), int(place.max()) + 1) for place in places)
    axes = [n for n, size in enumerate(a.shape) if size > 1]
    if not axes:
        return np.zeros(1), np.zeros(1)
    flat = tuple(n for n in range(a.ndim) if n not in axes)
    a, b = (_surface(mask[box].squeeze(flat)) for mask in (a, b))
    steps = spacing[axes]
    return ndimage.distance_transform_edt(~b, steps)[a], ndimage.distance_transform_edt(~a, steps)[b]


def _surface(mask: Array) -> Array:
    return np.asarray(mask & ~ndimage.binary_erosion(mask))
