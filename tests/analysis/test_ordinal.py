"""The cumulative logit model against MASS::polr with sandwich::vcovCL; random readers against R's lm."""

import numpy as np
import pytest
from scipy import special, stats

from analysis import reading
from analysis.statistics.ordinal import regression
from analysis.statistics.random_readers import random_readers

SEPARATED = "no finite maximum: the answers of a reader or to a side are separated"


@pytest.fixture(scope="module")
def long(scores) -> dict[str, np.ndarray]:
    """The 180 answers of R's fit; the first arm stood on the right, left, left, right …"""
    return {
        "x": scores[["r1", "r2", "r3"]].to_numpy().T.ravel() - 3.0,
        "reader": np.repeat([0, 1, 2], 60),
        "first_right": np.tile([True, False, False], 60),
        "cluster": np.tile(scores["subject"], 3),
    }


def test_regression_equals_polr_with_clustered_errors(long, r):
    found = regression(**long)
    t = stats.t.ppf(0.975, 24)
    for name, result in (("preference", found.preference), ("side", found.side)):
        assert result.estimate == pytest.approx(r[f"ordinal_{name}"], abs=2e-5)
        assert np.ptp(result.ci) / 2 / t == pytest.approx(r[f"ordinal_se_{name}"], rel=1e-4)
    assert found.thresholds == pytest.approx((r["ordinal_threshold1"], r["ordinal_threshold2"]), abs=5e-5)
    assert (found.readers.statistic, found.readers.p) == pytest.approx(
        (r["ordinal_readers_F"], r["ordinal_readers_p"]), rel=1e-3
    )


def test_mirrored_answers_give_the_opposite_preference(long):
    mirrored = regression(**{**long, "x": -long["x"], "first_right": ~long["first_right"]})
    found = regression(**long)
    assert mirrored.preference.estimate == pytest.approx(-found.preference.estimate)
    assert mirrored.side.estimate == pytest.approx(found.side.estimate)
    assert mirrored.preference.p == pytest.approx(found.preference.p)


def test_two_categories_are_a_logistic_regression(long):
    """One reader, one side, no neutral answers: β is the logit of the share, its error the binomial one."""
    x = np.repeat([1.0, -1.0], [30, 10])
    found = regression(x, np.zeros(40, int), np.ones(40, bool), np.arange(40))
    assert found.preference.estimate == pytest.approx(special.logit(0.75))
    error = np.sqrt(1 / (40 * 0.75 * 0.25) * 40 / 39)
    assert np.ptp(found.preference.ci) / 2 == pytest.approx(stats.t.ppf(0.975, 39) * error, rel=1e-6)
    assert found.thresholds == ()
    assert found.side.reason == "the first arm stood on one side only"
    assert found.readers.reason == "one reader"


def test_no_neutral_answer_leaves_a_threshold_at_zero():
    """Categories −2, −1, 1, 2 with symmetric counts: no preference, and the threshold splits 1 from 2."""
    x = np.repeat([-2.0, -1.0, 1.0, 2.0], [5, 15, 15, 5])
    found = regression(x, np.zeros(40, int), np.ones(40, bool), np.arange(40))
    assert found.preference.estimate == pytest.approx(0, abs=1e-9)
    assert found.thresholds == pytest.approx((special.logit(35 / 40),))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": np.zeros(180)}, "every answer is 'no difference'"),
        ({"cluster": np.zeros(180)}, "fewer than two subjects"),
        ({"x": np.ones(180)}, SEPARATED),
        (
            {"x": np.repeat([2.0, 0.0, -1.0], 60)},
            SEPARATED,
        ),
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
    assert regression(**{**long, "x": x}).preference.estimate is not None


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
