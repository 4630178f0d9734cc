"""Voxels that hold no intensity: what fills the corners of a rectangle that the scanner did not measure."""

from __future__ import annotations

import numpy as np

from processing.caution import Caution
from processing.volume import Array

_LEAST_SHARE = 0.001  # of all voxels that have one value nobody declared as padding
_AS_AIR = 0.01  # of the range: so near to the lowest intensity, padding is as dark as air and needs no other treatment
_FAR = 0.25  # of the range: below other negative values by this much, a value is none that was measured


def settle(array: Array, declared: Array | None = None) -> tuple[Array, Array | None, tuple[Caution, ...]]:
    """Tell intensities from padding.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Intensities, padding among them.
    declared : ndarray of bool, shape (slices, rows, columns), optional
        Where the file says that the value is padding, or has none (NaN).

    Returns
    -------
    array : ndarray, shape (slices, rows, columns)
        The same; padding holds the lowest intensity that was measured.
    padding : ndarray of bool or None
        Where padding is, None if nowhere.
    cautions : tuple of Caution
        What to say of it.

    Notes
    -----
    Padding as dark as the darkest voxels stays an intensity: 0 is declared by many scanners and does no harm. A
    declared value amid the intensities is padding only where it fills patches at the edge of a slice. Where nothing is
    declared, one negative value that at least 0.1 % of the voxels share, far from all others, is padding.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.padding import settle
    >>> array = np.array([[[-2000, -2000, 5, 300, 800]]])
    >>> found, padding, cautions = settle(array)
    >>> found.tolist(), padding.sum(), cautions[0].code
    ([[[5, 5, 5, 300, 800]]], np.int64(2), 'padding')
    """
    padding = _undeclared(array) if declared is None else _declared(array, declared)
    if padding is None:
        return array, None, ()
    filled = array.copy()
    filled[padding] = array[~padding].min()
    source = "" if declared is not None else ", although the file does not say so"
    text = f"{padding.mean():.1%} of the voxels are padding, no measured intensity{source}: they are left out."
    return filled, padding, (Caution("padding", text),)


def _declared(array: Array, declared: Array) -> Array | None:
    if not declared.any() or declared.all():
        return None
    padded, measured = array[declared], array[~declared]
    low, high = float(measured.min()), float(measured.max())
    if low <= float(padded.max()) and float(padded.min()) <= high:
        declared = _patches_at_edges(declared)
    elif 0 < low - float(padded.min()) <= max(_AS_AIR * (high - low), 1.5 * _step(measured)):
        return None
    return declared if declared.any() else None


def _step(measured: Array) -> float:
    """Between neighbouring values: a scanner's whole numbers may be few."""
    values = np.unique(measured)
    return float(np.diff(values).min()) if values.size > 1 else 0.0


def _patches_at_edges(declared: Array) -> Array:
    """Only what hangs together with patches of 3 × 3 pixels at the edge of its slice."""
    from scipy import ndimage

    found = np.zeros_like(declared)
    for there, image in zip(found, declared, strict=True):
        edge = np.pad(image, 1, constant_values=True)
        patches = ndimage.binary_opening(edge, np.ones((3, 3)))[1:-1, 1:-1] & image
        labels, _ = ndimage.label(patches)
        border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        there[:] = np.isin(labels, border[border > 0])
    return found


def _undeclared(array: Array) -> Array | None:
    if array.dtype.kind == "u":
        return None
    lowest = float(array.min())
    if lowest >= 0:
        return None
    padding = array == lowest
    if padding.all() or padding.mean() < _LEAST_SHARE:
        return None
    measured = array[~padding]
    low, high = float(measured.min()), float(measured.max())
    gap = (low - lowest) / max(high - low, np.finfo(float).tiny)
    return padding if gap > (_AS_AIR if low >= 0 else _FAR) else None


def marked(array: Array, padding: Array | None) -> Array:
    """The array with padding far below all intensities, as ``settle`` finds it in a file that cannot declare it."""
    if padding is None or padding.mean() < _LEAST_SHARE:
        return array
    low, high = float(array.min()), float(array.max())
    return np.where(padding, np.float32(min(low, 0.0) - max(high - low, 1.0)), array)
