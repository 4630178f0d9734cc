"""SSIM and MS-SSIM of slices and volumes, as scikit-image defines SSIM with Wang's settings, but fast.

With u = x + y and v = x - y, SSIM needs four Gaussian means only, those of u, v, u² and v²:

    luminance = (mean(u)² + 2 C1 - mean(v)²) / (mean(u)² + 2 C1 + mean(v)²)
    structure = (var(u) + 2 C2 - var(v)) / (var(u) + 2 C2 + var(v))

and float32 errs least where the images agree. One pass over the rows computes it all, in machine code that numba makes
when an SSIM is first asked for and keeps on disk; slices are shared out over threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from processing.errors import InputError

Array = np.ndarray
Result = TypeVar("Result")

SIGMA = 1.5
RADIUS = 5  # 11 × 11 window: σ 1.5 cut off at 3.5 σ
K1, K2 = 0.01, 0.03
# Wang, Simoncelli & Bovik 2003, finest scale first.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST_MS_SSIM = (2 * RADIUS + 1) * 2 ** (len(SCALE_WEIGHTS) - 1)  # 176 pixels: 11 are left at the coarsest scale

_SAFE = 2.0  # means beyond this multiple of the range are computed in float64: squares lose too much in float32


def ssim(reference: Array, test: Array, *, data_range: float, threads: int | None = None) -> float | None:
    """Mean SSIM over the slices of two volumes, or of two slices.

    Parameters
    ----------
    reference, test : ndarray, shape (slices, rows, columns) or (rows, columns)
        Intensities of one shape.
    data_range : float
        In image units, above 0.
    threads : int, optional
        By default as many as the process has cores.

    Returns
    -------
    float or None
        −1 to 1; None if no pixel lies inside the border or the range is not positive.

    Raises
    ------
    InputError
        If the shapes differ.

    Notes
    -----
    Gaussian weights, σ 1.5 (11 × 11), population covariance, K1 0.01, K2 0.03. Of each slice the mean without the
    5-pixel border, to 1e-6 what scikit-image's structural_similarity gives with gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False.

    References
    ----------
    Wang et al. 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.structural_similarity import ssim
    >>> image = np.random.default_rng(0).uniform(0, 100, (2, 32, 32))
    >>> round(ssim(image, image, data_range=100), 6), round(ssim(image, 100 - image, data_range=100), 1)
    (1.0, -1.0)
    """
    if reference.shape != test.shape or reference.ndim not in (2, 3):
        raise InputError("SSIM needs two slices or two volumes of the same shape.")
    if min(reference.shape[-2:]) <= 2 * RADIUS or not data_range > 0:
        return None
    x, y = (array.reshape(-1, *array.shape[-2:]) for array in (reference, test))

    def worker() -> Callable[[int], float]:
        bench = Bench()
        return lambda place: bench.mean(x[place], y[place], data_range)

    return float(np.mean(over_slices(worker, len(x), threads=threads)))


def ssim_map(reference: Array, test: Array, *, data_range: float) -> Array:
    """Structural similarity at each pixel of one slice.

    Parameters
    ----------
    reference, test : ndarray, shape (rows, columns)
        Intensities of one shape.
    data_range : float
        In image units, above 0.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        −1 to 1; NaN everywhere if the range is not positive.

    Notes
    -----
    As scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True),
    edges mirrored.

    References
    ----------
    Wang et al. 2004.

    Examples
    --------
    Two even slices: (2·50·60 + 1)/(50² + 60² + 1), with K1 0.01 and a range of 100.

    >>> import numpy as np
    >>> from processing.metrics.structural_similarity import ssim_map
    >>> found = ssim_map(np.full((16, 16), 50.0), np.full((16, 16), 60.0), data_range=100)
    >>> found.shape, round(float(found[8, 8]), 4), round(6001 / 6101, 4)
    ((16, 16), 0.9836, 0.9836)
    """
    if not data_range > 0:
        return np.full(reference.shape, np.nan)
    padded = [np.pad(image.astype(np.float64), RADIUS, mode="symmetric") for image in (reference, test)]
    return Bench(np.float64).map(padded[0], padded[1], data_range)


def ms_ssim(reference: Array, test: Array, *, data_range: float) -> float | None:
    """Multi-scale SSIM of one slice.

    Parameters
    ----------
    reference, test : ndarray, shape (rows, columns)
        Intensities of one shape.
    data_range : float
        In image units, above 0.

    Returns
    -------
    float or None
        0 to 1; None if a side has under 176 pixels or the range is not positive.

    Notes
    -----
    Five scales by 2 × 2 means, float64. Negative terms count as 0.

    References
    ----------
    Wang, Simoncelli & Bovik 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.structural_similarity import ms_ssim
    >>> image = np.random.default_rng(0).uniform(0, 100, (176, 176))
    >>> round(ms_ssim(image, image, data_range=100), 6), ms_ssim(image[:100], image[:100], data_range=100)
    (1.0, None)
    """
    if min(reference.shape) < SMALLEST_MS_SSIM or not data_range > 0:
        return None
    return Bench(np.float64).both(reference, test, data_range)[2]


def over_slices(
    worker: Callable[[], Callable[[int], Result]], count: int, *, threads: int | None = None
) -> list[Result]:
    """Results of places 0 to count − 1, in order. Each thread calls `worker` once for a function of its own and takes
    the next place when it is done with one. threads: by default as many as the process has cores."""
    places = iter(range(count))

    def run(_: int) -> list[tuple[int, Result]]:
        one = worker()
        return [(place, one(place)) for place in places]

    wanted = min(threads or len(os.sched_getaffinity(0)), count)
    if wanted <= 1:
        return [result for _, result in run(0)]
    with ThreadPoolExecutor(wanted) as pool:
        found = [pair for pairs in pool.map(run, range(wanted)) for pair in pairs]
    return [result for _, result in sorted(found, key=lambda pair: pair[0])]


class Bench:
    """Computes slice after slice in one precision. Sides over 10 pixels, range positive.

    dtype: of the computation. In float32, slices whose means lie far beyond the range are computed in float64.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)

    def mean(self, reference: Array, test: Array, data_range: float) -> float:
        """Mean SSIM of a slice (rows, columns) without its border of 5 pixels."""
        return self._computed(reference, test, data_range, keep=False)[1]

    def map(self, reference: Array, test: Array, data_range: float) -> Array:
        """SSIM at each pixel of a slice (rows, columns) without its border of 5 pixels."""
        return self._computed(reference, test, data_range)[0]

    def both(self, reference: Array, test: Array, data_range: float) -> tuple[Array, float, float | None]:
        """`map`, `mean` and MS-SSIM, the finest scale computed once. MS-SSIM is None if a side has under 176 pixels."""
        x, y = (np.asarray(image, self.dtype) for image in (reference, test))
        found, ssim, structure = self._computed(x, y, data_range)
        if min(x.shape) < SMALLEST_MS_SSIM:
            return found, ssim, None
        product = max(structure, 0.0) ** SCALE_WEIGHTS[0]
        for n, weight in enumerate(SCALE_WEIGHTS[1:], start=1):
            x, y = _halved(x), _halved(y)
            _, whole, structure = self._computed(x, y, data_range, keep=False)
            term = whole if n == len(SCALE_WEIGHTS) - 1 else structure
            product *= max(term, 0.0) ** weight
        return found, ssim, product

    def _computed(self, x: Array, y: Array, data_range: float, *, keep: bool = True) -> tuple[Array, float, float]:
        """The map (its last row only unless it is kept) and the means of SSIM and of its second factor."""
        if x.shape != y.shape or x.ndim != 2 or min(x.shape) <= 2 * RADIUS:
            raise InputError("SSIM needs two slices of the same shape, over 10 pixels each way.")
        x, y = (np.ascontiguousarray(image, self.dtype) for image in (x, y))
        rows, columns = (n - 2 * RADIUS for n in x.shape)
        found = np.empty((rows if keep else 1, columns), self.dtype)
        with np.errstate(over="ignore"):
            c1, c2, most = (self.dtype.type(2 * (k * data_range) ** 2) for k in (K1, K2, 2**0.5 * _SAFE))
        ssim, structure, unsafe = _compiled(self.dtype)(x, y, _weights(self.dtype), c1, c2, most, found)
        if self.dtype == np.float32 and (unsafe or not np.isfinite(ssim)):
            return Bench(np.float64)._computed(x, y, data_range, keep=keep)
        return found, ssim / (rows * columns), structure / (rows * columns)


