"""The hash by which pixels are known again: equal intensities at one place have one, however a file stores them."""

from __future__ import annotations

import hashlib

import numpy as np

FLOATS, WHOLE = 1, 2
_SHORT = ("<u2", "<i2")


def pixels_sha256(
    array: np.ndarray,
    affine: np.ndarray,
    *,
    units: str = "arbitrary",
    padding: np.ndarray | None = None,
    kind: int = WHOLE,
) -> str:
    """SHA-256 of intensities, their padding and their place in space (affine rounded to 1 µm).

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Intensities: float32, or whole numbers as a file stores them.
    affine : ndarray, shape (4, 4)
        Where they lie, in mm.
    units : str, default "arbitrary"
        What an intensity is.
    padding : ndarray of bool, shape (slices, rows, columns), optional
        Where there is no intensity.
    kind : int, default WHOLE
        With ``WHOLE`` whole numbers that fit count as two bytes each, all others as float32; with ``FLOATS`` all are
        float32, as version 0.1.0 had it.

    Returns
    -------
    str
        64 hex digits.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.pixel_hash import pixels_sha256
    >>> array = np.arange(6, dtype=np.uint16).reshape(1, 2, 3)
    >>> pixels_sha256(array, np.eye(4)) == pixels_sha256(array.astype(np.float32), np.eye(4))
    True
    """
    form = _form(array) if kind == WHOLE else "<f4"
    said = (array.shape, units, form) if kind == WHOLE else (array.shape, units)
    digest = hashlib.sha256(repr(said).encode())
    digest.update((np.round(affine, 3) + 0.0).astype("<f8").tobytes())  # + 0.0: no negative zeros
    for image in array:  # one after the other stays in the processor's cache
        digest.update(np.ascontiguousarray(image, form).data)
    if padding is not None:
        digest.update(np.packbits(padding).tobytes())
    return digest.hexdigest()


def _form(array: np.ndarray) -> str:
    """How the intensities are hashed: as unsigned or signed whole numbers of two bytes if all are such."""
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return _SHORT[0]
    low, high = array.min(), array.max()
    for form in _SHORT:
        limits = np.iinfo(form)
        if limits.min <= low and high <= limits.max:
            whole = array.dtype.kind in "iu" or all(np.array_equal(image.astype(form), image) for image in array)
            return form if whole else "<f4"
    return "<f4"
