"""Noise of magnitude MR images: simulate it, estimate it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from processing.volume import Array

_RAYLEIGH_RATIO = np.sqrt(np.pi / (4 - np.pi))  # mean / standard deviation of a Rayleigh variable: 1.913
_WINDOW = 7  # pixels; side of the window of the local statistics


@dataclass(frozen=True)
class NoiseEstimate:
    """sigma: standard deviation of the Gaussian noise per channel, in image units.

    method: how it was found, for reports.
    """

    sigma: float
    method: str


def add_complex_noise(
    clean: Array, sigma: float, rng: np.random.Generator, *, keep: tuple[float, float] = (1.0, 1.0)
) -> tuple[Array, Array]:
    """Magnitude image of `clean` (rows, columns) with Gaussian noise in both channels, hence Rician.

    sigma: standard deviation per channel in the image, in the units of `clean`. keep: share of k-space
    that is acquired along rows and columns, the rest zero-filled as scanners do when they interpolate;
    noise and truth are then both band-limited. Returns (noisy, truth), float32.
    """
    noise = rng.standard_normal((2, *clean.shape), dtype=np.float32)
    if keep == (1.0, 1.0):
        noisy = np.hypot(clean + sigma * noise[0], sigma * noise[1])
        return noisy.astype(np.float32), np.ascontiguousarray(clean, dtype=np.float32)
    mask = np.outer(*(np.abs(np.fft.fftfreq(n)) <= k / 2 for n, k in zip(clean.shape, keep, strict=True)))
    truth = np.fft.ifft2(np.fft.fft2(clean) * mask)
    # Scaled so that what the mask leaves has the wanted standard deviation.
    field = np.fft.ifft2(np.fft.fft2(noise[0] + 1j * noise[1]) * mask) / np.sqrt(mask.mean())
    return np.abs(truth + sigma * field).astype(np.float32), np.abs(truth).astype(np.float32)


def estimate_noise(array: Array) -> NoiseEstimate:
    """Estimate the noise of a series, shape (slices, rows, columns), magnitude, any units.

    Air: windows of 7 × 7 pixels whose mean is about 1.91 times their standard deviation, as in Rayleigh
    noise (Gudbjartsson & Patz 1995); sigma = sqrt(mean of squares / 2) there. Zeroed backgrounds and
    sum-of-squares coil combinations do not look like this, tissue does not either, so they drop out.
    Tissue: median absolute second difference (Immerkær 1996, Donoho's MAD) of pixels well above the noise.
    Texture makes it too large, interpolation by the scanner too small; over every second pixel it is too
    large in both cases, an upper bound. The estimate is the air's if at least 1 % of the pixels are such
    air and it keeps to the bound; else the tissue's. It is also the tissue's if that is smaller and the two
    distances agree (within 40 %), that is, without interpolation: then the "air" was faint tissue. Constant
    images have 0.
    """
    slices = array[_chosen_slices(array)]
    bright = float(np.percentile(slices, 99.9))
    air, share = _air(slices, bright)
    near, bound = _tissue(slices, bright, step=1), _tissue(slices, bright, step=2)
    if share >= 0.01 and air <= bound and (air <= 1.1 * near or near < 0.6 * bound):
        return NoiseEstimate(air, "Rayleigh distribution of the air")
    return NoiseEstimate(near, "second differences in tissue")


def _chosen_slices(array: Array) -> Array:
    """At most nine slices, evenly spread: enough for a stable median, in bounded time and memory."""
    return np.unique(np.linspace(0, len(array) - 1, 9).round().astype(int))


def _air(slices: Array, bright: float) -> tuple[float, float]:
    """Noise from windows that look like Rayleigh noise, and their share of all pixels."""
    size = (1, _WINDOW, _WINDOW)
    mean = ndimage.uniform_filter(slices, size)
    square = ndimage.uniform_filter(slices**2, size)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    # 49 pixels: the ratio of a true Rayleigh window scatters by about 10 %.
    alike = (deviation > 0) & (np.abs(mean / np.where(deviation > 0, deviation, 1) / _RAYLEIGH_RATIO - 1) < 0.2)
    alike &= mean < 0.3 * bright
    if not alike.any():
        return 0.0, 0.0
    sigmas = np.sqrt(square[alike] / 2)
    # Edges of tissue and tissue barely above the noise pass too, with larger values: take the lowest peak.
    step = 0.04
    logs = np.log(sigmas)
    counts = np.bincount(((logs - logs.min()) / step).astype(int)).astype(float)
    counts = ndimage.gaussian_filter1d(counts, 2, mode="constant")
    higher = np.concatenate([counts[1:], [0.0]])
    peak = int(np.flatnonzero((counts >= 0.3 * counts.max()) & (counts >= higher))[0])
    centre = logs.min() + (peak + 0.5) * step
    near = sigmas[np.abs(logs - centre) < 0.2]
    return float(np.sqrt(np.mean(near**2))), near.size / slices.size


def _tissue(slices: Array, bright: float, *, step: int) -> float:
    """Noise from the mixed second difference over `step` pixels, in pixels far above the noise."""
    kernel = np.outer([1, -2, 1], [1, -2, 1]) / 6.0  # unit variance for white noise of unit variance
    if min(slices.shape[1:]) < 2 * step + 1:
        return 0.0
    wide = np.zeros((1, 2 * step + 1, 2 * step + 1))
    wide[0, ::step, ::step] = kernel
    inner = (slice(None), slice(step, -step), slice(step, -step))
    difference = np.abs(ndimage.correlate(slices, wide))[inner]
    mean = ndimage.uniform_filter(slices, (1, 3, 3))[inner]
    floor, sigma = 0.1 * bright, 0.0
    for _ in range(3):  # the threshold needs the noise, the noise the threshold
        tissue = mean > max(floor, 4 * sigma)
        if not tissue.any():
            break
        sigma = float(np.median(difference[tissue]) / 0.6745)
    return sigma
