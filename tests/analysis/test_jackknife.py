"""Intervals by leaving out each subject: against hand computation, linearised errors and simulated coverage."""

import numpy as np
import pytest
from scipy import stats

from analysis.few_subjects import ENOUGH, differing_subjects, few_subjects
from analysis.statistics import jackknife
from analysis.statistics.agreement import (
    gwet_ac,
    icc,
    kendall_w,
    krippendorff_alpha,
    percent,
    spearman,
    weighted_kappa,
)

SCALE = range(1, 6)
CHANCE = np.random.default_rng(3)


def readings(subjects: int, cases: int, readers: int = 3, *, alike: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Scores of units by readers and the subject of each unit; units of one subject are ``alike``."""
    level = CHANCE.normal(size=subjects)[:, None] * np.sqrt(alike)
    units = (level + CHANCE.normal(size=(subjects, cases)) * np.sqrt(1 - alike)).ravel()
    scores = np.clip(np.rint(3 + units[:, None] + 0.5 * CHANCE.normal(size=(units.size, readers))), 1, 5)
    return scores, np.repeat(np.arange(subjects), cases)


STATISTICS = {
    "alpha": lambda x, of: krippendorff_alpha(x, cluster=of),
    "ac2": lambda x, of: gwet_ac(x, categories=SCALE, cluster=of),
    "w": lambda x, of: kendall_w(x, cluster=of),
    "icc1": lambda x, of: icc(x, cluster=of).ICC1,
    "icc2": lambda x, of: icc(x, cluster=of).ICC2,
    "icc3": lambda x, of: icc(x, cluster=of).ICC3,
    "spearman": lambda x, of: spearman(x[:, 0], x[:, 1], cluster=of),
    "kappa": lambda x, of: weighted_kappa(x[:, 0], x[:, 1], categories=SCALE, cluster=of),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_each_subject_is_left_out_as_if_it_had_not_been_there(name, monkeypatch):
    x, of = readings(12, 4)
    told = []
    bounds = jackknife.bounds
    monkeypatch.setattr(jackknife, "bounds", lambda *a, **k: told.append(a[1].ravel()) or bounds(*a, **k))
    found = STATISTICS[name](x, of)
    without = np.tanh(told[("icc1", "icc2", "icc3").index(name) if name.startswith("icc") else 0])
    expected = [STATISTICS[name](x[of != one], of[of != one]).estimate for one in range(12)]
    assert without == pytest.approx(expected, abs=1e-12)
    assert found.ci[0] < found.estimate < found.ci[1]


@pytest.mark.parametrize("name", [*STATISTICS, "percent"])
def test_units_of_one_subject_widen_the_interval(name):
    x, of = readings(30, 12, alike=0.95)
    make = STATISTICS.get(name, lambda x, of: percent(x[:, 0], x[:, 1], cluster=of))
    together, alone = make(x, of).ci, make(x, np.arange(len(of))).ci
    if name in ("percent", "ac2"):  # what readers get wrong does not hang on the subject here
        assert np.ptp(together) == pytest.approx(np.ptp(alone), rel=0.6)
    else:
        assert np.ptp(together) > 1.3 * np.ptp(alone)


def test_the_mean_of_equal_subjects_has_the_interval_of_the_t_test():
    x = CHANCE.normal(size=200)[:, None]
    found = jackknife.ratio_bounds(x, np.ones_like(x), confidence=0.9)[:, 0]
    assert found == pytest.approx(stats.ttest_1samp(x[:, 0], 0).confidence_interval(0.9), abs=0.004)


def test_a_subject_who_rated_nothing_in_a_cell_does_not_count_there():
    above, below = np.array([[1.0], [2.0], [4.0], [0.0]]), np.array([[2.0], [2.0], [3.0], [0.0]])
    assert jackknife.ratio_bounds(above, below, confidence=0.95) == pytest.approx(
        jackknife.ratio_bounds(above[:3], below[:3], confidence=0.95)
    )


def test_a_mean_has_no_more_degrees_than_sizes_leave(monkeypatch):
    """Six of 42 subjects with most of the ratings happen to agree: their distances alone would tell nothing of it."""
    n = np.resize([3.0, 3, 3, 6, 6, 9, 30], 42)
    x = np.where(n == 30, 0.5, np.resize([0.0, 1.0], 42))
    estimate = (n @ x) / n.sum()
    without = (n @ x - n * x) / (n.sum() - n)
    error = np.sqrt(41 * 41 / 42 * without.var(ddof=1))  # the jackknife's, 41/42 Σ(θ₍ᵢ₎ − θ₍.₎)²
    assert jackknife.degrees((without - without.mean())[:, None], 41.0)[0] > 35
    monkeypatch.setattr(jackknife, "SKEWNESS", 0.0)
    reach = stats.t.ppf(0.975, (n**2).sum() ** 2 / (n**4).sum())
    found = jackknife.ratio_bounds((n * x)[:, None], n[:, None], confidence=0.95)[:, 0]
    assert found == pytest.approx(estimate + np.array([-1, 1]) * reach * error, abs=1e-12)


def test_where_all_readers_agree_subjects_count_once():
    x = np.tile([1.0, 2.0, 3.0, 4.0], 5)
    found = percent(x, x, cluster=np.repeat(np.arange(5), 4))
    assert found.ci == (pytest.approx(0.025 ** (1 / 5)), 1.0)


def test_few_or_uneven_subjects_are_marked():
    alike, one_large = np.full((24, 1), 3.0), np.r_[np.full(23, 3.0), 60.0][:, None]
    assert differing_subjects(alike, alike)[0] == pytest.approx(24)
    assert few_subjects(alike, alike) == [None]
    assert f"from {ENOUGH} on" in few_subjects(one_large, one_large)[0]
    silent = np.where(np.arange(24)[:, None] < 10, 0.0, 1.0)
    assert few_subjects(alike, silent)[0] is not None


@pytest.mark.parametrize("sizes", [[3], [3, 3, 3, 6, 6, 9]])
def test_intervals_cover_where_the_percentile_bootstrap_does_not(sizes):
    """A small run of benchmarks.coverage: 2,000 studies of 12 subjects, within what chance allows."""
    n = np.resize(sizes, 12).astype(float)
    values = CHANCE.choice([-1.0, 0.0, 1.0], p=[0.2, 0.5, 0.3], size=(2_000, 12))
    total = (values * n).T[:, :]
    low, high = jackknife.ratio_bounds(total, np.repeat(n[:, None], 2_000, axis=1), confidence=0.95)
    covered = float(np.mean((low <= 0.1) & (high >= 0.1)))
    drawn = CHANCE.multinomial(12, np.full(12, 1 / 12), size=500)
    means = (drawn @ total) / (drawn @ n)[:, None]
    first, last = np.quantile(means, [0.025, 0.975], axis=0)
    assert covered == pytest.approx(0.95, abs=0.025)
    assert float(np.mean((first <= 0.1) & (last >= 0.1))) < 0.93