def _similarity(
    x: Array, y: Array, weights: Array, c1: float, c2: float, most: float, found: Array
) -> tuple[float, float, bool]:
    """Sums of SSIM and of its second factor without the border, and whether mean(u)² + mean(v)² exceeds `most`.

    c1, c2: 2 C1 and 2 C2. found: takes SSIM without the border; if it has one row only, one row after the other.
    The loops over columns become vector instructions if they read and write few arrays each; hence several of them.
    """
    rows, columns = x.shape
    size = 2 * RADIUS + 1
    window = np.empty((size, 4 * columns), x.dtype)  # a row of x and y is one of u, v, u², v², side by side
    down, across = np.empty((2, 4 * columns), x.dtype)
    u, v = across[:columns], across[columns : 2 * columns]
    uu, vv = across[2 * columns : 3 * columns], across[3 * columns :]
    sums = np.zeros((2, columns - 2 * RADIUS))
    unsafe = False
    for row in range(rows):
        latest, x_row, y_row = window[row % size], x[row], y[row]
        added, subtracted, squares = latest[:columns], latest[columns : 2 * columns], latest[2 * columns :]
        for n in range(columns):
            added[n] = x_row[n] + y_row[n]
            subtracted[n] = x_row[n] - y_row[n]
        for n in range(2 * columns):
            squares[n] = latest[n] * latest[n]
        if row < size - 1:
            continue
        down[:] = 0
        for k in range(RADIUS + 1):
            weight, below, above = weights[k], window[(row - k) % size], window[(row + 1 + k) % size]
            for n in range(4 * columns):
                down[n] += weight * (above[n] + below[n])
        for n in range(4 * columns - 2 * RADIUS):
            mean = weights[0] * (down[n] + down[n + 2 * RADIUS])
            for k in range(1, RADIUS + 1):
                mean += weights[k] * (down[n + k] + down[n + 2 * RADIUS - k])
            across[n] = mean
        ssim = found[min(row - size + 1, len(found) - 1)]
        for n in range(columns - 2 * RADIUS):
            square_u, square_v = u[n] * u[n], v[n] * v[n]
            var_u, var_v = uu[n] - square_u + c2, vv[n] - square_v
            unsafe |= square_u + square_v > most
            uu[n] = (var_u - var_v) / (var_u + var_v)
            ssim[n] = (square_u + c1 - square_v) / (square_u + c1 + square_v) * uu[n]
        for n in range(columns - 2 * RADIUS):
            sums[0, n] += ssim[n]
            sums[1, n] += uu[n]
    return sums[0].sum(), sums[1].sum(), unsafe


