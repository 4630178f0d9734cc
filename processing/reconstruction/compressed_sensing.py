"""Compressed sensing: the image that is sparse in wavelets, has little total variation and, turned by the phase of the
sampled middle, is nearly real; by FISTA."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise, repeat

import numpy as np
import pywt
from scipy import fft

from processing.volume import Array

# Shares of the range, tuned on slices of the subjects of validation (`python -m benchmarks.reconstruction --tune`):
# beside total variation wavelets came no nearer there at any weight, as long as the phase stayed on.
WAVELET_WEIGHT = {4: 0.0, 8: 0.0}
VARIATION_WEIGHT = {4: 0.0015, 8: 0.003}
IMAGINARY_WEIGHT = {4: 0.1, 8: 0.1}  # of its own, no share of the range
ITERATIONS = 80
_WAVELET, _MODE, _LEVELS = "db4", "periodization", 3  # orthonormal
_DUAL_STEPS = 2  # per iteration, from where the one before stopped


def compressed_sensing(
    lines: Array,
    sampled: Array,
    *,
    wavelet_weight: float,
    variation_weight: float,
    imaginary_weight: float,
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
    imaginary_weight : float
        Of half the sum of the squares of the imaginary part.
    iterations : int, default 80
        Of FISTA.

    Returns
    -------
    ndarray of complex64, shape (rows, columns)
        The image.

    Notes
    -----
    Minimises half the squared distance to the measured lines plus the weighted terms, which are of the image turned
    back by the phase that the sampled middle of k-space shows. The proximal map of all together is found by projected
    gradients on its dual, begun where the step before ended. Wavelets: Daubechies 4, orthonormal, three levels where
    the image has room for them. A weight of 0 leaves its term out.

    References
    ----------
    Lustig et al. 2007; Beck & Teboulle 2009a, 2009b.

    Examples
    --------
    An even image is found again from a part of its lines.

    >>> import numpy as np
    >>> from processing.reconstruction.compressed_sensing import compressed_sensing
    >>> image = np.zeros((32, 32), complex)
    >>> image[8:24, 8:24] = 1
    >>> sampled = np.arange(32) % 3 != 1
    >>> lines = np.fft.fft(image, axis=0, norm="ortho") * sampled[:, None]
    >>> found = compressed_sensing(lines, sampled, wavelet_weight=0, variation_weight=0.01, imaginary_weight=0.03)
    >>> zero_filled = np.fft.ifft(lines, axis=0, norm="ortho")
    >>> bool(np.abs(found - image).mean() < 0.5 * np.abs(zero_filled - image).mean())
    True
    """
    measured = np.where(sampled[:, None], lines, 0).astype(np.complex64)
    turn = phase_of_middle(measured, sampled)
    back = turn.conj()
    image = point = fft.ifft(measured, axis=0, norm="ortho") * back
    prior = _Prior(image.shape, wavelet_weight, variation_weight, imaginary_weight)
    momentum = accumulate(repeat(None, iterations), lambda t, _: (1 + math.sqrt(1 + 4 * t * t)) / 2, initial=1.0)
    for now, following in pairwise(momentum):
        wrong = fft.fft(point * turn, axis=0, norm="ortho") * sampled[:, None] - measured
        found = prior.proximal(point - fft.ifft(wrong, axis=0, norm="ortho") * back)
        point = found + (now - 1) / following * (found - image)
        image = found
    return image * turn


def phase_of_middle(lines: Array, sampled: Array) -> Array:
    """Complex numbers of length 1 with the phase of the image that the unbroken run of sampled lines around zero
    frequency gives, under a Hann window; as the cascade's. Arguments as of `compressed_sensing`."""
    runs = (sampled, np.roll(sampled, -1)[::-1])  # the second: from zero frequency downwards
    reach = max(min(np.cumprod(run).sum() for run in runs), 1)
    frequency = np.abs(np.fft.fftfreq(len(sampled), 1 / len(sampled)))
    window = np.cos(np.pi / 2 * np.minimum(frequency / reach, 1)) ** 2
    low = fft.ifft(lines * window[:, None], axis=0, norm="ortho")
    size = np.abs(low)
    return np.where(size > 0, low / np.maximum(size, 1e-12), 1).astype(np.complex64)


class _Prior:
    """Weighted magnitudes of wavelet details, total variation and squares of the imaginary part. Keeps the dual
    variables, one per difference and per detail, none longer than its weight."""

    def __init__(
        self, shape: tuple[int, ...], wavelet_weight: float, variation_weight: float, imaginary_weight: float
    ) -> None:
        self._wavelets = _Wavelets(shape)
        self._kept = np.complex64(1j / (1 + imaginary_weight))
        self._wavelet_weight, self._variation_weight = wavelet_weight, variation_weight
        self._of_slopes: Array = np.zeros((2, *shape), np.complex64)
        self._of_details = self._wavelets.details(np.zeros(shape, np.complex64))
        self._bound = 8.0 * (variation_weight > 0) + 1.0 * (wavelet_weight > 0)  # largest eigenvalue of both operators

    def proximal(self, image: Array) -> Array:
        """The image that is less by all terms."""
        for _ in range(_DUAL_STEPS if self._bound else 0):
            found = self._less(image)
            if self._variation_weight > 0:
                dual: Array = self._of_slopes + _slopes(found) / self._bound
                size = np.sqrt((np.abs(dual) ** 2).sum(axis=0))
                self._of_slopes = dual / np.maximum(1, size / self._variation_weight)
            if self._wavelet_weight > 0:
                dual = self._of_details + self._wavelets.details(found) / self._bound
                self._of_details = dual / np.maximum(1, np.abs(dual) / self._wavelet_weight)
        return self._less(image)

    def _less(self, image: Array) -> Array:
        if self._variation_weight > 0:
            image = image - _adjoint(self._of_slopes)
        if self._wavelet_weight > 0:
            image = image - self._wavelets.image(self._of_details)
        return image.real + self._kept * image.imag


class _Wavelets:
    """Wavelet details of images of one shape, as one array with zeros in the place of the coarsest image."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._levels = max(1, min(_LEVELS, pywt.dwt_max_level(min(shape), _WAVELET)))
        self._missing = [(0, -n % 2**self._levels) for n in shape]  # to what can be halved so often

    def details(self, image: Array) -> Array:
        parts = pywt.wavedec2(np.pad(image, self._missing), _WAVELET, _MODE, level=self._levels)
        parts[0] = np.zeros_like(parts[0])
        found, self._places = pywt.coeffs_to_array(parts)
        return found

    def image(self, details: Array) -> Array:
        """Adjoint of `details`."""
        parts = pywt.array_to_coeffs(details, self._places, output_format="wavedec2")
        rows, columns = self._shape
        return pywt.waverec2(parts, _WAVELET, _MODE)[:rows, :columns]


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
