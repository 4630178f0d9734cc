"""Agreement between readers, pair by pair and together, as the results page shows it."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.chance import gwet_ac, krippendorff_alpha, weighted_kappa
from analysis.statistics.correlation import complete_pairs, concordance, icc, kendall_w, spearman
from analysis.statistics.proportions import clopper_pearson
from analysis.statistics.result import Result, undefined

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


def percent(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Result:
    """Share of pairs (0 to 1) in which both gave the same score; Clopper–Pearson interval; pairwise complete."""
    text = "share of equal scores, Clopper–Pearson interval"
    x, y = complete_pairs(x, y)
    if x.size == 0:
        return undefined("no pairs", method=text, level=level)
    equal = int((x == y).sum())
    return Result(
        estimate=equal / x.size, ci=clopper_pearson(equal, x.size, level=level), n=x.size, method=text, level=level
    )


def summary(
    matrix: NDArray[np.float64],
    readers: Sequence[str],
    *,
    categories: Sequence[float],
    cluster: NDArray[np.intp],
    seed: int = 0,
    pairs: bool = True,
) -> dict[str, Any]:
    """All agreement statistics of units × readers (NaN = not rated) as JSON; ``cluster`` is the subject per unit."""
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
                "spearman": spearman(x, y).as_estimate(),
                "percent": percent(x, y).as_estimate(),
                **kappas,
            }
        )
    return {
        "pairs": listed,
        "krippendorff_alpha": krippendorff_alpha(matrix, level="ordinal", cluster=cluster, seed=seed).as_estimate(),
        "gwet_ac2": gwet_ac(matrix, categories=categories, weights="ordinal", cluster=cluster).as_estimate(),
        "kendall_w": kendall_w(matrix, cluster=cluster, seed=seed).as_estimate(),
        "icc": {name: result.as_estimate() for name, result in icc(matrix).items()},
    }
