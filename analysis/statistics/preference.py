"""Preference scores: orientation, the pooled rank tests of the published analysis, the clustered ones of ours.

Throughout ``x`` is preference − 3, so 0 is "no difference" and positive values favour the first arm. NaN is left out.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import flips
from analysis.statistics.clustered import cluster_signed_rank
from analysis.statistics.correlation import midranks
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import numbers

__all__ = ["cluster_signed_rank", "orient", "rank_sum", "rank_sum_mirror", "signed_rank"]

EXACT_LIMIT = 1000
ALL = 10**12  # of the convolution: never coarsened


def orient(score: ArrayLike, first_right: ArrayLike) -> NDArray[np.float64]:
    """Display scores (1 = left markedly better … 5 = right) as preference: above 3 favours the first arm.

    The preference is the score where the first arm stood on the right, else 6 − score; NaN stays NaN.
    """
    score = np.asarray(score, dtype=np.float64)
    return np.where(np.asarray(first_right, dtype=bool), score, 6.0 - score)


def signed_rank(
    x: ArrayLike,
    *,
    zero_method: Literal["wilcox", "pratt"] = "wilcox",
    correction: bool = False,
    method: Literal["normal", "exact"] = "normal",
) -> Result:
    """Wilcoxon signed rank test of ``x`` against 0, two-sided; the statistic is V, the sum of positive ranks.

    Ties get mid-ranks. Zeros are dropped before ranking ("wilcox") or ranked and then dropped ("pratt"). "normal":
    z = (V − Σr/2)/√(Σr²/4), which is the tie-corrected variance, with a continuity correction of ½ on request.
    "exact": the permutation distribution of V over all signs given these mid-ranks, p = P(|V − Σr/2| ≥ observed);
    for at most 1,000 differences. ``n`` counts all finite values, zeros included. scipy's "exact" assumes no ties,
    as R's before 4.6 did; this one does not. Undefined where every difference is zero.

    Source: Wilcoxon 1945; Pratt 1959; Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 3.1.
    """
    if zero_method not in ("wilcox", "pratt") or method not in ("normal", "exact"):
        raise ValueError("zero_method is wilcox or pratt, method is normal or exact")
    x = numbers(x)
    x = x[~np.isnan(x)]
    n = x.size
    zeros = "zeros dropped" if zero_method == "wilcox" else "zeros ranked, then dropped (Pratt)"
    if method == "exact":
        text = f"signed rank, {zeros}, exact given the mid-ranks"
    else:
        text = f"signed rank, {zeros}, normal approximation, {'' if correction else 'no '}continuity correction"
    if n == 0:
        return undefined("no ratings", method=text)
    nonzero = x != 0
    if not nonzero.any():
        return undefined("every answer is 'no difference'", n=n, method=text)
    ranks = midranks(np.abs(x[nonzero] if zero_method == "wilcox" else x))
    if zero_method == "pratt":
        ranks = ranks[nonzero]
    positive = float(ranks[x[nonzero] > 0].sum())
    if method == "exact":
        if ranks.size > EXACT_LIMIT:
            return Result(statistic=positive, n=n, method=text, reason=f"exact only up to {EXACT_LIMIT} differences")
        doubled = np.rint(2 * ranks * np.sign(x[nonzero]))  # mid-ranks are halves
        return Result(statistic=positive, p=flips.tail(doubled, work=ALL).high, n=n, method=text)
    distance = positive - ranks.sum() / 2
    if correction:
        distance -= np.sign(distance) * 0.5
    z = distance / np.sqrt((ranks**2).sum() / 4)
    return Result(statistic=positive, p=two_sided(z), n=n, method=text)


def two_sided(z: float) -> float:
    """P(|Z| ≥ |z|) for a standard normal Z."""
    return float(2 * special.ndtr(-abs(z)))


def rank_sum(x: ArrayLike, y: ArrayLike, *, correction: bool = False) -> Result:
    """Wilcoxon rank sum (Mann–Whitney) test, two-sided, normal approximation with tie correction.

    The statistic is U of ``x`` (R calls it W): the number of pairs with x > y, ties counting ½. Continuity
    correction of ½ on request. ``n`` = len(x) + len(y). scipy.stats.ranksums lacks the tie correction and is not used.
    """
    x = numbers(x)
    y = numbers(y)
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    n = x.size + y.size
    text = f"rank sum, tie-corrected normal approximation, {'' if correction else 'no '}continuity correction"
    if x.size == 0 or y.size == 0:
        return undefined("no ratings", n=n, method=text)
    ranks = midranks(np.concatenate([x, y]))
    u = ranks[: x.size].sum() - x.size * (x.size + 1) / 2
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    spread = x.size * y.size / 12 * (n + 1 - (ties**3 - ties).sum() / (n * (n - 1)))
    if spread <= 0:
        return undefined("all values are the same", n=n, method=text)
    distance = u - x.size * y.size / 2
    if correction:
        distance -= np.sign(distance) * 0.5
    return Result(statistic=u, p=two_sided(distance / np.sqrt(spread)), n=n, method=text)


def rank_sum_mirror(x: ArrayLike) -> Result:
    """Preference against its mirror image 6 − preference by the rank sum test: for comparison only.

    It treats one sample as two independent ones: its type I error at a nominal 0.05 is 0.16 for
    independent answers and more with subjects as clusters (benchmarks/type_one_error.py).
    """
    x = numbers(x)
    x = x[~np.isnan(x)]
    text = (
        "rank sum of preference against 6 − preference, tie-corrected normal approximation, no continuity "
        "correction; for comparison only, type I error 0.16 or more at nominal 0.05"
    )
    if x.size == 0:
        return undefined("no ratings", method=text)
    if not x.any():
        return undefined("every answer is 'no difference'", n=x.size, method=text)
    result = rank_sum(x, -x)
    return Result(statistic=result.statistic, p=result.p, n=x.size, method=text)
