"""The Dirichlet mean against exact laws, and the subject not seen."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.bounded_mean import ENOUGH, LEAST_WEIGHT, exceedance, p_below, unseen, upper_limit


def exceeds(values, limit: float, reach: float, weight: float) -> float:
    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    return float(exceedance(distinct, counts[None].astype(float), limit, np.array([reach]), np.array([weight]))[0])


@pytest.mark.parametrize(("n", "limit"), list(product((2, 8, 61, 1000), (0.02, 0.1, 0.4))))
def test_values_of_0_and_the_bound_give_the_binomial_tail(n, limit):
    for hits in {0, 1, n // 20, n // 3}:
        values = np.repeat([0.0, 1.0], [n - hits, hits])
        exact = stats.binom.cdf(hits, n, limit)
        assert exceeds(values, limit, 1.0, 1.0) == pytest.approx(max(exact, 1e-100), rel=1e-7)


def test_distinct_values_give_the_partial_fractions_of_exponentials():
    """Σ c·E > 0 for exponentials E and distinct c has the probability Σ over c > 0 of Π c/(c − other)."""
    values, reach = [-0.9, -0.3, 0.0, 0.2, 0.7], 1.0
    for limit in (-0.5, -0.05, 0.1, 0.35, 0.69, 0.9):
        c = np.array([*values, reach]) - limit
        exact = sum(np.prod([one / (one - other) for other in c if other != one]) for one in c if one > 0)
        assert exceeds(values, limit, reach, 1.0) == pytest.approx(exact, rel=1e-8)


def test_fractions_of_a_subject_are_gamma_variables():
    random = np.random.default_rng(0)
    values = random.choice([-0.5, 0.0, 0.25, 1.0], size=15)
    drawn = random.dirichlet([*np.ones(15), 0.4], size=400_000) @ [*values, 1.5]
    for limit in (-0.1, 0.1, 0.3):
        share = (drawn >= limit).mean()
        assert exceeds(values, limit, 1.5, 0.4) == pytest.approx(share, abs=4 * np.sqrt(share / 400_000))


def test_p_falls_with_the_limit_and_crosses_the_tail_at_the_confidence_limit():
    values = np.random.default_rng(1).choice([-1, 0, 0, 0, 0, 0.5, 1], size=(1, 25))
    p = np.concatenate([p_below(values, limit, bound=1.0) for limit in np.linspace(-1, 1, 81)])
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()
    limit = upper_limit(values[0], bound=1.0, tail=0.05, least=values.mean())
    assert p_below(values, limit, bound=1.0)[0] == pytest.approx(0.05, abs=1e-6)
    assert upper_limit(values[0], bound=1.0, tail=0.05, least=0.9) == 0.9
    assert upper_limit(np.ones(5), bound=1.0, tail=0.05, least=1.0) == 1.0


def test_studies_side_by_side_have_the_p_values_of_each_alone():
    values = np.random.default_rng(2).choice([-2, -1, 0, 0, 0, 0, 1, 2], size=(450, 12)) / 2
    together = p_below(values, 0.3, bound=1.0)
    assert together[::50] == pytest.approx([p_below(row[None], 0.3, bound=1.0)[0] for row in values[::50]], rel=1e-9)
    assert p_below(values[:0], 0.3, bound=1.0).size == 0


def test_the_subject_not_seen_is_at_the_bound_until_others_differ():
    def subject(values):
        distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
        reach, weight = unseen(distinct, counts[None].astype(float), 2.0)
        return reach[0], weight[0]

    assert subject(np.zeros(30)) == (2.0, 1.0)
    assert subject(np.full(30, 0.5)) == (2.0, 1.0)
    enough = round(ENOUGH) + 2
    even = np.repeat([-0.5, 0.0, 0.5], [enough // 2, 2 * enough, enough // 2])
    assert subject(even) == pytest.approx((0.5, LEAST_WEIGHT))
    assert subject(-np.repeat([0.0, 0.5], [20, 20])) == pytest.approx((0.5, LEAST_WEIGHT))
    noisy = np.tile([-0.1, 0.0, 0.0, 0.1], 15)  # many who differ by a twentieth of the bound tell nothing of its end
    assert subject(noisy)[0] > 1.8
    rare = np.repeat([0.0, 0.5], [60, enough])
    assert subject(rare)[1] > 1.5 * LEAST_WEIGHT
    one_strong = np.concatenate([np.full(25, 0.01), [1.0], np.zeros(30)])
    assert subject(one_strong)[0] > 1.95
