"""A family of cells: Hommel, intervals that hold together, Hodges–Lehmann and how much subjects cluster, against R."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from analysis import reading
from analysis.report.tables.family import _design_effect as design_effect_cell
from analysis.statistics.clustering import design_effect, subject_correlation
from analysis.statistics.hodges_lehmann import hodges_lehmann
from analysis.statistics.multiplicity import holm, hommel
from analysis.statistics.simultaneous import confidence_each, ratio_bounds
from tests.analysis.conftest import FOLDER, made_up_study

P = [0.01, 0.04, 0.03, 0.005, 0.6, 0.03, 0.021, 0.9, 0.012]


@pytest.fixture(scope="module")
def family() -> dict[str, float]:
    """What R gives (reference/make_family.R)."""
    frame = pd.read_csv(FOLDER / "family.csv")
    return dict(zip(frame["name"], frame["value"], strict=True))


def test_hommel_is_that_of_r_and_leaves_out_what_is_undefined(family):
    assert hommel(P) == pytest.approx([family[f"hommel_{place}"] for place in range(1, 10)])
    assert hommel([None, *P, float("nan")])[1:-1] == pytest.approx(hommel(P))
    assert hommel([None]) == [None]
    assert all(a <= b + 1e-15 for a, b in zip(hommel(P), holm(P), strict=True))


@pytest.mark.parametrize("correlation", [0, 0.3, 0.8])
@pytest.mark.parametrize("degrees", [11, 60])
def test_the_largest_of_correlated_t_values_is_that_of_mvtnorm(family, correlation, degrees):
    matrix = np.full((6, 6), correlation) + (1 - correlation) * np.eye(6)
    each = confidence_each(matrix, degrees=degrees)
    reach = special.stdtrit(degrees, (1 + each) / 2)
    assert reach == pytest.approx(family[f"largest_t_{correlation}_{degrees}"], abs=0.02)


@pytest.mark.reference("family", "multcomp, R", version="R 4.2.2, Debian 12")
def test_intervals_of_equal_subjects_together_are_those_of_multcomp(family, scores, monkeypatch):
    means = scores.groupby("subject")[["r1", "r2", "r3"]].mean().to_numpy() - 3
    monkeypatch.setattr("analysis.statistics.jackknife.degrees", lambda away, most: most)
    monkeypatch.setattr("analysis.statistics.jackknife.SKEWNESS", 0.0)
    found, each = ratio_bounds(means, np.ones_like(means))
    # multcomp takes the variance with n − 1, as the jackknife does
    expected = [[family[f"together_{end}_{rater}"] for rater in (1, 2, 3)] for end in ("low", "high")]
    assert found == pytest.approx(np.array(expected), abs=0.01)
    assert 0.95 < each < 1 - 0.05 / 3


def test_intervals_together_cover_the_family_where_single_ones_do_not(monkeypatch):
    """Eight correlated cells of 40 subjects, 400 studies: all hold in 95 %, one by one in far fewer."""
    monkeypatch.setattr("analysis.statistics.simultaneous.POINTS", 1_000)
    random = np.random.default_rng(5)
    together = single = 0
    for _ in range(400):
        x = random.normal(0, 1, (40, 1)) * 0.5 + random.normal(0, 1, (40, 8))
        bounds, _ = ratio_bounds(x, np.ones_like(x))
        alone = x.mean(axis=0) + np.outer([-1, 1], special.stdtrit(39, 0.975) * x.std(axis=0, ddof=1) / 40**0.5)
        together += bool((bounds[0] <= 0).all() and (bounds[1] >= 0).all())
        single += bool((alone[0] <= 0).all() and (alone[1] >= 0).all())
    assert 0.92 <= together / 400 <= 0.98
    assert single / 400 < 0.85


@pytest.mark.parametrize("n", [40, 15])
def test_hodges_lehmann_is_that_of_r(family, two_samples, n):
    difference = (two_samples["a"] - two_samples["b"])[:n]
    found = hodges_lehmann(difference, range(n))
    assert found.estimate == pytest.approx(family[f"hl_{n}"])
    assert found.ci == pytest.approx((family[f"hl_low_{n}"], family[f"hl_high_{n}"]))


def test_hodges_lehmann_of_many_subjects_goes_on_where_exact_ends():
    random = np.random.default_rng(0)
    x = random.normal(0, 1, 201)
    exact, normal = hodges_lehmann(x[:200], range(200)), hodges_lehmann(x, range(201))
    assert ("exact" in exact.method, "exact" in normal.method) == (True, False)
    assert np.subtract(*exact.ci) == pytest.approx(np.subtract(*normal.ci), rel=0.03)


def test_hodges_lehmann_without_width_is_no_interval():
    """61 subjects, 9 of whom prefer an arm: the signed rank test without zeros rejects (p = 0.004)."""
    found = hodges_lehmann([1] * 9 + [0] * 52, range(61), shift=3, bound=2)
    assert (found.estimate, found.ci) == (3, None)
    assert "no sign of equality" in found.reason


def test_few_subjects_bound_hodges_lehmann_by_the_scale_or_not_at_all():
    assert hodges_lehmann([1, 2, 1, 0], range(4), shift=3, bound=2).ci == (1, 5)
    assert hodges_lehmann([1, 2, 1, 0], range(4)).reason == "no interval of 95% from 4 subjects"
    assert hodges_lehmann([], []).reason == "no ratings"


def test_design_effect_and_subject_correlation_are_those_of_r(family, scores):
    x, subject = scores[["r1", "r2", "r3"]].to_numpy().T.ravel() - 3.0, np.tile(scores["subject"], 3)
    assert design_effect(x, subject).estimate == pytest.approx(family["design_effect"])
    found = subject_correlation(x, subject)
    assert found.estimate == pytest.approx(family["subject_icc"])
    assert found.ci[0] < found.estimate < found.ci[1]


def test_what_does_not_cluster_says_why():
    assert subject_correlation([1, 2], [1, 2]).reason == "no subject has two ratings"
    assert subject_correlation([1, 1], [1, 1]).reason == design_effect([1, 1], [1, 1]).reason == "only one subject"
    assert subject_correlation([1, 1, 1], [1, 1, 2]).reason == "all ratings are the same"
    assert design_effect([], []).reason == "no ratings"


def test_cells_outside_the_family_have_no_interval_in_it():
    cells = [{"first": "SOC", "second": "FAST", "criterion": criterion} for criterion in ("snr", "artifacts")]
    found = reading.analyse(made_up_study(), protocol={"family": cells})
    for row in found["comparisons"]:
        together = row["simultaneous"]["mean"]
        if (row["p_hommel"]["primary"]) is None:
            assert together["reason"] == "outside the family that the protocol declares"
        else:
            low, high = row["mean"]["ci"]
            assert together["ci"][0] < low < high < together["ci"][1]
            assert row["p_hommel"]["primary"] <= row["p_holm"]["primary"]


def test_a_design_effect_of_almost_nothing_tells_no_number_of_ratings():
    told = [design_effect_cell({"estimate": at, "n": 9, "method": ""}) for at in (2.5e-24, 0.049, 0.05, 3.0)]
    assert [cell.below for cell in told] == ["", "", "180 of 9", "3 of 9"]
