"""Thin slices of thick ones, before a network: as many positions as are wanted, interpolated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from processing.errors import InputError
from processing.simulate.thickness import gaps, interpolated, rescaled
from processing.volume import Volume

PARTS = (2, 3, 4)  # what networks are trained for


def parts_for(volume: Volume) -> int:
    """How many thin slices each is to become so that voxels come nearest to cubes, within PARTS."""
    columns, rows, slices = volume.spacing
    return int(np.clip(round(slices / max(columns, rows)), PARTS[0], PARTS[-1]))


def thinned(volume: Volume, parts: int) -> Volume:
    """Each slice as `parts` of a cubic spline through the middles of the slices.

    Parameters
    ----------
    volume : Volume
        A series of two slices at least.
    parts : int
        2, 3 or 4.

    Returns
    -------
    Volume
        With `parts` times the slices, which fill the same space: positions and thickness of their own; with a caution
        where the slices had gaps or overlapped, as the thin ones do then.

    Raises
    ------
    InputError
        For other parts, or a single slice.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.enhancement.thin_slices import thinned
    >>> from processing.volume import Volume
    >>> found = thinned(Volume(np.arange(4.0)[:, None, None] * np.ones((4, 2, 2)), np.diag([1, 1, 4, 1])), 2)
    >>> found.shape, found.affine[2].tolist()
    ((8, 2, 2), [0.0, 0.0, 2.0, -1.0])
    """
    if parts not in PARTS:
        raise InputError(f"A slice becomes {PARTS[0]} to {PARTS[-1]} thin ones, not {parts}.")
    if len(volume.array) < 2:
        raise InputError("Between the slices of a series of one there is nothing; thin slices need two at least.")
    thickness = volume.parameters.slice_thickness
    return replace(
        volume,
        array=interpolated(volume.array, parts),
        affine=rescaled(volume.affine, 1 / parts),
        padding=None if volume.padding is None else np.repeat(volume.padding, parts, axis=0),
        parameters=replace(volume.parameters, slice_thickness=thickness and thickness / parts),
        cautions=(*volume.cautions, *gaps(volume)),
    )
