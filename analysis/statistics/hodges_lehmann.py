"""Hodges and Lehmann's estimate of where preferences lie, with the interval that belongs to the signed rank test."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics.equivalence import subject_means
from analysis.statistics.result import Result, undefined

METHOD = "Hodges–Lehmann, median of all means of two subject means, {} signed rank interval"
EXACT = 200  # subjects; beyond, the normal approximation is as good as exact
NO_WIDTH = "no interval: so many subjects lie at one value that it has no width, which is no sign of equality"
MOST = 3_000  # subjects; the pairs of more fill the memory


def hodges_lehmann(
    x: ArrayLike, cluster: ArrayLike, *, shift: float = 0.0, bound: float = np.inf, confidence: float = 0.95
) -> Result:
    """Median of all means of two subjects (Walsh averages), plus ``shift``, with its signed rank interval.

    Parameters
    ----------
    x : array_like
        Preference − 3, or other differences; NaN is left out.
    cluster : array_like
        The subject of each value; every subject counts once, by its mean.
    shift : float, default 0.0
        What is added to the estimate and both bounds.
    bound : float, optional
        The largest magnitude that ``x`` may have: an interval that is not bounded by the data ends there.
    confidence : float, default 0.95
        Least confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is the pseudo-median; ``n`` counts subjects. Undefined without values, or with more than 3,000
        subjects; no interval where so few subjects bound none and ``bound`` does not either, or where it
        would have no width.

    Raises
    ------
    ValueError
        If a value is infinite or has no cluster.

    Notes
    -----
    The order statistics of the Walsh averages, exact up to 200 subjects. Without ties and zeros those values are in it
    that the signed rank test of subject means does not reject; the test of preferences drops zeros and may reject a
    value that is in it. Ends belong to it, so with ties and zeros it covers at least what it says where subjects lie
    symmetrically about the middle; elsewhere the pseudo-median is not the median. Mostly neutral answers put it at "no
    difference" with no width: then there is no interval, as that says where the middle subject lies, not that the arms
    are alike.

    References
    ----------
    Hodges & Lehmann 1963; Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 3.2 and 3.3.

    Examples
    --------
    >>> from analysis.statistics.hodges_lehmann import hodges_lehmann
    >>> found = hodges_lehmann([1, 2, 4, 7, 8, 10], range(6))
    >>> found.estimate, found.ci
    (5.5, (1.0, 10.0))
    """
    means = subject_means(x, cluster)
    n = means.size
    text = METHOD.format("exact" if n <= EXACT else "normal")
    if n == 0:
        return undefined("no ratings", method=text, confidence=confidence)
    if n > MOST:
        return undefined(f"not computed for more than {MOST:,} subjects", n=n, method=text, confidence=confidence)
    first, second = np.triu_indices(n)
    walsh = np.sort((means[first] + means[second]) / 2)
    outside = _outside(n, (1 - confidence) / 2)
    low, high = (walsh[outside - 1], walsh[-outside]) if outside else (-bound, bound)
    why = None if np.isfinite(high) else f"no interval of {confidence:.0%} from {n} subjects"
    if low == high:
        why = NO_WIDTH
    return Result(
        estimate=float(np.median(walsh)) + shift,
        ci=None if why else (float(low) + shift, float(high) + shift),
        n=n,
        method=text,
        reason=why,
        confidence=confidence,
    )


def _outside(n: int, tail: float) -> int:
    """Which of the n(n + 1)/2 Walsh averages, counted from either end, is the bound; 0 where none is far enough."""
    if n > EXACT:
        spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return int(np.floor(n * (n + 1) / 4 - special.ndtri(1 - tail) * spread))
    return int(np.searchsorted(np.cumsum(_distribution(n)), tail, side="right"))


@lru_cache(maxsize=64)
def _distribution(n: int) -> NDArray[np.float64]:
    """P(V = 0 … n(n + 1)/2) of the sum of positive ranks of n differences without ties."""
    chance = np.zeros(n * (n + 1) // 2 + 1)
    chance[0] = 1.0
    for rank in range(1, n + 1):
        chance /= 2
        chance[rank:] += chance[:-rank].copy()
    return chance
