"""The test that the protocol names as the primary one, on any part of the scores, and the arm that it favours."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.protocol import ALPHA
from analysis.statistics.preference import cluster_signed_rank, signed_rank
from analysis.statistics.result import Result
from analysis.statistics.values import negligible

METHODS: dict[str, Literal["normal", "permutation", "datta_satten"]] = {
    "cluster_sign_flip": "normal",
    "cluster_permutation": "permutation",
    "datta_satten": "datta_satten",
}


def run(name: str, x: NDArray[np.float64], subject: NDArray[np.intp]) -> Result:
    """One of the protocol's tests of scores − 3."""
    return signed_rank(x) if name == "as_published" else cluster_signed_rank(x, subject, method=METHODS[name])


def favours(name: str, test: Result, x: NDArray[np.float64]) -> Literal["first", "second", "neither"]:
    """The arm for which this test of ``x`` rejects, not adjusted."""
    if test.p is None or test.statistic is None or test.p >= ALPHA:
        return "neither"
    side = test.statistic
    if name == "as_published":  # V, the sum of positive ranks, whose middle is half the sum of all ranks
        decided = np.count_nonzero(x[~np.isnan(x)])
        side -= decided * (decided + 1) / 4
    return "neither" if negligible(abs(side), 1) else "first" if side > 0 else "second"
