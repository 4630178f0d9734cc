"""SSIM and MS-SSIM of slices and volumes, as scikit-image defines SSIM with Wang's settings, but fast.

With u = x + y and v = x - y, SSIM needs four Gaussian means only, those of u, v, u² and v²:

    luminance = (mean(u)² + 2 C1 - mean(v)²) / (mean(u)² + 2 C1 + mean(v)²)
    structure = (var(u) + 2 C2 - var(v)) / (var(u) + 2 C2 + var(v))

and float32 errs least where the images agree. Each mean is two products with a banded matrix, a few rows or columns
at a time, which is what a BLAS does best; strips of rows stay in the processor's cache, slices are shared out over
threads. Nothing is compiled at run time and nothing outlives a call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from processing.errors import InputError

Array = np.ndarray
Result = TypeVar("Result")

SIGMA = 1.5
RADIUS = 5  # 11 × 11 window: σ 1.5 cut off at 3.5 σ
K1, K2 = 0.01, 0.03
# Wang, Simoncelli & Bovik 2003, finest scale first.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST_MS_SSIM = RADIUS * 2 * 2 ** (len(SCALE_WEIGHTS) - 1)  # 160 pixels; the image must be larger

_STRIP = 256  # rows at a time: few enough for the cache, enough that threads seldom wait for the interpreter
_DOWN, _ACROSS = 6, 16  # rows and columns that one product yields; about the fastest of 6 to 64
_SAFE = 2.0  # means beyond this multiple of the range are computed in float64: squares lose too much in float32


def ssim(reference: Array, test: Array, *, data_range: float, threads: int | None = None) -> float | None:
    """Mean SSIM over the slices of two volumes, shape (slices, rows, columns), or of two slices (rows, columns).

    Of each slice the mean without the 5-pixel border, to 1e-6 what scikit-image's structural_similarity gives with
    gaussian_weights=True, sigma=1.5, use_sample_covariance=False. data_range: in image units. threads: by default as
    many as the process has cores. None if no pixel lies inside the border or the range is not positive. Raises
    InputError if the shapes differ.
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
    """Structural similarity at each pixel of one slice (rows, columns), float64.

    As scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True),
    edges mirrored. NaN everywhere if the range is not positive.
    """
    if not data_range > 0:
        return np.full(reference.shape, np.nan)
    padded = [np.pad(image.astype(np.float64), RADIUS, mode="symmetric") for image in (reference, test)]
    return Bench(np.float64).map(padded[0], padded[1], data_range)


