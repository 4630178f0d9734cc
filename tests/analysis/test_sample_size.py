"""Simulated power against exact enumeration and closed forms."""

import json
from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.__main__ import main
from analysis.errors import InputError
from analysis.sample_size import Design, answers, plan, power, simulate, smallest
from analysis.statistics import equivalence
from analysis.statistics.preference import cluster_signed_rank, signed_rank
from analysis.statistics.random_readers import random_readers

INDEPENDENT = {"readers": 1, "subject_correlation": 0.0, "case_correlation": 0.0}


def exact_power(n: int, worse: float, better: float) -> float:
    """Trinomial answers −1, 0, 1: the signed rank z is (b − a)/√(a + b)."""
    total = 0.0
    for decided in range(1, n + 1):
        some = stats.binom.pmf(decided, n, worse + better)
        b = np.arange(decided + 1)
        z = (2 * b - decided) / np.sqrt(decided)
        total += some * stats.binom.pmf(b, decided, better / (worse + better))[2 * stats.norm.sf(abs(z)) < 0.05].sum()
    return float(total)


@pytest.mark.parametrize(("n", "worse", "better"), [(40, 0.1, 0.35), (61, 0.05, 0.15), (30, 0.2, 0.2)])
def test_power_of_independent_subjects_is_the_exact_one(n, worse, better):
    distribution = (0, worse, 1 - worse - better, better, 0)
    design = Design(subjects=n, cases=n, distribution=distribution, test="cluster_sign_flip", **INDEPENDENT)
    found = power(design, studies=20_000)
    assert found["ci"][0] - 0.005 < exact_power(n, worse, better) < found["ci"][1] + 0.005


def test_power_of_equivalence_is_the_closed_form():
    """True difference 0: 2Φ(margin/se − z) − 1 for many subjects (Chow, Shao & Wang)."""
    distribution = (0.05, 0.2, 0.5, 0.2, 0.05)
    sd = np.sqrt(np.dot(distribution, np.array([-2, -1, 0, 1, 2]) ** 2))
    design = Design(subjects=120, cases=120, distribution=distribution, test="equivalence", margin=0.25, **INDEPENDENT)
    closed = 2 * stats.norm.cdf(0.25 / (sd / np.sqrt(120)) - stats.norm.ppf(0.95)) - 1
    assert power(design, studies=10_000)["power"] == pytest.approx(closed, abs=0.03)


def test_power_of_non_inferiority_is_the_closed_form():
    """True difference 0.1: Φ((0.1 + margin)/se − z) for many subjects."""
    distribution = (0.05, 0.15, 0.5, 0.25, 0.05)
    values = np.array([-2, -1, 0, 1, 2])
    mean = np.dot(distribution, values)
    error = np.sqrt((np.dot(distribution, values**2) - mean**2) / 150)
    design = Design(
        subjects=150, cases=150, distribution=distribution, test="noninferiority", margin=0.1, **INDEPENDENT
    )
    closed = stats.norm.cdf((mean + 0.1) / error - stats.norm.ppf(0.95))
    assert power(design, studies=10_000)["power"] == pytest.approx(closed, abs=0.03)


def test_random_readers_cost_power_and_fixed_ones_would_err():
    """Readers with leanings of their own and no preference on the whole: nominal 0.05 only where they are random."""
    null = Design(subjects=61, cases=61, readers=5, distribution=(0, 0.2, 0.6, 0.2, 0), reader_sd=0.3)
    random = Design(**{**null.__dict__, "test": "random_readers"})
    assert power(null, studies=4000)["power"] > 0.15
    assert 0.03 < power(random, studies=4000)["power"] < 0.075


def test_simulated_p_values_are_those_of_the_tests():
    """The vectorised shortcut gives what the functions for real data give."""
    design = Design(subjects=15, cases=22, readers=2, distribution=(0.05, 0.1, 0.4, 0.3, 0.15))
    from analysis import sample_size

    x = np.random.default_rng(0).integers(-2, 3, (5, 22, 2)).astype(np.int8)
    subject = np.sort(np.arange(22) % 15)
    starts = np.searchsorted(subject, np.arange(15))
    methods = {"cluster_permutation": "permutation", "cluster_sign_flip": "normal", "datta_satten": "datta_satten"}
    for test in (*methods, "as_published"):
        p = sample_size._p_values(Design(**{**design.__dict__, "test": test}), x, starts)
        for one, value in zip(x, p, strict=True):
            if test in methods:
                expected = cluster_signed_rank(one.ravel(), np.repeat(subject, 2), method=methods[test])
            else:
                expected = signed_rank(one.ravel())
            assert value == (1 if expected.p is None else pytest.approx(expected.p, rel=1e-10))
    p = sample_size._p_values(Design(**{**design.__dict__, "test": "random_readers"}), x, starts)
    for one, value in zip(x, p, strict=True):
        expected = random_readers(one.ravel().astype(float), np.tile([0, 1], 22), np.repeat(subject, 2))
        assert value == (1 if expected.p is None else pytest.approx(expected.p, rel=1e-10))


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_exact_test_is_simulated_by_decisions_that_are_its_own(alpha):
    """Of many subjects most p values are approximated: each lies on the same side of alpha as the exact one."""
    design = Design(
        subjects=150,
        cases=150,
        readers=2,
        distribution=(0.02, 0.13, 0.6, 0.22, 0.03),
        alpha=alpha,
        test="cluster_permutation",
    )
    studies = answers(design, studies=150, random=np.random.default_rng(1))
    exact = [cluster_signed_rank(x.ravel(), np.repeat(np.arange(150), 2), method="permutation").p for x in studies]
    simulated = simulate(design, studies=150, seed=1)
    assert ((simulated < alpha) == (np.array(exact) < alpha)).all()
    assert 0 < (simulated < alpha).sum() < 150
    assert simulated == pytest.approx(exact, rel=0.5)


