"""Masks as they are drawn in a browser: runs of voxels, and slices with every intensity as they go there."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from processing.errors import InputError
from processing.volume import Array, Volume

LEVELS = 65535
WINDOW = 1.0, 99.5  # percentiles between which a series is shown at first


def runs_of(mask: Array) -> list[int]:
    """The voxels of a mask as runs.

    Parameters
    ----------
    mask : ndarray of bool
        In C order: columns run fastest, then rows, then slices.

    Returns
    -------
    list of int
        First voxel and length of each run, one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.drawn import runs_of
    >>> runs_of(np.array([[0, 1, 1, 0], [1, 0, 0, 0]], bool))
    [1, 2, 4, 1]
    """
    padded = np.zeros(mask.size + 2, np.int8)
    padded[1:-1] = mask.ravel()
    steps = np.diff(padded)
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    found: list[int] = np.stack([starts, ends - starts], axis=1).ravel().tolist()
    return found


def mask_of(runs: Sequence[object], shape: tuple[int, int, int]) -> Array:
    """The mask that runs of voxels say.

    Parameters
    ----------
    runs : sequence of int
        As of ``runs_of``; they come from a browser and are checked.
    shape : tuple of int
        Slices, rows and columns.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns)
        True inside.

    Raises
    ------
    InputError
        If they are no runs in order, or do not fit the shape.

    Examples
    --------
    >>> from processing.drawn import mask_of
    >>> mask_of([1, 2, 4, 1], (1, 2, 4)).astype(int).tolist()
    [[[0, 1, 1, 0], [1, 0, 0, 0]]]
    """
    size = int(np.prod(shape))
    wrong = InputError("The drawing does not fit its series. Reload the page and draw it again.")
    if len(runs) % 2 or any(type(one) is not int or not 0 <= one <= size for one in runs):
        raise wrong
    pairs = np.array(runs, np.int64).reshape(-1, 2)
    starts, ends = pairs[:, 0], pairs.sum(axis=1)
    if len(pairs) and ((pairs[:, 1] < 1).any() or ends[-1] > size or (starts[1:] < ends[:-1]).any()):
        raise wrong
    steps = np.zeros(size + 1, np.int8)
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1], dtype=np.int8).astype(bool).reshape(shape)


def scale_of(volume: Volume) -> tuple[float, float]:
    """How intensities become whole numbers from 0 to 65535: (lowest intensity, intensity between two numbers).

    Parameters
    ----------
    volume : Volume
        What is shown.

    Returns
    -------
    tuple of float
        Whole intensities keep their differences, so that a threshold acts on the values themselves; where others, or
        a wider range, need it a step is the range over 65535.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.drawn import scale_of
    >>> from processing.volume import Volume
    >>> scale_of(Volume(np.array([[[7, 9, 1007]]]), np.eye(4)))
    (7.0, 1.0)
    """
    low, high = float(volume.array.min()), float(volume.array.max())
    whole = high - low <= LEVELS and bool((volume.array == np.rint(volume.array)).all())
    return low, 1.0 if whole or high == low else (high - low) / LEVELS


def coded_slice(volume: Volume, slice_index: int, scale: tuple[float, float]) -> bytes:
    """One slice as a browser gets it.

    Parameters
    ----------
    volume : Volume
        As it is looked at: its slices, rows and columns are those of the screen.
    slice_index : int
        Which one, from 0.
    scale : tuple of float
        As of ``scale_of``.

    Returns
    -------
    bytes
        Row by row the difference of each number to its left neighbour, in the first column to 0, modulo 65536; all
        low bytes, then all high bytes; as zlib makes them.

    Examples
    --------
    >>> import zlib
    >>> import numpy as np
    >>> from processing.drawn import coded_slice
    >>> from processing.volume import Volume
    >>> volume = Volume(np.array([[[7, 9, 8]]]), np.eye(4))
    >>> list(zlib.decompress(coded_slice(volume, 0, (7.0, 1.0))))
    [0, 2, 255, 0, 0, 255]
    """
    low, step = scale
    numbers = np.clip(np.rint((volume.array[slice_index].astype(np.float64) - low) / step), 0, LEVELS).astype(np.uint16)
    steps = numbers.copy()
    steps[:, 1:] -= numbers[:, :-1]
    return zlib.compress((steps & 255).astype(np.uint8).tobytes() + (steps >> 8).astype(np.uint8).tobytes(), 6)


def window_of(volume: Volume, scale: tuple[float, float]) -> tuple[int, int]:
    """The window in which a series is shown at first.

    Parameters
    ----------
    volume : Volume
        What is shown.
    scale : tuple of float
        As of ``scale_of``.

    Returns
    -------
    tuple of int
        Lower and upper number: percentiles 1 and 99.5 of what was measured, at least one apart.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.drawn import window_of
    >>> from processing.volume import Volume
    >>> window_of(Volume(np.arange(1001).reshape(1, 7, 143), np.eye(4)), (0.0, 1.0))
    (10, 995)
    """
    lower, upper = ((value - scale[0]) / scale[1] for value in np.percentile(volume.measured, WINDOW))
    return round(lower), max(round(upper), round(lower) + 1)
