"""Signed rank tests that respect clusters: ratings of one subject are not independent."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import flips
from analysis.statistics.correlation import midranks
from analysis.statistics.direction import SAID, Alternative, check, normal_p
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, numbers

CANCEL = "the signed ranks of every subject cancel"


def cluster_signed_rank(
    x: ArrayLike,
    cluster: ArrayLike,
    *,
    method: Literal["normal", "permutation", "datta_satten"] = "normal",
    alternative: Alternative = "two-sided",
) -> Result:
    """Clustered Wilcoxon signed rank test against 0.

    Parameters
    ----------
    x : array_like
        Preference − 3, or other differences: positive values favour the first arm. NaN is left out.
    cluster : array_like
        The subject of each value, numbers or text; ratings of one subject are not independent.
    method : {"normal", "permutation", "datta_satten"}, default "normal"
        The test, see Notes.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any difference, or one above or below 0.

    Returns
    -------
    Result
        ``statistic`` is z; ``n`` counts all values, zeros included. Undefined where there is no value,
        all values are zero, fewer than two clusters hold any other, or the signed ranks of every cluster cancel.

    Raises
    ------
    ValueError
        If a value has no cluster or is infinite, the lengths differ, or ``method`` or ``alternative`` is another.

    Notes
    -----
    "normal": zeros dropped, signed mid-ranks summed per cluster to S; z = ΣS/√ΣS² (Rosner, Glynn & Lee 2006, their
    statistic for equal cluster sizes). "permutation": the same z, p the share of all 2^k sign flips of whole clusters
    with |ΣS| at least the observed, exact by convolution (``flips``), without a seed; only where a study is so large
    that the lattice has to be coarsened is p a close upper bound, and ``method`` of the result says of what.
    "datta_satten": within-cluster resampling in closed form, robust to cluster sizes that depend on the answer; zeros
    take part in the ranking with sign 0.

    References
    ----------
    Rosner, Glynn & Lee 2006; Datta & Satten 2008.

    Examples
    --------
    Four subjects, all for the first arm: 2 of 16 flips are as far from 0.

    >>> from analysis.statistics.preference import cluster_signed_rank
    >>> x, subject = [1, 1, 1, 1, 0], ["A", "B", "C", "D", "D"]
    >>> found = cluster_signed_rank(x, subject, method="permutation")
    >>> found.statistic, found.p, found.n
    (2.0, 0.125, 5)
    >>> round(cluster_signed_rank(x, subject).p, 4)
    0.0455
    """
    texts = {
        "normal": "signed rank, clusters, Rosner–Glynn–Lee statistic, zeros dropped, normal approximation",
        "permutation": "signed rank, clusters, Rosner–Glynn–Lee statistic, zeros dropped, all sign flips of clusters, "
        "exact by convolution",
        "datta_satten": "signed rank, clusters, Datta–Satten, zeros ranked with sign 0, normal approximation",
    }
    if method not in texts:
        raise ValueError(f"method is one of {', '.join(texts)}")
    check(alternative)
    text = texts[method] + SAID[alternative]
    x = numbers(x)
    keep = ~np.isnan(x)
    labels = cluster_codes(cluster, keep)
    x = x[keep]
    if x.size == 0:
        return undefined("no ratings", method=text)
    if not x.any():
        return undefined("every answer is 'no difference'", n=x.size, method=text)
    if np.unique(labels[x != 0]).size < 2:
        return undefined("fewer than two subjects with an answer other than 3", n=x.size, method=text)
    if method == "datta_satten":
        z = _datta_satten(x, labels)
        if np.isnan(z):
            return undefined(CANCEL, n=x.size, method=text)
        return Result(statistic=z, p=normal_p(z, alternative), n=x.size, method=text)
    sums = cluster_sums(x, labels)
    scale = np.sqrt((sums**2).sum())
    if scale == 0:
        return undefined(CANCEL, n=x.size, method=text)
    z = float(sums.sum() / scale)
    if method == "normal":
        return Result(statistic=z, p=normal_p(z, alternative), n=x.size, method=text)
    found = flips.tail(
        np.rint(2 * sums), alternative=alternative
    )  # mid-ranks are halves, so twice their sums are integers, without rounding
    if found.step > 1:
        text += f", lattice coarsened {found.step} times: p is an upper bound, at least {found.low:.3g}"
    return Result(statistic=z, p=found.high, n=x.size, method=text)


def cluster_sums(x: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Signed mid-ranks of |x| (zeros dropped) summed per cluster; ``labels`` are 0 … k − 1."""
    nonzero = x != 0
    values = x[nonzero]
    signed = np.sign(values) * midranks(np.abs(values))
    return np.bincount(labels[nonzero], weights=signed, minlength=int(labels.max()) + 1).astype(np.float64)


def _datta_satten(x: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    sizes = np.bincount(labels).astype(np.float64)
    magnitudes, level = np.unique(np.abs(x), return_inverse=True)
    counts = np.zeros((sizes.size, magnitudes.size))
    np.add.at(counts, (labels, level), 1.0)
    # mid-distribution functions of |x|: per cluster, their sum, and pooled over all values
    each = (np.cumsum(counts, axis=1) - counts / 2) / sizes[:, None]
    together = each.sum(axis=0)
    pooled = (each * sizes[:, None]).sum(axis=0) / x.size
    sign = np.sign(x)
    own = np.bincount(labels, weights=sign) / sizes
    others = np.bincount(labels, weights=sign * (together[level] - each[labels, level])) / sizes
    expected = np.bincount(labels, weights=sign * pooled[level]) / sizes
    spread = np.sqrt(((own + (sizes.size - 1) * expected) ** 2).sum())
    return np.nan if negligible(spread, sizes.size) else float((own + others).sum() / spread)