@lru_cache
def _compiled(dtype: np.dtype) -> Callable[..., tuple[float, float, bool]]:
    """`_similarity` in machine code, kept on disk (by numba, next to this file or in the user's cache) if possible."""
    from numba import from_dtype, njit, types  # takes half a second

    number = from_dtype(dtype)
    image, weights = (types.Array(number, sides, "C", readonly=True) for sides in (2, 1))
    signature = (image, image, weights, number, number, number, types.Array(number, 2, "C"))
    # contract: a product and a sum may become one instruction; numpy: no exception where a loop divides by 0
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}
    try:
        return njit(signature, cache=True, **options)(_similarity)
    except (RuntimeError, OSError):  # no folder that can be written, or a full disk
        return njit(signature, **options)(_similarity)


@lru_cache
def _weights(dtype: np.dtype) -> Array:
    """Gaussian weights of the pairs of pixels 5, 4, … 0 away; half that of the centre, which is a pair with itself.

    In float32 on a grid on which they add up to exactly 1: else every variance has the same small error.
    """
    weights = np.exp(-0.5 * (np.arange(RADIUS, -1, -1) / SIGMA) ** 2)
    weights[-1] /= 2
    weights /= 2 * weights.sum()
    if dtype == np.float32:
        weights = np.round(weights * 2**25) / 2**25
        weights[-1] += 0.5 - weights.sum()
    return weights.astype(dtype)


def _halved(image: Array) -> Array:
    """Means of 2 × 2 pixels; an odd last row or column is left out."""
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    image = image[:rows, :columns]
    pairs = image[::2] + image[1::2]
    return np.ascontiguousarray((pairs[:, ::2] + pairs[:, 1::2]) * image.dtype.type(0.25))
