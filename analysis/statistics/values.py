"""What a value must be before anything is computed of it, and from where on a difference is rounding: said once.

Numbers are finite; a cluster has a label; differences, variances and errors of less than RELATIVE of the values that
they come from are rounding of float64 (relative 2e-16, times the additions), not data.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

RELATIVE = 1e-12
LARGEST = 1e100  # squares, their products and their sums stay finite


def why_not_a_number(value: float) -> str | None:
    """Why this cannot be computed with, as the end of the sentence "row 2, column x, 'inf' …"; None if it can."""
    if not math.isfinite(value):
        return "is not a finite number"
    return f"is too large: at most {LARGEST:g} can be computed with" if abs(value) > LARGEST else None


def numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Values as float64 in one dimension, NaN for missing ones. ValueError where one is infinite."""
    return matrix(values).ravel()


def matrix(values: ArrayLike) -> NDArray[np.float64]:
    """The same in the shape that they have, at least two dimensions."""
    found = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if np.isinf(found).any():
        raise ValueError("a value is infinite")
    return found


def negligible(size: ArrayLike, scale: float) -> bool:
    """Whether a non-negative ``size`` (a difference, an error) is rounding of values as large as ``scale``."""
    return bool(np.all(np.asarray(size) <= RELATIVE * scale))


def scale_of(*values: NDArray[np.float64]) -> float:
    """The largest magnitude among arrays without NaN; 0 where all are empty."""
    return max((float(np.abs(one).max()) for one in values if one.size), default=0.0)


def constant(values: NDArray[np.float64], *, scale: float | None = None) -> bool:
    """Whether all values are the same up to rounding of values as large as ``scale`` (their own without one)."""
    return negligible(np.ptp(values), scale_of(values) if scale is None else scale)


def differences(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """x − y, with 0 where only rounding sets them apart; NaN stays NaN."""
    difference = x - y
    return np.where(np.abs(difference) <= RELATIVE * np.maximum(np.abs(x), np.abs(y)), 0.0, difference)


def cluster_codes(cluster: ArrayLike, keep: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """Codes 0 … k − 1 of the clusters of the values kept (all without ``keep``), in the order of their labels.

    ValueError where the lengths differ, or where a kept value has no label (None, NaN): those are not one cluster.
    """
    labels = np.asarray(cluster).ravel()
    if keep is not None and labels.size != keep.size:
        raise ValueError("values and clusters differ in length")
    labels = labels if keep is None else labels[keep]
    if pd.isna(labels).any():
        raise ValueError("a value has no cluster: its label is missing")
    return np.unique(labels, return_inverse=True)[1]
