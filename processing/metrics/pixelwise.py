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
    """Mean squared difference.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    float or None
        Image units squared; None without pixels.

    Notes
    -----
    Computed in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import mse
    >>> mse(np.array([[10, 20]]), np.array([[11, 23]]))
    5.0
    """
    return sums(reference, test).mse


def l1(reference: Array, test: Array) -> float | None:
    """Mean absolute difference.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    float or None
        Image units; None without pixels.

    Notes
    -----
    Computed in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import l1
    >>> l1(np.array([[10, 20]]), np.array([[11, 23]]))
    2.0
    """
    return sums(reference, test).l1


def nrmse(reference: Array, test: Array) -> float | None:
    """Root mean squared difference over the root mean square of the reference.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    float or None
        A fraction, 0 or more; None if the reference is zero.

    Notes
    -----
    As scikit-image's with normalization "euclidean"; elsewhere it is divided by the range or the mean of the reference.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import nrmse
    >>> nrmse(np.array([[3, 4]]), np.array([[3, 3]]))
    0.2
    """
    return sums(reference, test).nrmse


def psnr(reference: Array, test: Array, *, data_range: float) -> float | None:
    """Peak signal-to-noise ratio.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.
    data_range : float
        The peak, in image units.

    Returns
    -------
    float or None
        In dB; None if the arrays are identical or the range is not positive.

    Notes
    -----
    10 log10(range² / MSE).

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import psnr
    >>> psnr(np.array([[0, 100]]), np.array([[10, 90]]), data_range=100)
    20.0
    """
    return sums(reference, test).psnr(data_range)


def snr(reference: Array, test: Array) -> float | None:
    """Signal-to-noise ratio.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    float or None
        In dB; None if the arrays are identical or the reference is zero.

    Notes
    -----
    10 log10(Σ reference² / Σ (test − reference)²): what differs from the reference is the noise; this is −20
    log10(NRMSE), and no range enters. The ratio of a mean in tissue and a standard deviation in air, which needs no
    reference, is another thing.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import snr
    >>> snr(np.array([[10, 10]]), np.array([[11, 9]]))
    20.0
    """
    return sums(reference, test).snr


def coc(reference: Array, test: Array) -> float | None:
    """Coefficient of correlation (Pearson) of the pixels.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    float or None
        −1 to 1; None if one is constant.

    References
    ----------
    Sattar et al. 1997, ρ.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import coc
    >>> round(coc(np.array([[1, 2, 3, 4]]), np.array([[1, 3, 2, 4]])), 4)
    0.8
    """
    return sums(reference, test).correlation


def epi(reference: Array, test: Array, *, region: Array | None = None) -> float | None:
    """Edge preservation index: correlation of the high-passed slices.

    Parameters
    ----------
    reference, test : ndarray, shape (rows, columns) or (slices, rows, columns)
        Intensities of one shape, each slice for itself.
    region : ndarray of bool, optional
        Of the same shape: which pixels of the high-passed slices count.

    Returns
    -------
    float or None
        −1 to 1; None if one of the two has no edge there.

    Notes
    -----
    High-pass: the 3 × 3 Laplacian 0 1 0 / 1 −4 1 / 0 1 0 in plane; the outermost pixels are left out.

    References
    ----------
    Sattar et al. 1997, β.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import epi
    >>> image = np.random.default_rng(0).uniform(0, 100, (8, 8))
    >>> round(epi(image, 2 * image + 7), 4)
    1.0
    """
    inner = (..., slice(1, -1), slice(1, -1))
    x, y = laplacian(reference), laplacian(test)
    return (sums(x, y) if region is None else sums(x[region[inner]], y[region[inner]])).correlation


def laplacian(array: Array) -> Array:
    """Sum of the four neighbours in plane less four times the pixel.

    Parameters
    ----------
    array : ndarray, shape (rows, columns) or (slices, rows, columns)
        Intensities.

    Returns
    -------
    ndarray of float64
        Without the outermost pixels of each slice.

    Notes
    -----
    The high-pass of ``epi``.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import laplacian
    >>> laplacian(np.array([[0, 1, 0], [2, 5, 3], [0, 4, 0]])).tolist()
    [[-10.0]]
    """
    a = array.astype(np.float64)
    middle = a[..., 1:-1, 1:-1]
    return a[..., :-2, 1:-1] + a[..., 2:, 1:-1] + a[..., 1:-1, :-2] + a[..., 1:-1, 2:] - 4 * middle


def percent_difference(reference: Array, test: Array) -> Array:
    """Percent difference map, |test − reference| / reference × 100.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.

    Returns
    -------
    ndarray of float32
        Percent, 0 or more; NaN where the reference is not positive: undefined there.

    References
    ----------
    Moummad et al. 2022, figure 3.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import percent_difference
    >>> percent_difference(np.array([[100.0, 50.0, 0.0]]), np.array([[90.0, 75.0, 1.0]])).tolist()
    [[10.0, 50.0, nan]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.abs(test.astype(np.float32) - reference) / reference * np.float32(100)
    return np.where(reference > 0, percent, np.nan).astype(np.float32)


def difference_percent(reference: Array, test: Array, *, peak: float | None = None) -> Array:
    """Difference map, test − reference in percent of the reference's maximum.

    Parameters
    ----------
    reference, test : ndarray
        Intensities of one shape.
    peak : float, optional
        That maximum, where the arrays are a part of the volume.

    Returns
    -------
    ndarray of float32
        Percent, signed; shape as given.

    Raises
    ------
    InputError
        If the maximum is not positive.

    Notes
    -----
    Unlike ``percent_difference`` it is defined at every pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.pixelwise import difference_percent
    >>> difference_percent(np.array([[200.0, 0.0]]), np.array([[190.0, 20.0]])).tolist()
    [[-5.0, 10.0]]
    """
    peak = float(reference.max()) if peak is None else peak
    if peak <= 0:
        raise InputError("The reference has no positive value; a difference in percent is undefined.")
    return ((test.astype(np.float32) - reference) * np.float32(100 / peak)).astype(np.float32)
