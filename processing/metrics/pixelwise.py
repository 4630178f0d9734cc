"""How far pixels of a test lie from those of a reference: MSE, NRMSE, L1, PSNR, SNR, CoC, EPI and difference maps."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from processing.errors import InputError

Array = np.ndarray


@dataclass(frozen=True)
class Sums:
    """What the metrics of a region need of its pixels; sums of two regions add up to those of both.

    n, x, y, xx, yy, xy: number of pixels, sums of reference and test, of their squares and of their product.
    squared, absolute: sums of (test − reference)² and |test − reference|.
    """

    n: float = 0
    x: float = 0
    y: float = 0
    xx: float = 0
    yy: float = 0
    xy: float = 0
    squared: float = 0
    absolute: float = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def mse(self) -> float | None:
        return self.squared / self.n if self.n else None

    @property
    def l1(self) -> float | None:
        return self.absolute / self.n if self.n else None

    @property
    def nrmse(self) -> float | None:
        return float((self.squared / self.xx) ** 0.5) if self.xx > 0 else None

    @property
    def snr(self) -> float | None:
        return float(10 * np.log10(self.xx / self.squared)) if self.squared > 0 and self.xx > 0 else None

    def psnr(self, data_range: float) -> float | None:
        if not self.squared > 0 or not data_range > 0:
            return None
        return float(10 * np.log10(data_range**2 * self.n / self.squared))

    @property
    def correlation(self) -> float | None:
        """Pearson's; None where one of the two is constant."""
        if not self.n:
            return None
        var_x, var_y = self.xx - self.x**2 / self.n, self.yy - self.y**2 / self.n
        if var_x <= 1e-12 * self.xx or var_y <= 1e-12 * self.yy:  # what rounding leaves of a constant
            return None
        return float(np.clip((self.xy - self.x * self.y / self.n) / np.sqrt(var_x * var_y), -1, 1))


def sums(reference: Array, test: Array) -> Sums:
    """Of all pixels of two arrays of one shape, in float64."""
    x, y = (np.ascontiguousarray(array, np.float64).ravel() for array in (reference, test))
    d = y - x
    # Not by the BLAS: its own threads get in the way of those over slices.
    xx, yy, xy, squared = (float(np.einsum("i,i->", a, b)) for a, b in ((x, x), (y, y), (x, y), (d, d)))
    return Sums(x.size, float(x.sum()), float(y.sum()), xx, yy, xy, squared, float(np.abs(d, out=d).sum()))


def mse(reference: Array, test: Array) -> float | None:
    """Mean squared difference, image units squared; None without pixels."""
    return sums(reference, test).mse


def l1(reference: Array, test: Array) -> float | None:
    """Mean absolute difference, image units; None without pixels."""
    return sums(reference, test).l1


def nrmse(reference: Array, test: Array) -> float | None:
    """Root mean squared difference over the root mean square of the reference; None if that is zero."""
    return sums(reference, test).nrmse


def psnr(reference: Array, test: Array, *, data_range: float) -> float | None:
    """Peak signal-to-noise ratio, dB; None if the arrays are identical or the range is not positive."""
    return sums(reference, test).psnr(data_range)


def snr(reference: Array, test: Array) -> float | None:
    """Signal-to-noise ratio, dB: 10 log10(Σ reference² / Σ (test − reference)²).

    What differs from the reference is the noise; this is −20 log10(NRMSE), and no range enters. The ratio of a mean
    in tissue and a standard deviation in air, which needs no reference, is another thing. None if the arrays are
    identical or the reference is zero.
    """
    return sums(reference, test).snr


def coc(reference: Array, test: Array) -> float | None:
    """Coefficient of correlation (Pearson) of the pixels, −1 to 1 (Sattar et al. 1997, ρ); None if one is constant."""
    return sums(reference, test).correlation


def epi(reference: Array, test: Array, *, region: Array | None = None) -> float | None:
    """Edge preservation index, −1 to 1: correlation of the high-passed slices (Sattar et al. 1997, β).

    reference, test: (rows, columns) or (slices, rows, columns), each slice for itself. High-pass: the 3 × 3 Laplacian
    0 1 0 / 1 −4 1 / 0 1 0 in plane; the outermost pixels are left out. region: bool of the same shape, which pixels
    of the high-passed slices count. None if one of the two has no edge there.
    """
    inner = (..., slice(1, -1), slice(1, -1))
    x, y = laplacian(reference), laplacian(test)
    return (sums(x, y) if region is None else sums(x[region[inner]], y[region[inner]])).correlation


def laplacian(array: Array) -> Array:
    """Sum of the four neighbours in plane less four times the pixel, without the outermost pixels, float64."""
    a = array.astype(np.float64)
    middle = a[..., 1:-1, 1:-1]
    return a[..., :-2, 1:-1] + a[..., 2:, 1:-1] + a[..., 1:-1, :-2] + a[..., 1:-1, 2:] - 4 * middle


def percent_difference(reference: Array, test: Array) -> Array:
    """Percent difference map, |test − reference| / reference × 100 (Moummad et al. 2022, figure 3), float32.

    NaN where the reference is not positive: undefined there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.abs(test.astype(np.float32) - reference) / reference * np.float32(100)
    return np.where(reference > 0, percent, np.nan).astype(np.float32)


def difference_percent(reference: Array, test: Array, *, peak: float | None = None) -> Array:
    """Difference map, test − reference in percent of the reference's maximum, float32; shape as given.

    peak: that maximum, where the arrays are a part of the volume. Raises InputError if it is not positive.
    """
    peak = float(reference.max()) if peak is None else peak
    if peak <= 0:
        raise InputError("The reference has no positive value; a difference in percent is undefined.")
    return ((test.astype(np.float32) - reference) * np.float32(100 / peak)).astype(np.float32)
