"""Preference scores: orientation, the pooled rank tests of the published analysis, the clustered ones of ours.

Throughout ``x`` is preference − 3, so 0 is "no difference" and positive values favour the first arm. NaN is left out.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import flips
from analysis.statistics.clustered import cluster_signed_rank
from analysis.statistics.correlation import midranks
from analysis.statistics.direction import SAID, Alternative, check, corrected, normal_p
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import numbers

__all__ = ["cluster_signed_rank", "orient", "rank_sum", "rank_sum_mirror", "signed_rank"]

EXACT_LIMIT = 1000
ALL = 10**12  # of the convolution: never coarsened


def orient(score: ArrayLike, first_right: ArrayLike) -> NDArray[np.float64]:
    """Display scores as preference: above 3 favours the first arm.

    Parameters
    ----------
    score : array_like
        Scores on the screen, 1 (left markedly better) to 5 (right markedly better), any shape; NaN for missing.
    first_right : array_like of bool
        Whether the first arm stood on the right; a shape that broadcasts with ``score``.

    Returns
    -------
    ndarray of float64
        The score where the first arm stood on the right, else 6 − score; NaN stays NaN.

    Notes
    -----
    The tests of this module take the preference less 3: 0 is "no difference".

    Examples
    --------
    >>> from analysis.statistics.preference import orient
    >>> orient([5, 5, 3], [True, False, False]).tolist()
    [5.0, 1.0, 3.0]
    """
    score = np.asarray(score, dtype=np.float64)
    return np.where(np.asarray(first_right, dtype=bool), score, 6.0 - score)


def signed_rank(
    x: ArrayLike,
    *,
    zero_method: Literal["wilcox", "pratt"] = "wilcox",
    correction: bool = False,
    method: Literal["normal", "exact"] = "normal",
    alternative: Alternative = "two-sided",
) -> Result:
    """Wilcoxon signed rank test against 0.

    Parameters
    ----------
    x : array_like
        Preference − 3, or other differences: 0 is "no difference", positive values favour the first arm. NaN is left
        out.
    zero_method : {"wilcox", "pratt"}, default "wilcox"
        Whether zeros are dropped before ranking, or ranked and then dropped.
    correction : bool, default False
        Whether the normal approximation has a continuity correction of ½.
    method : {"normal", "exact"}, default "normal"
        Where p comes from: a normal approximation, or the permutation distribution given the mid-ranks.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any difference, or one above or below 0.

    Returns
    -------
    Result
        ``statistic`` is V, the sum of positive ranks; ``n`` counts all finite values, zeros included.
        Undefined where there is no value or every difference is zero; "exact" has no ``p`` beyond 1,000 differences.

    Raises
    ------
    ValueError
        If a value is infinite, or ``zero_method``, ``method`` or ``alternative`` is another.

    Notes
    -----
    Ties get mid-ranks. "normal": z = (V − Σr/2)/√(Σr²/4), which is the tie-corrected variance. "exact": the permutation
    distribution of V over all signs given these mid-ranks, p = P(|V − Σr/2| ≥ observed). SciPy's "exact" assumes no
    ties, as R's before 4.6 did; this one does not.

    References
    ----------
    Wilcoxon 1945; Pratt 1959; Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 3.1.

    Examples
    --------
    Ranks of the four that are not 0 are 2, 2, 2 and 4; 8 of all 16 choices of signs are as far from the middle.

    >>> from analysis.statistics.preference import signed_rank
    >>> found = signed_rank([1, 1, -1, 2, 0], method="exact")
    >>> found.statistic, found.p, found.n
    (8.0, 0.5, 5)
    >>> round(signed_rank([1, 1, -1, 2, 0]).p, 4)
    0.2568
    >>> signed_rank([1, 1, -1, 2, 0], method="exact", alternative="greater").p
    0.25
    >>> signed_rank([0, 0]).reason
    "every answer is 'no difference'"
    """
    if zero_method not in ("wilcox", "pratt") or method not in ("normal", "exact"):
        raise ValueError("zero_method is wilcox or pratt, method is normal or exact")
    check(alternative)
    x = numbers(x)
    x = x[~np.isnan(x)]
    n = x.size
    zeros = "zeros dropped" if zero_method == "wilcox" else "zeros ranked, then dropped (Pratt)"
    if method == "exact":
        text = f"signed rank, {zeros}, exact given the mid-ranks"
    else:
        text = f"signed rank, {zeros}, normal approximation, {'' if correction else 'no '}continuity correction"
    text += SAID[alternative]
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
        p = flips.tail(doubled, alternative=alternative, work=ALL).high
        return Result(statistic=positive, p=p, n=n, method=text)
    distance = positive - ranks.sum() / 2
    if correction:
        distance = corrected(distance, alternative)
    z = distance / np.sqrt((ranks**2).sum() / 4)
    return Result(statistic=positive, p=normal_p(z, alternative), n=n, method=text)


def rank_sum(x: ArrayLike, y: ArrayLike, *, correction: bool = False, alternative: Alternative = "two-sided") -> Result:
    """Wilcoxon rank sum (Mann–Whitney) test of two independent samples.

    Parameters
    ----------
    x, y : array_like
        The samples, of any lengths; NaN is left out.
    correction : bool, default False
        Whether the normal approximation has a continuity correction of ½.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any difference, or larger or smaller ``x``.

    Returns
    -------
    Result
        ``statistic`` is U of ``x`` (R calls it W): the number of pairs with x > y, ties counting ½. ``n`` = len(x) +
        len(y). Undefined where a sample is empty or all values are the same.

    Raises
    ------
    ValueError
        If a value is infinite, or ``alternative`` is another.

    Notes
    -----
    Normal approximation with tie correction. ``scipy.stats.ranksums`` lacks the tie correction and is not used.

    Examples
    --------
    >>> from analysis.statistics.preference import rank_sum
    >>> found = rank_sum([3, 4, 5], [1, 2, 3])
    >>> found.statistic, round(found.p, 4), found.n
    (8.5, 0.0765, 6)
    """
    check(alternative)
    x = numbers(x)
    y = numbers(y)
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    n = x.size + y.size
    text = f"rank sum, tie-corrected normal approximation, {'' if correction else 'no '}continuity correction"
    text += SAID[alternative]
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
        distance = corrected(distance, alternative)
    return Result(statistic=u, p=normal_p(distance / np.sqrt(spread), alternative), n=n, method=text)


def rank_sum_mirror(x: ArrayLike) -> Result:
    """Preference against its mirror image 6 − preference by the rank sum test: for comparison only.

    Parameters
    ----------
    x : array_like
        Preference − 3; NaN is left out.

    Returns
    -------
    Result
        As ``rank_sum`` of ``x`` and −x, but ``n`` counts ``x`` once. Undefined without values, or where all are 0.

    Raises
    ------
    ValueError
        If a value is infinite.

    Notes
    -----
    It treats one sample as two independent ones: its type I error at a nominal 0.05 is 0.16 for independent answers and
    more with subjects as clusters (benchmarks/type_one_error.py).

    Examples
    --------
    >>> from analysis.statistics.preference import rank_sum_mirror
    >>> found = rank_sum_mirror([1, 0, 2])
    >>> found.statistic, round(found.p, 4), found.n
    (8.5, 0.0765, 3)
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
