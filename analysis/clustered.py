"""Signed rank tests that respect clusters: ratings of one subject are not independent."""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.correlation import midranks
from analysis.result import Result, undefined

EXACT_CLUSTERS = 16
FLIPS = 10_000
BLOCK = 4_000_000


def cluster_signed_rank(
    x: ArrayLike,
    cluster: ArrayLike,
    *,
    method: Literal["normal", "permutation", "datta_satten"] = "normal",
    flips: int = FLIPS,
    seed: int = 0,
) -> Result:
    """Clustered Wilcoxon signed rank test of ``x`` against 0, two-sided; ``cluster`` labels each value.

    "normal": zeros dropped, signed mid-ranks summed per cluster to S; z = ΣS/√ΣS² (Rosner, Glynn & Lee 2006, their
    statistic for equal cluster sizes); the statistic is z. "permutation": the same z, p from flipping the signs of
    whole clusters, all 2^k of them for up to 16 clusters, else ``flips`` random ones with the given seed and
    p = (1 + hits)/(1 + flips). "datta_satten": within-cluster resampling in closed form (Datta & Satten 2008), robust
    to cluster sizes that depend on the answer; zeros take part in the ranking with sign 0. ``n`` counts all finite
    values. Undefined where all values are zero or fewer than two clusters hold any other.
    """
    texts = {
        "normal": "signed rank, clusters, Rosner–Glynn–Lee statistic, zeros dropped, normal approximation",
        "permutation": "signed rank, clusters, Rosner–Glynn–Lee statistic, zeros dropped, sign flips of clusters",
        "datta_satten": "signed rank, clusters, Datta–Satten, zeros ranked with sign 0, normal approximation",
    }
    if method not in texts:
        raise ValueError(f"method is one of {', '.join(texts)}")
    text = texts[method]
    x = np.asarray(x, dtype=np.float64).ravel()
    labels = np.unique(np.asarray(cluster).ravel(), return_inverse=True)[1]
    if labels.size != x.size:
        raise ValueError("x and cluster differ in length")
    keep = ~np.isnan(x)
    x, labels = x[keep], labels[keep]
    if x.size == 0:
        return undefined("no ratings", method=text)
    if not x.any():
        return undefined("every answer is 'no difference'", n=x.size, method=text)
    if np.unique(labels[x != 0]).size < 2:
        return undefined("fewer than two subjects with an answer other than 3", n=x.size, method=text)
    if method == "datta_satten":
        z = _datta_satten(x, labels)
        if np.isnan(z):
            return undefined("the signed ranks of every subject cancel", n=x.size, method=text)
        return Result(statistic=z, p=_two_sided(z), n=x.size, method=text)
    sums = cluster_sums(x, labels)
    scale = np.sqrt((sums**2).sum())
    if scale == 0:
        return undefined("the signed ranks of every subject cancel", n=x.size, method=text)
    z = float(sums.sum() / scale)
    if method == "normal":
        return Result(statistic=z, p=_two_sided(z), n=x.size, method=text)
    decided = sums[sums != 0]
    if decided.size <= EXACT_CLUSTERS:
        return Result(statistic=z, p=_all_flips(decided), n=x.size, method=f"{text}, all 2^{decided.size}")
    return Result(
        statistic=z,
        p=_random_flips(sums, flips, seed),
        n=x.size,
        method=f"{text}, {flips:,} random, seed {seed}",
    )


def cluster_sums(x: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Signed mid-ranks of |x| (zeros dropped) summed per cluster; ``labels`` are 0 … k − 1."""
    nonzero = x != 0
    values = x[nonzero]
    signed = np.sign(values) * midranks(np.abs(values))
    return np.bincount(labels[nonzero], weights=signed, minlength=int(labels.max()) + 1).astype(np.float64)


def _two_sided(z: float) -> float:
    return float(2 * special.ndtr(-abs(z)))


def _all_flips(sums: NDArray[np.float64]) -> float:
    totals = np.zeros(1)
    for value in sums:
        totals = np.concatenate([totals + value, totals - value])
    # sums are halves; rounding away float noise makes the comparison exact
    return float(np.mean(np.round(2 * np.abs(totals)) >= round(2 * abs(sums.sum()))))


@lru_cache(maxsize=1)
def _signs(flips: int, clusters: int, seed: int) -> NDArray[np.int8]:
    """Random signs, flips × clusters; kept for the next cell of the same subjects, hence read-only."""
    signs = np.random.default_rng(seed).integers(0, 2, size=(flips, clusters), dtype=np.int8) * np.int8(2) - np.int8(1)
    signs.setflags(write=False)
    return signs


def _random_flips(sums: NDArray[np.float64], flips: int, seed: int) -> float:
    signs = _signs(flips, sums.size, seed)
    limit, hits, block = round(2 * abs(sums.sum())), 0, max(1, BLOCK // sums.size)
    for start in range(0, flips, block):
        hits += int(np.count_nonzero(np.round(2 * np.abs(signs[start : start + block] @ sums)) >= limit))
    return (1 + hits) / (1 + flips)


def _datta_satten(x: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    labels = np.unique(labels, return_inverse=True)[1]
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
    spread = ((own + (sizes.size - 1) * expected) ** 2).sum()
    return float((own + others).sum() / np.sqrt(spread)) if spread > 0 else np.nan
