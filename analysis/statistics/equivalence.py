"""Equivalence and non-inferiority with margins fixed beforehand, on subject means."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import bounded_mean
from analysis.statistics.result import Result
from analysis.statistics.values import cluster_codes, numbers

LEVEL = 0.05
TEST = "larger p of t test and Bayesian bootstrap with a subject not seen"
CAVEAT = (
    "level shown by simulation for subjects of one population; it may be exceeded where a small minority (under about "
    "one in twenty) differs strongly and the sample lacks it; p_exact assumes no more than the scale's bound"
)


@dataclass(frozen=True)
class MarginTest(Result):
    """A test against a margin; ``p_exact`` is its p where nothing but the bound of the scale is assumed."""

    p_exact: float | None = None


def subject_means(x: ArrayLike, cluster: ArrayLike) -> NDArray[np.float64]:
    """Mean of ``x`` per cluster, NaN left out, clusters without a value left out."""
    sums, counts = _sums(x, cluster)
    return np.asarray(sums / counts)


def tost(x: ArrayLike, *, margin: float, cluster: ArrayLike, bound: float = 2.0) -> MarginTest:
    """Two one-sided tests that the mean of the subject means lies within ±margin.

    Parameters
    ----------
    x : array_like
        Preference − 3 within ±2, or its sign (−1, 0, 1) for net preference; NaN is left out.
    margin : float
        In units of ``x``, above 0, fixed beforehand.
    cluster : array_like
        The subject of each value.
    bound : float, default 2.0
        The largest magnitude that ``x`` may have: 2, for net preference 1.

    Returns
    -------
    MarginTest
        ``estimate`` is the mean of the subject means; ``p`` the larger of both sides, ``statistic`` its t; ``ci`` both
        5 % limits by the same tests (``confidence`` 0.90), so that p < 0.05 just where ``ci`` lies within the margins;
        ``p_exact`` see Notes; ``n`` counts subjects. Undefined for fewer than two subjects.

    Raises
    ------
    ValueError
        For values beyond the bound, a margin that is not positive, or a value without a cluster.

    Notes
    -----
    Each one-sided p is the larger of two: the t test's, and that of ``bounded_mean``, which holds where answers are
    mostly neutral (benchmarks/equivalence_level.py).

    Every subject weighs the same, however many answers it has: subjects are what was sampled, and a subject with many
    neutral answers is no more than one subject without a difference. Where all answers of n subjects are neutral, p =
    (1 − margin/bound)^n, the bound of Clopper & Pearson on subjects: how many answers each gave does not count. Where
    not even that could be below 0.05, p is not, and the estimate lies within the margin, ``reason`` says how many
    subjects it takes.

    The level is shown by simulation for subjects of one population. It may be exceeded where a small minority (under
    about one in twenty) differs strongly and the sample lacks it. ``p_exact`` is the larger of both sides of
    ``bounded_mean.p_exact``, which assumes no more than the bound: for answers of 0 and the bound Clopper & Pearson's.

    References
    ----------
    Schuirmann 1987; Rubin 1981; Gaffke 2005; Clopper & Pearson 1934.

    Examples
    --------
    Twelve subjects without a difference: p = ¾¹².

    >>> from analysis.statistics.equivalence import tost
    >>> found = tost([0] * 12, margin=0.5, cluster=range(12))
    >>> round(found.p, 4), round(0.75**12, 4), found.n
    (0.0317, 0.0317, 12)
    >>> tost([0] * 4, margin=0.5, cluster=range(4)).reason
    'too few subjects: 4; this margin takes 11 where every answer is neutral'
    """
    return _tested(x, margin, cluster, bound, one_sided=False)


def noninferiority(x: ArrayLike, *, margin: float, cluster: ArrayLike, bound: float = 2.0) -> MarginTest:
    """One-sided test that the mean of the subject means lies above −margin.

    Parameters
    ----------
    x : array_like
        Preference − 3 within ±2, or its sign (−1, 0, 1) for net preference; NaN is left out.
    margin : float
        In units of ``x``, above 0, fixed beforehand.
    cluster : array_like
        The subject of each value.
    bound : float, default 2.0
        The largest magnitude that ``x`` may have: 2, for net preference 1.

    Returns
    -------
    MarginTest
        As ``tost``, but of one side.

    Raises
    ------
    ValueError
        For values beyond the bound, a margin that is not positive, or a value without a cluster.

    Notes
    -----
    Non-inferior is the first arm, which positive values favour; otherwise as ``tost``.

    Examples
    --------
    >>> from analysis.statistics.equivalence import noninferiority
    >>> round(noninferiority([0] * 12, margin=0.5, cluster=range(12)).p, 4)
    0.0317
    """
    return _tested(x, margin, cluster, bound, one_sided=True)


def subjects_needed(margin: float, *, bound: float) -> int:
    """The fewest subjects, all of them neutral throughout, that show equivalence: (1 − margin/bound)^n < 0.05."""
    if margin >= bound:
        return 2
    return max(2, math.floor(math.log(LEVEL) / math.log1p(-margin / bound)) + 1)


def p_below(means: NDArray[np.float64], limit: float, *, bound: float, worth: float = 1.0) -> NDArray[np.float64]:
    """One-sided p values of "the mean is at least ``limit``" in studies × subjects, as ``tost`` takes them.

    Where the t test alone gives ``worth`` or more, its p stands.
    """
    p = t_below(means, limit)
    some = p < worth
    p[some] = np.maximum(p[some], bounded_mean.p_below(means[some], limit, bound=bound))
    return p


def t_below(means: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """As ``p_below``, of the t test alone: 0 or 1 where all means are the same."""
    t = _t(means, limit)
    return np.asarray(np.where(np.isinf(t), t > 0, special.stdtr(means.shape[1] - 1, t))).astype(np.float64)


def _t(means: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    distance = means.mean(axis=1) - limit
    error = means.std(axis=1, ddof=1) / math.sqrt(means.shape[1])
    known = error > 1e-12 * np.abs(means).max(axis=1)
    return np.where(known, distance / np.where(known, error, 1.0), np.copysign(np.inf, distance))


def _tested(x: ArrayLike, margin: float, cluster: ArrayLike, bound: float, *, one_sided: bool) -> MarginTest:
    kind = "non-inferiority, one-sided" if one_sided else "TOST"
    text = f"{kind} on subject means, margin {margin:g}: {TEST}"
    if not margin > 0:
        raise ValueError("a margin is positive")
    x = np.asarray(x, dtype=np.float64).ravel()
    if np.nanmax(np.abs(x), initial=0.0) > bound:
        raise ValueError(f"x lies beyond ±{bound:g}")
    sums, counts = _sums(x, cluster)
    n = counts.size
    if n < 2:
        return MarginTest(n=n, method=text, reason="fewer than two subjects", confidence=0.90)
    means = (sums / counts)[None]
    sides = [-means] if one_sided else [-means, means]
    p_values = [float(p_below(side, margin, bound=bound)[0]) for side in sides]
    worst = int(np.argmax(p_values))
    t = float(_t(sides[worst], margin)[0])
    needed = subjects_needed(margin, bound=bound)
    average = float(means.mean())
    few = (
        n < needed
        and p_values[worst] >= LEVEL
        and -margin < average
        and (average <= 0 if one_sided else average < margin)
    )
    return MarginTest(
        estimate=average,
        ci=(-_upper_limit(-means[0], bound), _upper_limit(means[0], bound)),
        statistic=-t if worst == 0 else t,
        p=p_values[worst],
        p_exact=max(bounded_mean.p_exact(side[0], margin, bound=bound) for side in sides),
        n=n,
        method=text,
        reason=f"too few subjects: {n}; this margin takes {needed} where every answer is neutral" if few else None,
        confidence=0.90,
    )


def _upper_limit(means: NDArray[np.float64], bound: float) -> float:
    reach = special.stdtrit(means.size - 1, 1 - LEVEL) * means.std(ddof=1) / math.sqrt(means.size)
    limit = bounded_mean.upper_limit(means, bound=bound, tail=LEVEL, least=float(means.mean() + reach))
    return min(limit, bound)  # the t test's may lie beyond the scale


def _sums(x: ArrayLike, cluster: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Sum and number of the values per cluster, NaN left out, clusters without a value left out."""
    x = numbers(x)
    keep = ~np.isnan(x)
    labels = cluster_codes(cluster, keep)
    counts = np.bincount(labels)
    return np.bincount(labels, weights=x[keep]).astype(np.float64), counts
