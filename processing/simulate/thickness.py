"""Thick slices of thin ones, and back to where the thin ones lay by interpolation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from processing.caution import Caution
from processing.errors import InputError
from processing.volume import Array, Volume

THICKEST = 8  # slices in one
_SAME = 0.05  # of the distance of slices: what touches within it has neither gap nor overlap


def thicken(volume: Volume, factor: int) -> Volume:
    """Make one slice of each `factor` neighbours.

    Parameters
    ----------
    volume : Volume
        Any series of enough slices.
    factor : int
        How many slices are one, 2 to 8.

    Returns
    -------
    Volume
        The means of `factor` neighbours each, from the outer face of the first to that of the last: a rectangular slice
        profile without gap or overlap if they touch, else with a caution. The last slices that are no full group are
        left out. A voxel that holds no intensity in one of them holds none in the mean.

    Raises
    ------
    InputError
        If there are too few slices.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.simulate.thickness import thicken
    >>> from processing.volume import Volume
    >>> found = thicken(Volume(np.arange(5.0)[:, None, None] * np.ones((5, 2, 2)), np.eye(4)), 2)
    >>> found.array[:, 0, 0].tolist(), found.affine[2].tolist()
    ([0.5, 2.5], [0.0, 0.0, 2.0, 0.5])
    """
    count = len(volume.array) // factor
    if count < 1:
        raise InputError(f"A thick slice of {factor} needs {factor} slices; there are {len(volume.array)}.")
    array = means(volume.array[: count * factor], factor)
    padding = volume.padding
    if padding is not None:
        padding = np.any(padding[: count * factor].reshape(count, factor, *padding.shape[1:]), axis=1)
    affine = rescaled(volume.affine, factor)
    thickness = volume.parameters.slice_thickness
    thicker = thickness and (factor - 1) * volume.spacing[2] + thickness
    parameters = replace(volume.parameters, slice_thickness=thicker)
    cautions = (*volume.cautions, *gaps(volume))
    return replace(volume, array=array, affine=affine, padding=padding, parameters=parameters, cautions=cautions)


def gaps(volume: Volume) -> tuple[Caution, ...]:
    """One caution with the code "gaps" if slices lie over 5 % farther apart, or nearer, than they are thick."""
    thickness, distance = volume.parameters.slice_thickness, volume.spacing[2]
    if thickness is None or abs(thickness - distance) <= _SAME * distance:
        return ()
    how = "have gaps" if thickness < distance else "overlap"
    sizes = f"{thickness:.4g} mm thick, {distance:.4g} mm apart"
    return (Caution("gaps", f"The slices {how} ({sizes}): thicker or thinner ones are made as if they touched."),)


def means(array: Array, factor: int) -> Array:
    """The means of `factor` neighbours along the first axis, whose length is a multiple of it."""
    return array.reshape(-1, factor, *array.shape[1:]).mean(axis=1, dtype=np.float32)


def rescaled(affine: Array, factor: float) -> Array:
    """The affine of slices `factor` times as thick that begin at the same edge."""
    out = np.array(affine, dtype=float)
    out[:3, 3] += affine[:3, 2] * (factor - 1) / 2
    out[:3, 2] *= factor
    return out


def interpolated(array: Array, factor: int) -> Array:
    """Where the thin slices lay, by a cubic spline between the middles of thick ones along the first axis; beyond the
    outermost middles the last slice is repeated."""
    places = (np.arange(len(array) * factor) - (factor - 1) / 2) / factor
    grid = np.meshgrid(places, np.arange(len(array)), indexing="ij")
    weights = ndimage.map_coordinates(np.eye(len(array)), grid, order=3, mode="nearest")
    return np.tensordot(weights.astype(np.float32), array, axes=1)
