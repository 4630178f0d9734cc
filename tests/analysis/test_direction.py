"""One-sided tests: against R, and against every flip written out; scores outside the categories are refused alike."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from analysis.statistics import flips
from analysis.statistics.agreement import gwet_ac, krippendorff_alpha, spearman
from analysis.statistics.paired import paired_t, pearson
from analysis.statistics.preference import cluster_signed_rank, rank_sum, signed_rank
from analysis.statistics.proportions import binomial
from tests.analysis.conftest import FOLDER

SIDES = ("greater", "less")


@pytest.fixture(scope="module")
def direction() -> dict[str, float]:
    """What R gives (reference/make_direction.R)."""
    frame = pd.read_csv(FOLDER / "direction.csv")
    return dict(zip(frame["name"], frame["value"], strict=True))


@pytest.mark.parametrize("side", SIDES)
def test_one_sided_p_values_are_those_of_r(direction, scores, two_samples, side):
    x, y, a, b = scores["r1"] - 3, scores["r2"] - 3, two_samples["a"], two_samples["b"]
    found = {
        f"signed_rank_{side}": signed_rank(x, alternative=side),
        f"signed_rank_{side}_corrected": signed_rank(x, correction=True, alternative=side),
        f"rank_sum_{side}": rank_sum(x, y, alternative=side),
        f"rank_sum_{side}_corrected": rank_sum(x, y, correction=True, alternative=side),
        f"exact_{side}": signed_rank(a - b, method="exact", alternative=side),
        f"paired_t_{side}": paired_t(a, b, alternative=side),
        f"pearson_{side}": pearson(a, b, alternative=side),
        f"binomial_{side}": binomial(14, 45, alternative=side),
    }
    assert {name: result.p for name, result in found.items()} == pytest.approx(
        {name: direction[name] for name in found}
    )
    assert all(result.method.endswith(f"one-sided: {side}") for result in found.values())
    # R takes t of Spearman's rho from the sum of squares without ties, as here
    assert spearman(a[:12], b[:12], alternative=side).p == pytest.approx(direction[f"spearman_{side}"])


@pytest.mark.parametrize("values", [[3, 1, -2, 5], [-3, -1, 2, -5], [1, 1, 1, 1], [-1, -1], [2, -2], [4, 4, -1, -7, 2]])
@pytest.mark.parametrize("side", SIDES)
def test_a_tail_of_flips_is_the_share_of_all_flips(values, side):
    sums = np.array([np.dot(signs, values) for signs in product((-1, 1), repeat=len(values))])
    observed = sum(values)
    share = (sums >= observed).mean() if side == "greater" else (sums <= observed).mean()
    assert flips.tail(values, alternative=side).high == pytest.approx(share)


@pytest.mark.parametrize("side", SIDES)
def test_a_coarsened_tail_bounds_the_exact_one(side):
    values = np.random.default_rng(1).integers(-40, 60, 30)
    exact = flips.tail(values, alternative=side)
    coarse = flips.tail(values, alternative=side, work=3_000)
    assert coarse.step > 1
    assert coarse.low <= exact.low <= exact.high <= coarse.high


@pytest.mark.parametrize("method", ["normal", "permutation", "datta_satten"])
def test_sides_of_the_clustered_test_mirror_each_other(scores, method):
    x, subject = scores["r1"] - 3, scores["subject"]
    greater = cluster_signed_rank(x, subject, method=method, alternative="greater").p
    assert cluster_signed_rank(-x, subject, method=method, alternative="less").p == pytest.approx(greater)
    both = cluster_signed_rank(x, subject, method=method)
    towards = "greater" if both.statistic > 0 else "less"
    one = cluster_signed_rank(x, subject, method=method, alternative=towards).p
    assert one == pytest.approx(both.p / 2)


def test_another_word_is_refused():
    for call in (signed_rank, lambda x, **more: cluster_signed_rank(x, [1, 2], **more)):
        with pytest.raises(ValueError, match="alternative is one of two-sided, greater, less"):
            call([1, 2], alternative="both")


@pytest.mark.parametrize("table", [[[1, 2], [6, 2], [3, 3]], [[1, 2], [2, 2], [9, np.nan]]])
def test_scores_outside_the_categories_are_refused_by_alpha_and_ac2_alike(table):
    for coefficient in (gwet_ac, krippendorff_alpha):
        with pytest.raises(ValueError, match="a score is not among the categories"):
            coefficient(np.array(table, dtype=float), categories=range(1, 6))
    assert krippendorff_alpha(np.array(table, dtype=float)).estimate is not None