def test_simulated_p_values_of_equivalence_are_those_of_the_tests():
    design = Design(subjects=24, cases=36, readers=2, distribution=(0.01, 0.05, 0.88, 0.05, 0.01))
    from analysis import sample_size

    random = np.random.default_rng(0)
    x = random.choice([-2, -1, 0, 1, 2], size=(12, 36, 2), p=design.distribution).astype(np.int8)
    subject = np.sort(np.arange(36) % 24)
    starts, cluster, claims = np.searchsorted(subject, np.arange(24)), np.repeat(subject, 2), 0
    for on, test in product(("mean", "net_preference"), ("equivalence", "noninferiority")):
        planned = Design(**{**design.__dict__, "test": test, "margin": 0.25, "on": on})
        function = equivalence.tost if test == "equivalence" else equivalence.noninferiority
        for one, p in zip(x, sample_size._p_values(planned, x, starts), strict=True):
            values, bound = (one, 2.0) if on == "mean" else (np.sign(one), 1.0)
            real = function(values.ravel(), margin=0.25, cluster=cluster, bound=bound).p
            assert p == pytest.approx(real, rel=1e-9) if p < 0.05 else real >= 0.05
            claims += p < 0.05
    assert claims > 5


def test_clusters_cost_power_and_break_the_pooled_test():
    null = {"distribution": (0, 0.2, 0.6, 0.2, 0), "subjects": 61, "cases": 111, "readers": 3}
    kept = power(Design(**null, subject_correlation=0.3, case_correlation=0.5), studies=4000)["power"]
    pooled = Design(**null, subject_correlation=0.3, case_correlation=0.5, test="as_published")
    assert 0.04 < kept < 0.065
    assert power(pooled, studies=4000)["power"] > 0.12
    effect = null | {"distribution": (0, 0.1, 0.7, 0.2, 0)}
    strong = power(Design(**effect, subject_correlation=0.3, case_correlation=0.5))["power"]
    assert strong < power(Design(**effect, subject_correlation=0.0, case_correlation=0.0))["power"] - 0.05


def test_distribution_is_kept_exactly():
    design = Design(subjects=50, cases=50, readers=4, distribution=(0, 0, 1, 0, 0))
    assert (simulate(design, studies=3) == 1).all()


def test_fewest_subjects_reach_the_target():
    design = Design(subjects=20, cases=20, distribution=(0, 0.1, 0.5, 0.35, 0.05), **INDEPENDENT)
    found = smallest(design, target=0.8, studies=4000)
    assert found["found"]["power"] >= 0.8
    assert power(design.with_subjects(found["found"]["subjects"] - 3), studies=4000)["power"] < 0.82
    none = Design(subjects=20, cases=20, distribution=(0, 0.1, 0.8, 0.1, 0), **INDEPENDENT)
    hopeless = smallest(none, target=0.9, limit=30)
    assert (hopeless["found"], hopeless["reason"]) == (None, "30 subjects do not reach a power of 0.9")


def test_plan_is_reproducible_and_says_its_model():
    design = Design(subjects=20, cases=30, readers=3, distribution=(0, 0.1, 0.5, 0.35, 0.05))
    assert plan(design, studies=200, seed=4) == plan(design, studies=200, seed=4)
    assert "seed 4" in plan(design, studies=200, seed=4)["conventions"]["simulation"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"subjects": 1}, "two subjects or more"),
        ({"cases": 5}, "at least one case of each"),
        ({"distribution": (0.5, 0.5)}, "five shares"),
        ({"case_correlation": 0.1}, "Correlations must satisfy"),
        ({"test": "equivalence"}, "needs a positive margin"),
        ({"alpha": 0}, "Alpha must lie"),
        ({"test": "noninferiority"}, "Non-inferiority needs a positive margin"),
        ({"test": "random_readers", "readers": 1}, "two readers or more"),
        ({"reader_sd": -1}, "cannot be negative"),
        ({"test": "equivalence", "margin": 2.0}, "A margin of 2 on mean spans the whole scale"),
        ({"test": "equivalence", "margin": 1.0, "on": "net_preference"}, "A margin of 1 on net preference spans"),
    ],
)
def test_impossible_plans_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        Design(**{"subjects": 20, "cases": 20, "readers": 3, "distribution": (0, 0.1, 0.5, 0.4, 0), **change})


def test_command_takes_counts_of_a_pilot(capsys):
    command = ["plan", "--subjects", "20", "--distribution", "0", "10", "50", "35", "5", "--studies", "200"]
    assert main([*command, "--power", "0.8"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["design"]["distribution"] == [0, 0.1, 0.5, 0.35, 0.05]
    assert found["sample_size"]["found"]["power"] >= 0.8
    assert main([*command, "--test", "equivalence"]) == 2
    assert capsys.readouterr().err == "Equivalence needs a positive margin.\n"
