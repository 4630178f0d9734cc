"""Compressed sensing: the image that is sparse in wavelets and has little total variation, by FISTA."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise, repeat

import numpy as np
import pywt
from scipy import fft

from processing.volume import Array

# Tuned on the validation part of the shipped cascade (`python -m benchmarks.reconstruction --tune`): of the range.
WAVELET_WEIGHT = {4: 0.002, 8: 0.002}
VARIATION_WEIGHT = {4: 0.002, 8: 0.002}
ITERATIONS = 80
_WAVELET, _MODE = "db4", "periodization"  # orthonormal
_DUAL_STEPS = 2  # per iteration, from where the one before stopped


def compressed_sensing(
    lines: Array,
    sampled: Array,
    *,
    wavelet_weight: float,
    variation_weight: float,
    iterations: int = ITERATIONS,
) -> Array:
    """Reconstruct one image.

    Parameters
    ----------
    lines : ndarray of complex, shape (rows, columns)
        Orthonormal Fourier transform along the rows' axis, zero frequency first; where not sampled it is not looked at.
    sampled : ndarray of bool, shape (rows,)
        Which lines were measured.
    wavelet_weight : float
        Of the sum of the magnitudes of the wavelet details.
    variation_weight : float
        Of the isotropic total variation.
    iterations : int, default 80
        Of FISTA.

    Returns
    -------
    ndarray of complex64, shape (rows, columns)
        The image.

    Notes
    -----
    Minimises half the squared distance to the measured lines plus both weighted terms; a step is their common proximal
    map by composite splitting (the mean of both, each of twice its weight). Wavelets: Daubechies 4, orthonormal where
    rows and columns are multiples of a power of two. A weight of 0 leaves its term out.

    References
    ----------
    Lustig et al. 2007; Beck & Teboulle 2009; Huang et al. 2011.

    Examples
    --------
    An even image is found again from a part of its lines.

    >>> import numpy as np
    >>> from processing.reconstruction.compressed_sensing import compressed_sensing
    >>> image = np.zeros((32, 32), complex)
    >>> image[8:24, 8:24] = 1
    >>> sampled = np.arange(32) % 3 != 1
    >>> lines = np.fft.fft(image, axis=0, norm="ortho") * sampled[:, None]
    >>> found = compressed_sensing(lines, sampled, wavelet_weight=0, variation_weight=0.01)
    >>> zero_filled = np.fft.ifft(lines, axis=0, norm="ortho")
    >>> bool(np.abs(found - image).mean() < 0.5 * np.abs(zero_filled - image).mean())
    True
    """
    measured = np.where(sampled[:, None], lines, 0).astype(np.complex64)
    image = point = fft.ifft(measured, axis=0, norm="ortho")
    dual = np.zeros((2, *image.shape), image.dtype)
    terms = (wavelet_weight > 0) + (variation_weight > 0)
    momentum = [*accumulate(repeat(None, iterations), lambda t, _: (1 + math.sqrt(1 + 4 * t * t)) / 2, initial=1.0)]
    for now, following in pairwise(momentum):
        wrong = fft.fft(point, axis=0, norm="ortho") * sampled[:, None] - measured
        point = point - fft.ifft(wrong, axis=0, norm="ortho")
        parts = []
        if wavelet_weight > 0:
            parts.append(fewer_wavelets(point, terms * wavelet_weight))
        if variation_weight > 0:
            part, dual = _less_variation(point, terms * variation_weight, dual)
            parts.append(part)
        found = sum(parts) / len(parts) if parts else point
        point = found + (now - 1) / following * (found - image)
        image = found
    return image


def fewer_wavelets(image: Array, weight: float) -> Array:
    """Shrink the magnitude of every wavelet detail by `weight`: the proximal map of their sum."""
    coarsest, *details = pywt.wavedec2(image, _WAVELET, _MODE)
    shrunk = [tuple(_shrunk(part, weight) for part in level) for level in details]
    rows, columns = image.shape
    return pywt.waverec2([coarsest, *shrunk], _WAVELET, _MODE)[:rows, :columns]


def _shrunk(values: Array, weight: float) -> Array:
    size = np.abs(values)
    return values * (np.maximum(size - weight, 0) / np.maximum(size, 1e-12))


def _less_variation(image: Array, weight: float, dual: Array) -> tuple[Array, Array]:
    """Proximal map of the isotropic total variation of a complex image, by projected gradients on its dual."""
    for _ in range(_DUAL_STEPS):
        dual = dual + _slopes(image - weight * _adjoint(dual)) / (8 * weight)
        dual /= np.maximum(1, np.sqrt((np.abs(dual) ** 2).sum(axis=0)))
    return image - weight * _adjoint(dual), dual


def _slopes(image: Array) -> Array:
    """Differences to the next row and the next column, 0 at the end."""
    slopes = np.zeros((2, *image.shape), image.dtype)
    slopes[0, :-1] = np.diff(image, axis=0)
    slopes[1, :, :-1] = np.diff(image, axis=1)
    return slopes


def _adjoint(dual: Array) -> Array:
    """Adjoint of `_slopes`."""
    down, across = dual
    image = np.zeros(down.shape, dual.dtype)
    image[:-1] -= down[:-1]
    image[1:] += down[:-1]
    image[:, :-1] -= across[:, :-1]
    image[:, 1:] += across[:, :-1]
    return image
