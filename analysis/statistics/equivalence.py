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
    """Two one-sided tests (Schuirmann 1987) that the mean of the subject means of ``x`` lies within ±margin.

    ``x`` is preference − 3 within ±``bound`` 2, or its sign for net preference with ``bound`` 1; NaN is left out. Each
    one-sided p is the larger of two: the t test's, and that of ``bounded_mean``, which holds where answers are mostly
    neutral (benchmarks/equivalence_level.py). p is the larger of both sides, the statistic its t; ``ci`` are both 5 %
    limits by the same tests, so that p < 0.05 just where ``ci`` lies within the margins. ``n`` counts subjects.

    Every subject weighs the same, however many answers it has: subjects are what was sampled, and a subject with many
    neutral answers is no more than one subject without a difference. Where all answers of n subjects are neutral,
    p = (1 − margin/bound)^n, the bound of Clopper & Pearson on subjects: how many answers each gave does not count.
    Where not even that could be below 0.05, p is not, and the estimate lies within the margin, ``reason`` says how many
    subjects it takes.

    The level is shown by simulation for subjects of one population. It may be exceeded where a small minority (under
    about one in twenty) differs strongly and the sample lacks it. ``p_exact`` is the larger of both sides of
    ``bounded_mean.p_exact``, which assumes no more than the bound: for answers of 0 and the bound Clopper & Pearson's.

    ValueError for values beyond the bound or a margin that is not positive.
    """
    return _tested(x, margin, cluster, bound, one_sided=False)


def noninferiority(x: ArrayLike, *, margin: float, cluster: ArrayLike, bound: float = 2.0) -> MarginTest:
    """One-sided test that the mean of the subject means of ``x`` lies above −margin; otherwise as ``tost``."""
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
        return MarginTest(n=n, method=text, reason="fewer than two subjects", level=0.90)
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
        level=0.90,
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
