"""Noise of magnitude MR images: simulate it, estimate it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import ndimage

from processing.acquired import in_acquired_matrix
from processing.percentile import high_percentile
from processing.volume import Array

_RAYLEIGH_RATIO = np.sqrt(np.pi / (4 - np.pi))  # mean / standard deviation of a Rayleigh variable: 1.913
_WINDOW = 7  # pixels; side of the window of the local statistics
_STEPS = (1, 2)  # pixels; distances of the second differences
_APART = 3  # pixels; where neighbours were interpolated from each other, up to twice as fine
_BOX, _REACH = 5, 3  # pixels; side of the windows whose means tell the slope, and how far off they lie
_FLAT = 0.3  # of the tissue: the share with the least slope, where anatomy adds least to the noise
_WHITE = 0.97  # least ratio of second differences to standard deviation in air where nothing was interpolated
_NEAR = 0.85  # of the noise in air: faint tissue makes it no larger
_FLOOR = 0.1  # of the brightest: below, no pixel counts as tissue
_LOOKED_AT = 150_000  # pixels at least, in rows evenly spread over the chosen slices
_ENOUGH = 15_000  # flat pixels, if there are as many: their median has a standard error of 1 %
_AIR, _SURE = 0.01, 0.05  # of the windows: least share of air that counts, and against the word of the tissue
_DARK, _AROUND = 0.5, 1.4  # of the brightest: the most that air can be; of its mean: up to which a mean is of air
_INTERPOLATED = 0.22  # of the bound: less is found only where pixels were interpolated


@dataclass(frozen=True)
class NoiseEstimate:
    """sigma: standard deviation of the Gaussian noise per channel, in image units.

    method: how it was found, for reports. is_bound: sigma is only a bound, of interpolated pixels.
    """

    sigma: float
    method: str
    is_bound: bool = False


def add_complex_noise(
    clean: Array, sigma: float, rng: np.random.Generator, *, keep: tuple[float, float] = (1.0, 1.0)
) -> tuple[Array, Array]:
    """Magnitude image with Gaussian noise in both channels, hence Rician.

    Parameters
    ----------
    clean : ndarray, shape (rows, columns)
        Magnitude, any units.
    sigma : float
        Standard deviation per channel in the image, in the units of ``clean``.
    rng : numpy.random.Generator
        Source of the noise.
    keep : tuple of float, default (1.0, 1.0)
        Share of k-space that is acquired along rows and columns, the rest zero-filled as scanners do when they
        interpolate; noise and truth are then both band-limited.

    Returns
    -------
    noisy : ndarray of float32, shape (rows, columns)
        The image with noise.
    truth : ndarray of float32, shape (rows, columns)
        The same without.

    Notes
    -----
    With ``keep`` the noise is scaled so that what is left has the wanted standard deviation.

    Examples
    --------
    In air the mean is σ√(π/2).

    >>> import numpy as np
    >>> from processing.noise import add_complex_noise
    >>> noisy, truth = add_complex_noise(np.zeros((200, 200)), 4.0, np.random.default_rng(0))
    >>> round(float(noisy.mean() / np.sqrt(np.pi / 2)), 1), float(truth.max())
    (4.0, 0.0)
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
    """Estimate the noise of a series.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Magnitude, any units.

    Returns
    -------
    NoiseEstimate
        ``sigma``, standard deviation per channel in image units, and ``method``, how it was found. Constant images have
        0.

    Notes
    -----
    Air: windows of 7 × 7 pixels whose mean is about 1.91 times their standard deviation, as in Rayleigh noise
    (Gudbjartsson & Patz); sigma = sqrt(mean of squares / 2) there. Zeroed backgrounds and sum-of-squares coil
    combinations do not look like this, tissue does not either, so they drop out.

    Tissue: median absolute second difference (Immerkær, Donoho's MAD) of pixels well above the noise, of those 30 %
    around which the means of windows change least, which tells where anatomy is flat without looking at the noise.
    What texture is left makes it too large, interpolation by the scanner too small; over every second pixel it is too
    large in both cases, an upper bound. Pixels like the darkest of the windows are left out, which are the air of
    sum-of-squares coil combinations. Where k-space is seen to have been zero-filled, what was acquired of it is looked
    at; where second differences are less than 0.22 of the bound but no end of k-space is seen, pixels were made of
    their neighbours, and those over every third pixel are the estimate: a bound, as texture makes it too large.

    The estimate is the air's if at least 1 % of the pixels are such air and it keeps to the bound; else the tissue's.
    It is also the tissue's if that is smaller, by up to 15 %, and second differences in the "air" are as large as its
    standard deviation says, that is, nothing was interpolated, or if less than 5 % are such: then it was faint tissue.
    The thresholds were chosen on volumes of the training of `denoise`.

    References
    ----------
    Gudbjartsson & Patz 1995; Immerkær 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.noise import add_complex_noise, estimate_noise
    >>> clean = np.zeros((128, 128))
    >>> clean[32:96, 32:96] = 200
    >>> noisy = add_complex_noise(clean, 4.0, np.random.default_rng(0))[0]
    >>> found = estimate_noise(noisy[None])
    >>> round(found.sigma), found.method
    (4, 'second differences in tissue')
    """
    slices = array[_chosen_slices(array)]
    bright, every = high_percentile(slices, 99.9), max(1, slices.size // _LOOKED_AT)
    found = [_statistics(slice_, bright, every) for slice_ in slices]
    air, share, roughness = _air(
        np.concatenate([one.air for one in found], axis=1), sum(one.means.size for one in found)
    )
    dark = _AROUND * _darkest(np.concatenate([one.means for one in found]), bright)
    near, bound = (_tissue([one.tissue[[step, -2, -1]] for one in found], bright, dark) for step in range(len(_STEPS)))
    faint_tissue = share < _SURE or (near > _NEAR * air and roughness >= _WHITE)
    if share >= _AIR and air <= bound and (air <= near or not faint_tissue):
        return NoiseEstimate(air, "Rayleigh distribution of the air")
    acquired = in_acquired_matrix(slices)
    if acquired.shape != slices.shape:
        every = max(1, acquired.size // _LOOKED_AT)
        parts = [_differences(slice_, bright, every)[[0, -2, -1]] for slice_ in acquired]
        # Lines that hold nothing make the whole quieter than what was acquired; texture that repeats does not.
        if (sigma := _tissue(parts, bright, dark)) > near:
            return NoiseEstimate(sigma, "second differences in tissue, without zero-filled lines")
    if near < _INTERPOLATED * bound:
        apart = [_differences(slice_, bright, every, (_APART,))[[0, -2, -1]] for slice_ in slices]
        sigma = max(bound, _tissue(apart, bright, dark))
        return NoiseEstimate(sigma, "second differences of every third pixel, as an upper bound", is_bound=True)
    return NoiseEstimate(near, "second differences in tissue")


def _chosen_slices(array: Array) -> Array:
    """At most nine slices, evenly spread: enough for a stable median, in bounded time and memory."""
    return np.unique(np.linspace(0, len(array) - 1, 9).round().astype(int))


@dataclass(frozen=True)
class _Statistics:
    """What one slice tells. means: of the windows that were looked at. air: of each like Rayleigh noise sigma,
    standard deviation and the absolute second difference in its middle, shape (3, windows).
    tissue: per pixel well above the air the absolute second difference over each step, the slope and the mean around,
    shape (steps + 2, pixels)."""

    means: Array
    air: Array
    tissue: Array


def _statistics(slice_: Array, bright: float, every: int) -> _Statistics:
    """every: of so many rows one is looked at."""
    slice_ = slice_.astype(np.float32)
    mean, square = _means(slice_, _WINDOW, every), _means(slice_**2, _WINDOW, every)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    # 49 pixels: the ratio of a true Rayleigh window scatters by about 10 %.
    low, high = 0.8 * _RAYLEIGH_RATIO, 1.2 * _RAYLEIGH_RATIO
    alike = (mean > low * deviation) & (mean < high * deviation) & (mean < 0.3 * bright)
    border = _WINDOW // 2 - 1
    rough = np.abs(_second(slice_[border:-border, border:-border], 1, every)) if mean.size else mean
    air = np.stack([np.sqrt(square[alike] / 2), deviation[alike], rough[alike]])
    return _Statistics(mean.ravel(), air, _differences(slice_, bright, every))


def _means(image: Array, side: int, every: int) -> Array:
    """Of the square windows inside the image, at one of `every` rows. Shifted adds are faster than a filter."""
    rows, columns = (max(n - side + 1, 0) for n in image.shape)
    down = reduce(np.add, (image[k : k + rows : every] for k in range(side)))
    return reduce(np.add, (down[:, k : k + columns] for k in range(side))) / side**2


def _differences(slice_: Array, bright: float, every: int, steps: Sequence[int] = _STEPS) -> Array:
    """Absolute second differences over each step, slope and mean around of the tissue's pixels."""
    border = _REACH + _BOX // 2
    rows, columns = (n - 2 * border for n in slice_.shape)
    if min(rows, columns) < 1:
        return np.empty((len(steps) + 2, 0), np.float32)

    def moved(down: int, right: int, side: int) -> Array:
        """Means of the windows around the pixels that lie so far off."""
        top, left = border + down - side // 2, border + right - side // 2
        return _means(slice_[top : top + rows + side - 1, left : left + columns + side - 1], side, every)

    found = [
        np.abs(_second(slice_[border - step : step - border, border - step : step - border], step, every))
        for step in steps
    ]
    slope = np.hypot(moved(_REACH, 0, _BOX) - moved(-_REACH, 0, _BOX), moved(0, _REACH, _BOX) - moved(0, -_REACH, _BOX))
    mean = moved(0, 0, 3)
    tissue = mean > _FLOOR * bright
    return np.stack([part[tissue] for part in (*found, slope, mean)])


def _second(image: Array, step: int, every: int) -> Array:
    """Mixed second differences of all but `step` pixels at the borders, at one of `every` rows, scaled to unit variance
    for white noise of unit variance."""
    rows = image[: -2 * step : every] - 2 * image[step:-step:every] + image[2 * step :: every]
    return (rows[:, : -2 * step] - 2 * rows[:, step:-step] + rows[:, 2 * step :]) / 6


def _air(found: Array, windows: int) -> tuple[float, float, float]:
    """Noise from windows that look like Rayleigh noise, their share of all windows, and how large second differences
    are there: 1 for white noise, less for interpolated noise."""
    sigmas, deviations, rough = found
    if not sigmas.size:
        return 0.0, 0.0, 0.0
    # Edges of tissue and tissue barely above the noise pass too, with larger values: take the lowest peak.
    step = 0.04
    logs = np.log(sigmas)
    counts = np.bincount(((logs - logs.min()) / step).astype(int)).astype(float)
    counts = ndimage.gaussian_filter1d(counts, 2, mode="constant")
    higher = np.concatenate([counts[1:], [0.0]])
    peak = int(np.flatnonzero((counts >= 0.3 * counts.max()) & (counts >= higher))[0])
    centre = logs.min() + (peak + 0.5) * step
    near = np.abs(logs - centre) < 0.2
    roughness = _from_median(rough[near]) / max(float(np.median(deviations[near])), 1e-30)
    return float(np.sqrt(np.mean(sigmas[near] ** 2))), float(near.sum()) / windows, roughness


def _darkest(means: Array, bright: float) -> float:
    """The lowest value about which the means of windows crowd: of the air, whatever its distribution; 0 where it was
    zeroed, or where so much is dark that it can be anything."""
    if not means.size or not bright:
        return 0.0
    counts, edges = np.histogram(means, 200, (0, bright))
    counts = ndimage.gaussian_filter1d(counts.astype(float), 1, mode="constant")
    higher = np.append(counts[1:], 0.0)
    peak = int(np.flatnonzero((counts >= 0.3 * counts.max()) & (counts >= higher))[0]) if counts.max() else 0
    return float(edges[peak]) if 0 < edges[peak] < _DARK * bright else 0.0


def _tissue(found: Sequence[Array], bright: float, dark: float) -> float:
    """Noise from second differences, in flat pixels far above the noise and brighter than `dark`, if there are any."""
    difference, slope, mean = np.concatenate(found, axis=1)
    if (mean > dark).any():
        difference, slope, mean = (part[mean > dark] for part in (difference, slope, mean))
    sigma = _from_median(difference)
    for _ in range(3):  # the threshold needs the noise, the noise the threshold
        tissue = mean > max(_FLOOR * bright, 4 * sigma)
        if not tissue.any():
            break
        share = float(np.clip(_ENOUGH / np.count_nonzero(tissue), _FLAT, 1))
        flat = tissue & (slope <= np.quantile(slope[tissue], share))
        # A Rician variable far above the noise has the variance of the noise less a part of half the squared ratio.
        sigma = _from_median(difference[flat] * (1 + (sigma / mean[flat]) ** 2 / 4))
    return sigma


def _from_median(difference: Array) -> float:
    return float(np.median(difference) / 0.6745) if difference.size else 0.0
