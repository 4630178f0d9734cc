"""Agreement between readers, pair by pair and together, as the results page shows it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import jackknife
from analysis.statistics.chance import gwet_ac, krippendorff_alpha, weighted_kappa
from analysis.statistics.correlation import complete_pairs, concordance, icc, kendall_w, spearman
from analysis.statistics.proportions import clopper_pearson
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, numbers

__all__ = [
    "concordance",
    "gwet_ac",
    "icc",
    "kendall_w",
    "krippendorff_alpha",
    "percent",
    "spearman",
    "summary",
    "weighted_kappa",
]


def percent(x: ArrayLike, y: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95) -> Result:
    """Share of pairs in which both gave the same score; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Scores of one length; pairs with a NaN are left out.
    cluster : array_like, optional
        The subject of each pair; the interval then respects it.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is a share, 0 to 1; ``n`` counts pairs. Undefined without pairs.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, a value is infinite, or a pair has no cluster.

    Notes
    -----
    Exact interval of Clopper & Pearson; or, with clusters, by leaving out each (``jackknife``), and where all or none
    of the scores are equal Clopper & Pearson's with each cluster counted once.

    References
    ----------
    Clopper & Pearson 1934.

    Examples
    --------
    >>> from analysis.statistics.agreement import percent
    >>> found = percent([1, 2, 3, 4], [1, 2, 3, 3])
    >>> found.estimate, [round(bound, 4) for bound in found.ci]
    (0.75, [0.1941, 0.9937])
    """
    text = "share of equal scores, Clopper–Pearson interval"
    keep = ~(np.isnan(numbers(x)) | np.isnan(numbers(y)))
    x, y = complete_pairs(x, y)
    if x.size == 0:
        return undefined("no pairs", method=text, confidence=confidence)
    equal = x == y
    hits, n = int(equal.sum()), x.size
    if cluster is None:
        return Result(
            estimate=hits / n,
            ci=clopper_pearson(hits, n, confidence=confidence),
            n=n,
            method=text,
            confidence=confidence,
        )
    labels = cluster_codes(cluster, keep)
    groups = int(labels.max()) + 1
    if hits in (0, n):
        ci = clopper_pearson(groups if hits else 0, groups, confidence=confidence)
        return Result(estimate=hits / n, ci=ci, n=n, method=f"{text}, each subject counted once", confidence=confidence)
    found = Result(
        estimate=hits / n,
        n=n,
        method="share of equal scores, interval by leaving out each subject",
        confidence=confidence,
    )
    size = np.bincount(labels)[:, None].astype(np.float64)
    own = np.bincount(labels, weights=equal)[:, None].astype(np.float64)
    low, high = jackknife.ratio_bounds(own, size, confidence=confidence)[:, 0]
    if np.isnan(low):
        return replace(found, reason="no interval from one subject" if groups < 2 else jackknife.SAME)
    return replace(found, ci=(max(0.0, float(low)), min(1.0, float(high))))


def summary(
    matrix: NDArray[np.float64],
    readers: Sequence[str],
    *,
    categories: Sequence[float],
    cluster: NDArray[np.intp],
    pairs: bool = True,
) -> dict[str, Any]:
    """All agreement statistics of one cell as JSON-able data.

    Parameters
    ----------
    matrix : ndarray of float64, shape (units, readers)
        Scores, NaN where not rated.
    readers : sequence of str
        Their codes.
    categories : sequence of float
        All values that a score may have, ascending.
    cluster : ndarray of int, shape (units,)
        The subject of each unit.
    pairs : bool, default True
        Whether pairs of readers are listed.

    Returns
    -------
    dict
        ``pairs`` (Spearman, percent, linear and quadratic kappa), ``krippendorff_alpha``, ``gwet_ac2``, ``kendall_w``
        and ``icc`` of six forms.

    Notes
    -----
    Spearman, percent and kappa are pairwise complete, ICC and W use units rated by all readers, alpha and AC2 use all.
    All intervals leave out each subject once.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis.statistics.agreement import summary
    >>> scores = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 4.0], [3.0, 3.0]])
    >>> found = summary(scores, ["R1", "R2"], categories=range(1, 6), cluster=np.arange(4))
    >>> sorted(found)
    ['gwet_ac2', 'icc', 'kendall_w', 'krippendorff_alpha', 'pairs']
    >>> found["pairs"][0]["percent"]["estimate"]
    0.75
    """
    listed = []
    for a, b in combinations(range(len(readers)), 2) if pairs else ():
        x, y = matrix[:, a], matrix[:, b]
        kappas = {
            f"kappa_{kind}": weighted_kappa(x, y, categories=categories, weights=kind, cluster=cluster).as_estimate()
            for kind in ("linear", "quadratic")
        }
        listed.append(
            {
                "reader_a": readers[a],
                "reader_b": readers[b],
                "spearman": spearman(x, y, cluster=cluster).as_estimate(),
                "percent": percent(x, y, cluster=cluster).as_estimate(),
                **kappas,
            }
        )
    return {
        "pairs": listed,
        "krippendorff_alpha": krippendorff_alpha(
            matrix, level="ordinal", categories=categories, cluster=cluster
        ).as_estimate(),
        "gwet_ac2": gwet_ac(matrix, categories=categories, weights="ordinal", cluster=cluster).as_estimate(),
        "kendall_w": kendall_w(matrix, cluster=cluster).as_estimate(),
        "icc": {name: result.as_estimate() for name, result in icc(matrix, cluster=cluster).items()},
    }
