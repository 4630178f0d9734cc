"""How much subjects make ratings alike: intraclass correlation and design effect, for planning the next study."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import jackknife
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, numbers, scale_of

ICC = (
    "intraclass correlation of a subject's ratings, one-way analysis of variance, interval by leaving out each subject"
)
EFFECT = "design effect: variance of the mean with subjects as clusters over that of as many independent ratings"
ALIKE = "all ratings are the same"


def subject_correlation(x: ArrayLike, cluster: ArrayLike, *, confidence: float = 0.95) -> Result:
    """Intraclass correlation of the ratings of one subject, whoever gave them.

    Parameters
    ----------
    x : array_like
        Ratings; NaN is left out.
    cluster : array_like
        The subject of each.
    confidence : float, default 0.95
        Of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is at most 1, below 0 where ratings of one subject differ more than those of two; ``n`` counts
        ratings. Undefined for one subject, one rating of each, or ratings that are all the same.

    Raises
    ------
    ValueError
        If a value is infinite or has no cluster.

    Notes
    -----
    (MSB − MSW)/(MSB + (n₀ − 1)·MSW), n₀ = (N − Σn²/N)/(k − 1) for k subjects with n of N ratings.

    References
    ----------
    Donner 1986; Searle, Casella & McCulloch, Variance Components, 3.6.

    Examples
    --------
    >>> from analysis.statistics.clustering import subject_correlation
    >>> round(subject_correlation([1, 1, 0, 0, 1, 0], [1, 1, 2, 2, 3, 3]).estimate, 4)
    0.5
    """
    x, labels = _kept(x, cluster)
    n = x.size
    if n == 0:
        return undefined("no ratings", method=ICC, confidence=confidence)
    size = np.bincount(labels).astype(np.float64)
    if size.size < 2 or size.max() < 2:
        why = "only one subject" if size.size < 2 else "no subject has two ratings"
        return undefined(why, n=n, method=ICC, confidence=confidence)
    away = x - x.mean()  # squares of values about 0 keep their digits
    total, squares = np.bincount(labels, weights=away), np.bincount(labels, weights=away**2)
    if negligible(np.sqrt(squares.sum() / n), max(1.0, scale_of(x))):
        return undefined(ALIKE, n=n, method=ICC, confidence=confidence)
    sums = np.stack([np.ones_like(size), size, total, squares, size**2, total**2 / size], axis=1)
    estimate = float(_icc(sums.sum(axis=0)[None])[0])
    found = Result(estimate=estimate, n=n, method=ICC, confidence=confidence)
    if size.size < 3:
        return replace(found, reason="no interval from two subjects")
    with np.errstate(invalid="ignore", divide="ignore"):
        without = _icc(jackknife.left_out(sums))
    return jackknife.coefficient(found, np.where(np.isfinite(without), without, 1.0))


def _icc(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    k, n, total, squares, sizes, between = sums.T
    within = (squares - between) / (n - k)
    among = (between - total**2 / n) / (k - 1)
    typical = (n - sizes / n) / (k - 1)
    return np.asarray((among - within) / (among + (typical - 1) * within))


def design_effect(x: ArrayLike, cluster: ArrayLike) -> Result:
    """How many times the variance of the mean is that of independent ratings.

    Parameters
    ----------
    x : array_like
        Ratings; NaN is left out.
    cluster : array_like
        The subject of each.

    Returns
    -------
    Result
        ``estimate``, 0 or more: n ratings tell as much as n/estimate independent ones; no interval. Undefined for one
        subject or ratings that are all the same.

    Raises
    ------
    ValueError
        If a value is infinite or has no cluster.

    Notes
    -----
    Linearised variance with subjects as clusters, times k/(k − 1), over s²/n.

    References
    ----------
    Kish 1965.

    Examples
    --------
    Every rating given twice.

    >>> from analysis.statistics.clustering import design_effect
    >>> round(design_effect([1, 1, 0, 0, 1, 1, 0, 0], [1, 1, 2, 2, 3, 3, 4, 4]).estimate, 3)
    2.333
    """
    x, labels = _kept(x, cluster)
    n = x.size
    if n == 0:
        return undefined("no ratings", method=EFFECT)
    k = int(labels.max()) + 1
    if k < 2:
        return undefined("only one subject", n=n, method=EFFECT)
    away = x - x.mean()
    if negligible(np.abs(away).max(), max(1.0, scale_of(x))):
        return undefined(ALIKE, n=n, method=EFFECT)
    clustered = k / (k - 1) * (np.bincount(labels, weights=away) ** 2).sum() / n**2
    return Result(estimate=float(clustered / (x.var(ddof=1) / n)), n=n, method=EFFECT, reason="no interval")


def _kept(x: ArrayLike, cluster: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    x = numbers(x)
    keep = ~np.isnan(x)
    return x[keep], cluster_codes(cluster, keep)
