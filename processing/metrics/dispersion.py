"""Coefficient of variation and entropy inside a volume of interest, which Moummad et al. 2022 read as noise."""

from __future__ import annotations

import numpy as np

from processing.errors import InputError

Array = np.ndarray
BIN_WIDTH = 25.0  # pyradiomics' default, image units
BINS = 100  # in a volume of interest, as the published values imply; a width would depend on the unit of the images


def coefficient_of_variation(values: Array) -> float | None:
    """Standard deviation over the absolute mean, a fraction.

    Parameters
    ----------
    values : ndarray
        Intensities, any shape and units.

    Returns
    -------
    float or None
        0 or more; None under two values or if the mean is zero.

    Notes
    -----
    Standard deviation with n − 1.

    References
    ----------
    Moummad et al. 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.dispersion import coefficient_of_variation
    >>> coefficient_of_variation(np.array([1.0, 2.0, 3.0]))
    0.5
    """
    values = np.asarray(values, np.float64).ravel()
    if values.size < 2 or np.isclose(values.mean(), 0, atol=1e-12 * max(float(np.abs(values).max()), 1e-300)):
        return None
    return float(values.std(ddof=1) / abs(values.mean()))


def entropy(values: Array, *, bin_width: float | None = None, bin_count: int | None = None) -> float | None:
    """Shannon entropy of the values in bins, in bits, as pyradiomics' firstorder Entropy.

    Parameters
    ----------
    values : ndarray
        Intensities, any shape.
    bin_width : float, optional
        Width in image units, edges at its multiples; 25 by default.
    bin_count : int, optional
        So many bins of equal width from the least to the greatest value instead.

    Returns
    -------
    float or None
        0 or more; None without values. One occupied bin gives 0.

    Raises
    ------
    InputError
        For both, or one not positive.

    Notes
    -----
    −Σ p log₂ p over the shares p of the occupied bins.

    References
    ----------
    Moummad et al. 2022.

    Examples
    --------
    Four bins of one value each are two bits.

    >>> import numpy as np
    >>> from processing.metrics.dispersion import entropy
    >>> entropy(np.array([0.0, 25.0, 50.0, 75.0]))
    2.0
    """
    if bin_width is not None and bin_count is not None:
        raise InputError("Give the bins of an entropy by width or by number, not both.")
    width = BIN_WIDTH if bin_width is None else bin_width
    if not 0 < width < np.inf or (bin_count is not None and bin_count < 1):
        raise InputError("The width or number of bins of an entropy must be above 0.")
    values = np.asarray(values, np.float64).ravel()
    if not values.size:
        return None
    if bin_count is None:
        bins = np.floor(values / width)
    else:
        edges = np.histogram_bin_edges(values, bin_count)
        bins = np.digitize(values, edges[1:-1])
    share = np.unique(bins, return_counts=True)[1] / values.size
    return float(abs(-(share * np.log2(share)).sum()))
