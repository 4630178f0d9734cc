"""Signed rank, rank sum and their clustered forms against R, Hollander & Wolfe and the published Table 2."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.preference import cluster_signed_rank, orient, rank_sum, rank_sum_mirror, signed_rank


def test_orientation_puts_the_first_arm_above_three():
    assert orient([5, 5, 3, 1], [True, False, True, False]).tolist() == [5, 1, 3, 5]
    assert np.isnan(orient([np.nan], [True])[0])


@pytest.mark.reference("signed rank", "wilcox.test of R", version="4.2.2")
def test_signed_rank_equals_r(scores, r):
    x = scores["r1"] - 3
    plain, corrected = signed_rank(x), signed_rank(x, correction=True)
    assert plain.statistic == r["signed_rank_V_plain"]
    assert plain.p == pytest.approx(r["signed_rank_p_plain"], rel=1e-12)
    assert corrected.p == pytest.approx(r["signed_rank_p_corrected"], rel=1e-12)
    assert plain.n == 60


@pytest.mark.reference("signed rank", "SciPy", package="scipy")
def test_signed_rank_equals_scipy_without_ties():
    x = np.random.default_rng(0).normal(0.3, 1, 40)
    normal = stats.wilcoxon(x, method="asymptotic", correction=False)
    assert signed_rank(x).p == pytest.approx(normal.pvalue, rel=1e-10)
    assert signed_rank(x, method="exact").p == pytest.approx(stats.wilcoxon(x, method="exact").pvalue, rel=1e-10)


@pytest.mark.reference("signed rank", "coin, R", version="R 4.2.2, Debian 12")
def test_pratt_and_exact_equal_coin(scores, r):
    x = scores["r1"] - 3
    assert signed_rank(x, zero_method="pratt").p == pytest.approx(r["pratt_p"], rel=1e-10)
    assert signed_rank(x, zero_method="pratt", method="exact").p == pytest.approx(r["pratt_exact_p"], rel=1e-10)
    assert signed_rank(x, method="exact").p == pytest.approx(r["wilcox_exact_p"], rel=1e-10)


@pytest.mark.reference("signed rank", "Hollander and Wolfe, depression data", version="1999")
def test_depression_data_of_hollander_and_wolfe():
    """Nonparametric Statistical Methods, table 3.1 (also in R's help page): V = 40, one-sided p = 0.01953."""
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    result = signed_rank(before - after, method="exact")
    assert result.statistic == 40
    assert result.p == pytest.approx(2 * 0.01953125)


# Table 2 of Bash et al.: standard deviation and p as printed, of the cells that print p as a number. Their means are
# 3.0. Answers other than 2, 3, 4 do not fit such a small SD.
PRINTED = [
    (0.3, "0.41"), (0.2, "0.25"), (0.3, "0.56"), (0.2, "0.64"), (0.3, "0.30"), (0.1, "0.26"),
    (0.2, "0.25"), (0.1, "0.16"), (0.1, "1.00"), (0.1, "0.10"), (0.1, "0.41"),
]  # fmt: skip


@pytest.mark.parametrize(("sd", "p"), PRINTED)
def test_pooled_signed_rank_can_print_the_p_values_of_table_2(sd, p):
    """Some counts of 333 ratings give the printed mean, SD and p together."""
    for worse in range(35):
        for better in range(35):
            if worse + better == 0:
                continue
            x = np.repeat([-1, 0, 1], [worse, 333 - worse - better, better])
            if f"{x.mean() + 3:.1f}" == "3.0" and f"{x.std(ddof=1):.1f}" == f"{sd}" and f"{signed_rank(x).p:.2f}" == p:
                return
    pytest.fail("no counts give this cell")


def test_continuity_correction_cannot_print_the_p_of_one():
    """ "1" (cord/CSF contrast) and "0.16" need the normal approximation without correction."""
    x = np.repeat([0, 1], [331, 2])
    assert f"{signed_rank(x).p:.2f}" == "0.16"
    assert f"{signed_rank(x, correction=True).p:.2f}" != "0.16"


@pytest.mark.reference("signed rank", "wilcox.test of R", version="4.2.2")
def test_rank_sum_equals_r_and_scipy(scores, r):
    x, y = scores["r1"] - 3, scores["r2"] - 3
    plain = rank_sum(x, y)
    assert plain.statistic == r["rank_sum_W_plain"]
    assert plain.p == pytest.approx(r["rank_sum_p_plain"], rel=1e-10)
    assert rank_sum(x, y, correction=True).p == pytest.approx(r["rank_sum_p_corrected"], rel=1e-10)
    scipy = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    assert plain.p == pytest.approx(scipy.pvalue, rel=1e-10)


def test_mirror_is_the_rank_sum_against_the_mirrored_scores(scores):
    preference = scores["r1"].to_numpy()
    scipy = stats.mannwhitneyu(preference, 6 - preference, use_continuity=False, method="asymptotic")
    mirror = rank_sum_mirror(preference - 3)
    assert (mirror.statistic, mirror.p) == (scipy.statistic, pytest.approx(scipy.pvalue, rel=1e-10))
    assert "type I error" in mirror.method


@pytest.mark.reference(
    "clustered tests", "Rosner et al. 2006, Datta and Satten 2008, written out in R", version="4.2.2"
)
def test_clustered_tests_equal_the_formulas_of_the_papers(scores, r):
    x, subject = scores["r1"] - 3, scores["subject"]
    normal = cluster_signed_rank(x, subject)
    assert normal.statistic == pytest.approx(r["rgl_z"], rel=1e-12)
    assert normal.p == pytest.approx(r["rgl_p"], rel=1e-12)
    few = subject <= 10
    exact = cluster_signed_rank(x[few], subject[few], method="permutation")
    assert exact.p == pytest.approx(r["rgl_few_exact_p"], rel=1e-12)
    datta = cluster_signed_rank(x, subject, method="datta_satten")
    assert datta.statistic == pytest.approx(r["datta_satten_z"], rel=1e-10)
    assert datta.p == pytest.approx(r["datta_satten_p"], rel=1e-10)


def test_the_permutation_test_comes_close_to_the_normal_one_and_has_its_statistic(scores):
    x, subject = scores["r2"] - 3, scores["subject"]
    exact, normal = (cluster_signed_rank(x, subject, method=method) for method in ("permutation", "normal"))
    assert exact.statistic == normal.statistic
    assert exact.p == pytest.approx(normal.p, abs=0.01)


def test_clusters_of_one_give_the_unclustered_permutation_test():
    x = np.array([1, -1, 2, 1, 1, 2, -1, 1, 0, 1, 2, -2.0])
    clustered = cluster_signed_rank(x, np.arange(12), method="permutation")
    assert clustered.p == pytest.approx(signed_rank(x, method="exact").p, rel=1e-12)


def test_primary_test_keeps_its_level_where_the_pooled_one_does_not():
    """61 subjects, shared tastes: nominal 0.05 (2,000 studies, so ± 0.01)."""
    random = np.random.default_rng(1)
    subject = np.concatenate([np.arange(61), random.integers(0, 61, 50)])
    rejected = np.zeros(2)
    for _ in range(2000):
        taste = random.normal(0, 0.6, 61)[subject]
        x = np.clip(np.round(taste[:, None] + random.normal(0, 0.6, (111, 3))), -2, 2).ravel()
        clustered = cluster_signed_rank(x, np.repeat(subject, 3))
        rejected += [clustered.p < 0.05, signed_rank(x).p < 0.05]
    assert 0.035 < rejected[0] / 2000 < 0.065
    assert rejected[1] / 2000 > 0.12


@pytest.mark.parametrize("method", ["normal", "permutation", "datta_satten"])
@pytest.mark.parametrize(
    ("x", "cluster", "reason"),
    [
        ([], [], "no ratings"),
        ([np.nan], [1], "no ratings"),
        ([0, 0, 0], [1, 2, 3], "every answer is 'no difference'"),
        ([1, 1, -1], [4, 4, 4], "fewer than two subjects with an answer other than 3"),
    ],
)
def test_undefined_clustered_tests_say_why(method, x, cluster, reason):
    result = cluster_signed_rank(x, cluster, method=method)
    assert (result.p, result.statistic, result.reason) == (None, None, reason)


def test_undefined_tests_say_why():
    assert signed_rank([]).reason == "no ratings"
    assert signed_rank([0, 0]).reason == "every answer is 'no difference'"
    assert signed_rank([0, 0]).p is None
    assert rank_sum([1, 1], [1, 1]).reason == "all values are the same"
    assert rank_sum_mirror([0.0, 0.0]).p is None
    assert signed_rank(np.ones(1500), method="exact").reason == "exact only up to 1000 differences"
    assert signed_rank(np.ones(5)).p == pytest.approx(2 * stats.norm.sf(np.sqrt(5)))


def test_missing_ratings_are_left_out():
    assert signed_rank([1, np.nan, -1, 2]) == signed_rank([1, -1, 2])
