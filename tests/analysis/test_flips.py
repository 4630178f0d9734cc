"""The exact permutation test against enumeration of every sign, at any number of subjects."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.flips import tail
from analysis.statistics.preference import cluster_signed_rank


def enumerated(values: np.ndarray) -> float:
    """All 2^k signs, one by one."""
    signs = np.array(list(product([1, -1], repeat=len(values))))
    return float(np.mean(np.abs(signs @ values) >= abs(values.sum())))


def by_hand(x: np.ndarray, cluster: np.ndarray) -> float:
    """The clustered permutation test written out with SciPy's ranks and every flip of whole clusters."""
    some = x != 0
    signed = np.sign(x[some]) * stats.rankdata(np.abs(x[some]))
    sums = np.array([signed[cluster[some] == label].sum() for label in np.unique(cluster[some])])
    return enumerated(2 * sums)


@pytest.mark.parametrize("k", range(1, 13))
def test_a_tail_is_the_share_of_all_signs(k):
    random = np.random.default_rng(k)
    for _ in range(10):
        values = random.integers(-30, 31, k)
        found = tail(values)
        assert found.low == found.high == pytest.approx(enumerated(values), rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_clustered_test_is_that_of_all_flips(seed):
    random = np.random.default_rng(seed)
    cluster = np.sort(random.integers(0, 11, 40))
    x = np.clip(np.round(random.normal(0.3, 1, 40)), -2, 2)
    result = cluster_signed_rank(x, cluster, method="permutation")
    assert result.p == pytest.approx(by_hand(x, cluster), rel=1e-12)


def test_four_informative_subjects_cannot_reach_five_percent():
    """One answer of four subjects, all for the same arm: 2 of 16 flips, where the normal z says 0.046."""
    x, cluster = [1, 1, 1, 1, *[0] * 20], range(24)
    assert cluster_signed_rank(x, cluster, method="permutation").p == 0.125
    assert cluster_signed_rank(x, cluster).p == pytest.approx(0.0455, abs=1e-4)


def test_it_needs_no_seed_and_ends_nowhere_in_zero():
    """2^-k for k subjects of one mind, and the smallest float where that underflows."""
    for k in (61, 500):
        result = cluster_signed_rank(np.ones(k), np.arange(k), method="permutation")
        assert result.p == pytest.approx(2.0 ** (1 - k), rel=1e-9)
    assert 0 < cluster_signed_rank(np.ones(2000), np.arange(2000), method="permutation").p < 1e-300


def test_many_subjects_are_as_the_binomial_says():
    """Subjects that count alike are coins: the sign test, exact at any number."""
    for k, first in ((61, 40), (333, 190), (3000, 1560)):
        x = np.repeat([1.0, -1.0], [first, k - first])
        p = cluster_signed_rank(x, np.arange(k), method="permutation").p
        assert p == pytest.approx(stats.binomtest(first, k).pvalue, rel=1e-9)


def test_a_lattice_that_is_too_large_gives_bounds_that_hold():
    random = np.random.default_rng(2)
    for k, work in ((8, 1_000), (30, 100_000), (200, 1_000_000)):
        values = random.integers(-5000, 5001, k) + 500
        exact, rough = tail(values), tail(values, work=work)
        assert exact.step == 1
        assert rough.step > 1
        assert rough.low <= exact.high <= rough.high
    values = random.integers(-40_000, 40_001, 1000) + 2_000
    rough = tail(values)
    assert rough.step > 1
    assert rough.low < 2 * stats.norm.sf(values.sum() / np.sqrt((values**2).sum())) < rough.high
    assert rough.high / rough.low < 1.15


def test_a_coarsened_test_says_what_its_p_is(monkeypatch):
    from analysis.statistics import flips

    monkeypatch.setattr(flips.tail, "__kwdefaults__", {"work": 10_000})
    random = np.random.default_rng(0)
    result = cluster_signed_rank(random.integers(-2, 3, 300), np.repeat(np.arange(60), 5), method="permutation")
    assert "p is an upper bound, at least" in result.method


@pytest.mark.parametrize("labels", [[1, 2, np.nan, np.nan], ["a", None, "b", "c"], np.array([1, np.nan, 2, 3])])
@pytest.mark.parametrize("method", ["normal", "permutation", "datta_satten"])
def test_values_without_a_cluster_are_refused_and_are_not_one_cluster(labels, method):
    with pytest.raises(ValueError, match="its label is missing"):
        cluster_signed_rank([1, 1, -1, 1], labels, method=method)
