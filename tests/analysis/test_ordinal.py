"""The penalised cumulative logit against brglm2 and R's optim, without penalty against polr; random readers."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis import reading
from analysis.statistics import ordinal, penalised
from analysis.statistics.ordinal import regression
from analysis.statistics.random_readers import random_readers
from tests.analysis.conftest import FOLDER


@pytest.fixture(scope="module")
def firth() -> dict[str, float]:
    """Values that reference/make_firth.R computed, by name."""
    frame = pd.read_csv(FOLDER / "firth.csv")
    return dict(zip(frame["name"], frame["value"], strict=True))


@pytest.fixture(scope="module")
def long(scores) -> dict[str, np.ndarray]:
    """The 180 answers of R's fit; the first arm stood on the right, left, left, right …"""
    return {
        "x": scores[["r1", "r2", "r3"]].to_numpy().T.ravel() - 3.0,
        "reader": np.repeat([0, 1, 2], 60),
        "first_right": np.tile([True, False, False], 60),
        "cluster": np.tile(scores["subject"], 3),
    }


def error(result, degrees: int = 24) -> float:
    return np.ptp(result.ci) / 2 / stats.t.ppf(0.975, degrees)


@pytest.mark.reference("regression", "brglm2 0.9, R", version="R 4.2.2, Debian 12")
def test_answers_of_two_kinds_equal_brglm2_though_a_reader_is_separated(long, firth):
    found = regression(**{**long, "x": np.where((long["reader"] == 0) | (long["x"] > 0), 1.0, -1.0)})
    assert found.separated
    assert found.preference.estimate == pytest.approx(firth["two_preference"], abs=1e-6)
    assert found.side.estimate == pytest.approx(firth["two_side"], abs=1e-6)


def test_cumulative_logit_and_jackknife_equal_r(long, firth):
    found = regression(**long)
    assert not found.separated
    for name, result in (("preference", found.preference), ("side", found.side)):
        assert result.estimate == pytest.approx(firth[f"plain_{name}"], abs=2e-6)
        assert error(result) == pytest.approx(firth[f"plain_jackknife_{name}"], rel=1e-5)
        assert result.p == pytest.approx(2 * stats.t.sf(abs(result.estimate) / error(result), 24))
    assert found.thresholds[0] == pytest.approx(firth["plain_threshold"], abs=2e-6)


def test_where_nobody_prefers_the_second_arm_the_estimate_is_finite_and_its_error_not_too_small(long, firth):
    """The jackknife alone would say 0.12: no subject contradicts."""
    found = regression(**{**long, "x": np.minimum(np.abs(long["x"]), 1)})
    assert found.separated
    assert found.preference.estimate == pytest.approx(firth["separated_preference"], abs=2e-6)
    assert error(found.side) == pytest.approx(firth["separated_jackknife_side"], rel=0.2)
    assert firth["separated_jackknife_preference"] == pytest.approx(0.12, abs=0.01)
    assert error(found.preference) > 0.5
    assert found.as_dict()["preference"]["caution"] == ordinal.SEPARATED


def test_all_answers_alike_have_an_interval_of_independent_answers():
    """40 of 40: Firth's estimate is log(40.5/0.5), its information n·p·(1 − p)."""
    found = regression(np.ones(40), np.zeros(40, int), np.ones(40, bool), np.arange(40))
    assert found.preference.estimate == pytest.approx(np.log(81))
    assert error(found.preference, 39) == pytest.approx((40 * 40.5 * 0.5 / 41**2) ** -0.5, rel=1e-6)


@pytest.mark.reference("regression", "polr of MASS, R", version="R 4.2.2, Debian 12")
def test_without_the_penalty_the_same_likelihood_has_the_maximum_of_polr(long, r, monkeypatch):
    fit = penalised.fit
    monkeypatch.setattr(ordinal.penalised, "fit", lambda *given, penalty=0.0: fit(*given, penalty=penalty))
    found = regression(**long)
    assert found.preference.estimate == pytest.approx(r["ordinal_preference"], abs=2e-5)
    assert found.side.estimate == pytest.approx(r["ordinal_side"], abs=2e-5)
    assert found.thresholds == pytest.approx((r["ordinal_threshold1"], r["ordinal_threshold2"]), abs=5e-5)


def test_the_penalty_shrinks_by_about_the_bias(long):
    """Firth's maximum is no other than that of maximum likelihood with a hundred times the answers."""
    many = {name: np.tile(values, 100) for name, values in long.items()}
    few, plenty = regression(**long), regression(**many)
    assert abs(few.preference.estimate) < abs(plenty.preference.estimate)
    assert few.preference.estimate == pytest.approx(plenty.preference.estimate, abs=0.05)


def test_mirrored_answers_give_the_opposite_preference(long):
    mirrored = regression(**{**long, "x": -long["x"], "first_right": ~long["first_right"]})
    found = regression(**long)
    assert mirrored.preference.estimate == pytest.approx(-found.preference.estimate)
    assert mirrored.side.estimate == pytest.approx(found.side.estimate)
    assert mirrored.preference.p == pytest.approx(found.preference.p)


