"""Coefficient of variation and entropy inside a volume of interest, which Moummad et al. 2022 read as noise."""

from __future__ import annotations

import numpy as np

from processing.errors import InputError

Array = np.ndarray
BIN_WIDTH = 25.0  # pyradiomics' default, image units


def coefficient_of_variation(values: Array) -> float | None:
    """Standard deviation (n − 1) over the absolute mean, a fraction; None under two values or if the mean is zero."""
    values = np.asarray(values, np.float64).ravel()
    if values.size < 2 or np.isclose(values.mean(), 0, atol=1e-12 * max(float(np.abs(values).max()), 1e-300)):
        return None
    return float(values.std(ddof=1) / abs(values.mean()))


def entropy(values: Array, *, bin_width: float | None = None, bin_count: int | None = None) -> float | None:
    """Shannon entropy of the values in bins, in bits, as pyradiomics' firstorder Entropy; None without values.

    bin_width: width in image units, edges at its multiples (default 25). bin_count: so many bins of equal width from
    the least to the greatest value instead. One occupied bin gives 0. Raises InputError for both, or one not positive.
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