def ms_ssim(reference: Array, test: Array, *, data_range: float) -> float | None:
    """Multi-scale SSIM of one slice (rows, columns): Wang, Simoncelli & Bovik 2003, scales by 2 × 2 means, float64.

    Negative terms count as 0. None if a side has under 161 pixels or the range is not positive.
    """
    if min(reference.shape) <= SMALLEST_MS_SSIM or not data_range > 0:
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
    """Computes one slice after the other in the same memory; one per thread. Sides over 10 pixels, range positive.

    dtype: of the computation. In float32, slices whose means lie far beyond the range are computed in float64.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.places: dict[tuple[int, ...], _Place] = {}

    def mean(self, reference: Array, test: Array, data_range: float) -> float:
        """Mean SSIM of a slice (rows, columns) without its border of 5 pixels."""
        return self._computed(*self._ready(reference, test), data_range, structure=False, keep=False).mean_ssim

    def map(self, reference: Array, test: Array, data_range: float) -> Array:
        """SSIM at each pixel of a slice (rows, columns) without its border of 5 pixels; valid until the next call."""
        return self._computed(*self._ready(reference, test), data_range, structure=False).ssim

    def both(self, reference: Array, test: Array, data_range: float) -> tuple[Array, float, float | None]:
        """`map`, `mean` and MS-SSIM, the finest scale computed once. MS-SSIM is None if a side has under 161 pixels."""
        x, y = self._ready(reference, test)
        finest = self._computed(x, y, data_range)
        ssim, product = finest.mean_ssim, max(finest.mean_structure, 0.0) ** SCALE_WEIGHTS[0]
        if min(x.shape) <= SMALLEST_MS_SSIM:
            return finest.ssim, ssim, None
        for n, weight in enumerate(SCALE_WEIGHTS[1:], start=1):
            x, y = _halved(x), _halved(y)
            place = self._computed(x, y, data_range, keep=False)
            term = place.mean_ssim if n == len(SCALE_WEIGHTS) - 1 else place.mean_structure
            product *= max(term, 0.0) ** weight
        return finest.ssim, ssim, float(product)

    def _ready(self, reference: Array, test: Array) -> tuple[Array, Array]:
        return np.ascontiguousarray(reference, self.dtype), np.ascontiguousarray(test, self.dtype)

    def _computed(self, x: Array, y: Array, data_range: float, *, structure: bool = True, keep: bool = True) -> _Place:
        if x.shape not in self.places:
            self.places[x.shape] = _Place(x.shape, self.dtype)
        place = self.places[x.shape]
        with np.errstate(over="ignore", invalid="ignore"):
            place.compute(x, y, data_range, structure=structure, keep=keep)
        if self.dtype == np.float32 and not place.largest <= (_SAFE * data_range) ** 2:
            precise = Bench(np.float64)
            return precise._computed(*precise._ready(x, y), data_range, structure=structure, keep=keep)
        return place


class _Place:
    """Working memory for slices of one shape, and what was found of the last: SSIM without the border, the means of
    SSIM and of its second factor there, the largest squared mean (not a number where squares overflowed).

    Rows and columns are filled up with zeros to whole blocks of products; what comes of them is left out.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.rows, self.columns = (n - 2 * RADIUS for n in shape)
        self.strips = -(-self.rows // _STRIP)
        self.height = _whole(-(-self.rows // self.strips), _DOWN)
        width = _whole(self.columns, _ACROSS)
        self.sources = _zeros((4, self.height + 2 * RADIUS, shape[1]), dtype)
        half = _zeros((self.height, width + 2 * RADIUS), dtype)
        self.means = _zeros((4, self.height, width), dtype)
        self.spare = _zeros((self.height, width), dtype)
        self.whole: Array | None = None
        self.mean_ssim = self.mean_structure = self.largest = 0.0
        down, across = _band(_DOWN, dtype), np.ascontiguousarray(_band(_ACROSS, dtype).T)
        self.products: list[tuple[Array, Array, Array]] = []
        for source, target in zip(self.sources, self.means, strict=True):
            self.products += [
                (down, _row_blocks(source, wide=True), _row_blocks(half[:, : shape[1]], wide=False)),
                (_column_blocks(half, wide=True), across, _column_blocks(target, wide=False)),
            ]

    @property
    def ssim(self) -> Array:
        """(rows, columns) without the border; kept only if it was asked for."""
        if self.whole is None:
            self.whole = _zeros((max(self.rows, self.height), self.means.shape[2]), self.means.dtype)
        return self.whole[: self.rows, : self.columns]

    def compute(self, x: Array, y: Array, data_range: float, *, structure: bool, keep: bool) -> None:
        """structure: whether its mean is wanted; keep: whether the map is."""
        c1, c2 = (x.dtype.type(2 * (k * data_range) ** 2) for k in (K1, K2))
        filled = min(self.height + 2 * RADIUS, len(x))
        u, v = self.sources[:2, :filled]
        mean_u, mean_v, var_u, var_v = self.means
        squares, variances = self.means[:2], self.means[2:]
        largest = sum_ssim = sum_structure = 0.0
        for strip in range(self.strips):
            start = max(min(strip * self.height, self.rows - self.height), 0)
            here, seen = slice(start, start + filled), strip * self.height - start
            np.add(x[here], y[here], out=u)
            np.subtract(x[here], y[here], out=v)
            np.multiply(self.sources[:2], self.sources[:2], out=self.sources[2:])
            for a, b, out in self.products:
                np.matmul(a, b, out=out)
            squares *= squares
            variances -= squares
            var_u += c2
            np.subtract(var_u, var_v, out=self.spare)
            var_u += var_v
            mean_u += c1
            np.subtract(mean_u, mean_v, out=var_v)
            mean_u += mean_v
            largest = np.maximum(largest, mean_u.max())
            if structure:
                np.divide(self.spare, var_u, out=mean_v)
                sum_structure += self._sum(mean_v, seen)
            self.spare *= var_v
            var_u *= mean_u
            self.spare /= var_u
            sum_ssim += self._sum(self.spare, seen)
            if keep:
                there = self.ssim[start : start + self.height]
                there[:] = self.spare[: len(there), : self.columns]
        self.mean_ssim = sum_ssim / (self.rows * self.columns)
        self.mean_structure = sum_structure / (self.rows * self.columns)
        self.largest = float(largest) / 4  # of the sum of (x mean)² + (y mean)² twice, and 2 C1

    def _sum(self, found: Array, seen: int) -> float:
        """Over the rows of a strip that none before it had: each row in its own precision, their sums in float64."""
        fresh = found[seen : self.rows, : self.columns]
        return float(np.einsum("ij->i", fresh).sum(dtype=np.float64))


def _whole(n: int, block: int) -> int:
    return -(-n // block) * block


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Zeros that begin at a cache line."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def _band(outputs: int, dtype: np.dtype) -> Array:
    """Gaussian weights of so many neighbouring outputs, shape (outputs, outputs + 10).

    In float32 on a grid on which they add up to exactly 1: else every variance has the same small error.
    """
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    weights /= weights.sum()
    if dtype == np.float32:
        weights = np.round(weights * 2**25) / 2**25
        weights[RADIUS] += 1 - weights.sum()
    band = np.zeros((outputs, outputs + 2 * RADIUS))
    for n in range(outputs):
        band[n, n : n + 2 * RADIUS + 1] = weights
    return band.astype(dtype)


def _row_blocks(image: Array, *, wide: bool) -> Array:
    """Blocks of rows (blocks, rows of one, columns); wide: each with the 10 rows that follow."""
    extra = 2 * RADIUS if wide else 0
    count = (len(image) - extra) // _DOWN
    return as_strided(image, (count, _DOWN + extra, image.shape[1]), (_DOWN * image.strides[0], *image.strides))


def _column_blocks(image: Array, *, wide: bool) -> Array:
    """Blocks of columns (blocks, rows, columns of one); wide: each with the 10 columns that follow."""
    extra = 2 * RADIUS if wide else 0
    count = (image.shape[1] - extra) // _ACROSS
    return as_strided(image, (count, len(image), _ACROSS + extra), (_ACROSS * image.strides[1], *image.strides))


def _halved(image: Array) -> Array:
    """Means of 2 × 2 pixels; an odd last row or column is left out."""
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    image = image[:rows, :columns]
    pairs = image[::2] + image[1::2]
    return np.ascontiguousarray((pairs[:, ::2] + pairs[:, 1::2]) * image.dtype.type(0.25))