def test_two_categories_are_a_logistic_regression():
    """One reader, one side, no neutral answers: β is the logit of the share with half an answer more of each kind."""
    x = np.repeat([1.0, -1.0], [30, 10])
    found = regression(x, np.zeros(40, int), np.ones(40, bool), np.arange(40))
    assert found.preference.estimate == pytest.approx(np.log(30.5 / 10.5))
    without = np.repeat(np.log([29.5 / 10.5, 30.5 / 9.5]), [30, 10])
    assert error(found.preference, 39) == pytest.approx(np.sqrt(39 / 40 * np.sum((without - without.mean()) ** 2)))
    assert found.thresholds == ()
    assert found.side.reason == "the first arm stood on one side only"
    assert found.readers.reason == "one reader"


def test_no_neutral_answer_leaves_a_threshold_at_zero():
    """Categories −2, −1, 1, 2 with symmetric counts: no preference, and the threshold splits 1 from 2."""
    x = np.repeat([-2.0, -1.0, 1.0, 2.0], [5, 15, 15, 5])
    found = regression(x, np.zeros(40, int), np.ones(40, bool), np.arange(40))
    assert found.preference.estimate == pytest.approx(0, abs=1e-9)
    assert found.thresholds == pytest.approx((special.logit(35 / 40),), abs=0.06)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": np.zeros(180)}, "every answer is 'no difference'"),
        ({"cluster": np.zeros(180)}, "fewer than two subjects"),
        ({"first_right": np.repeat([True, False, True], 60)}, ordinal.CONFOUNDED),
    ],
)
def test_undefined_regressions_say_why(long, change, reason):
    found = regression(**{**long, **change})
    for result in (found.preference, found.side, found.readers):
        assert (result.estimate, result.p, result.reason) == (None, None, reason)
    empty = regression(np.zeros(0), np.zeros(0, int), np.zeros(0, bool), np.zeros(0, int))
    assert empty.preference.reason == "no ratings"


def test_a_reader_who_is_always_neutral_does_not_separate(long):
    x = np.where(long["reader"] == 1, 0.0, long["x"])
    assert not regression(**{**long, "x": x}).separated


def test_a_reader_whom_one_subject_alone_knows_leaves_no_interval(long):
    reader = np.where(long["cluster"] == 3, 7, long["reader"])
    found = regression(**{**long, "reader": reader})
    assert found.preference.estimate is not None
    assert found.preference.reason == found.readers.reason == ordinal.LOST


@pytest.mark.reference("components", "aov of R", version="4.2.2")
def test_random_readers_equal_the_two_way_analysis_of_variance(scores, r):
    once = scores[["r1", "r2", "r3"]].to_numpy()[:25]
    result = random_readers(once.T.ravel() - 3, np.repeat([0, 1, 2], 25), np.tile(np.arange(25), 3), shift=3)
    assert result.estimate == pytest.approx(r["random_mean"])
    t = stats.t.ppf(0.975, r["random_df"])
    assert np.ptp(result.ci) / 2 == pytest.approx(t * r["random_se"])
    assert result.p == pytest.approx(2 * stats.t.sf((r["random_mean"] - 3) / r["random_se"], r["random_df"]))
    assert "3 reader means" in result.method


def test_undefined_random_readers_say_why():
    x, three = np.array([1.0, 0, 1, 1]), np.array([0, 1, 2, 2])
    assert random_readers(x, np.zeros(4, int), np.arange(4)).reason == "one reader: nothing tells how readers differ"
    assert random_readers(x, three, np.zeros(4, int)).reason == "no interval from one subject"
    assert (
        random_readers(np.zeros(4), three, np.arange(4)).reason
        == "no interval: the estimated variance of the mean is 0"
    )
    assert random_readers(np.zeros(0), three[:0], three[:0]).reason == "no ratings"


def test_random_readers_are_reported_where_the_protocol_says_so(study):
    fixed, random = (reading.analyse(study, protocol={"readers": kind}) for kind in ("fixed", "random"))
    assert all(row["random_readers"] is None for row in fixed["comparisons"])
    row = random["comparisons"][0]["random_readers"]
    assert set(row) == {"mean", "net_preference", "test"}
    assert "few degrees of freedom" in random["conventions"]["random_readers"]
    assert "random" in random["conventions"]["clusters"]
    assert row["mean"]["ci"] != random["comparisons"][0]["mean"]["ci"]


def test_every_cell_has_the_sensitivity_analysis(study):
    for row in reading.analyse(study)["comparisons"]:
        found = row["regression"]
        assert set(found) == {"preference", "test", "side", "readers"}
        net, odds = row["net_preference"]["estimate"], found["preference"]["estimate"]
        assert odds is None or net == 0 or np.sign(odds) == np.sign(net)
