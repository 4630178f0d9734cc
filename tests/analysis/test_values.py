"""Finite values only, and differences that are only rounding: what is refused, and what is undefined."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import image_metrics, reading, scan_times, stability, tables
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.ranking import davidson
from analysis.sample_size import Design, shares
from analysis.statistics.agreement import concordance, icc, kendall_w, krippendorff_alpha, spearman, weighted_kappa
from analysis.statistics.equivalence import tost
from analysis.statistics.limits import bland_altman
from analysis.statistics.multiplicity import benjamini_hochberg, holm
from analysis.statistics.ordinal import regression
from analysis.statistics.paired import coefficient_of_variation, paired_t, pearson
from analysis.statistics.preference import cluster_signed_rank, signed_rank
from analysis.statistics.random_readers import random_readers
from analysis.subgroups import interaction

NOISE = np.array([0.0, 1e-14, -1e-14, 2e-14, 0.0, -1e-14])
X = 100 + np.arange(6.0)


@pytest.fixture
def features() -> pd.DataFrame:
    """Two features of six volumes in two arms: one differs by a constant, one by nothing, up to rounding."""
    rows = [
        {"subject": f"S{place}", "roi": "cord", "arm": arm, "feature": feature, "value": value}
        for feature, shift in (("firstorder_Mean", 0.1), ("firstorder_Range", 0.0))
        for place in range(6)
        for arm, value in (("SOC", X[place]), ("FAST", X[place] + shift + NOISE[place]))
    ]
    return pd.DataFrame(rows)


def metrics() -> pd.DataFrame:
    rows = [
        {
            "subject": f"S{case}",
            "case": f"C{case}",
            "reference": "SOC",
            "test": test,
            "metric": "l1",
            "region": "whole",
            "value": 1.0 + case,
        }
        for case in range(4)
        for test in ("FAST", "FAST-DL")
    ]
    return pd.DataFrame(rows)


def series() -> pd.DataFrame:
    rows = [
        {
            "subject": f"S{case}",
            "site": "A",
            "case": f"S{case}-lumbar-sagittal-T2",
            "arm": arm,
            "series": f"{case}{arm}",
            "sha256": "0" * 64,
            "acquisition_seconds": 100.0 + case,
        }
        for case in range(3)
        for arm in ("SOC", "FAST")
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("value", ["inf", "-inf", "Infinity", "nan", "NaN", "1e400", "1e120"])
@pytest.mark.parametrize(
    ("table", "column", "command"),
    [
        ("ratings", "seconds", ["reading"]),
        ("ratings", "score", ["reading"]),
        ("ratings", "position", ["reading"]),
        ("ratings", "field_strength", ["reading"]),
        ("metrics", "value", ["integrity"]),
        ("features", "value", ["stability", "--reference", "SOC"]),
        ("series", "acquisition_seconds", ["scan-times"]),
    ],
)
def test_a_number_that_is_none_is_one_sentence_and_status_two(
    study, features, tmp_path, capsys, table, column, command, value
):
    frame = {"ratings": study, "metrics": metrics(), "features": features, "series": series()}[table].astype(object)
    frame.loc[frame.index[2], column] = value
    frame.to_csv(tmp_path / "in.csv", index=False)
    assert main([command[0], str(tmp_path / "in.csv"), *command[1:]]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"in.csv, row 4, column {column}: '")
    assert said.endswith(("' is not a finite number.\n", " is too large: at most 1e+100 can be computed with.\n"))
    assert said.count("\n") == 1


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_number_in_a_frame_is_refused_by_every_analysis(study, features, value):
    planted = (
        (reading.analyse, study.assign(seconds=value), {}),
        (image_metrics.analyse, metrics().assign(value=value), {}),
        (stability.analyse, features.assign(value=value), {"reference": "SOC"}),
        (scan_times.analyse, series().assign(acquisition_seconds=value), {}),
    )
    for analyse, frame, options in planted:
        with pytest.raises(InputError, match=r"row 2, column .* is not a finite number"):
            analyse(frame, **options)


def test_a_time_that_is_none_is_refused(study):
    with pytest.raises(InputError, match="is not an ISO 8601 time"):
        tables.check_ratings(study.assign(rated_at="NaT"))


PLAN = ["plan", "--subjects", "10", "--distribution", "1", "2", "4", "2", "1", "--studies", "10"]


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize(
    "options",
    [
        ["--reader-sd", "{}"],
        ["--alpha", "{}"],
        ["--subject-correlation", "{}"],
        ["--case-correlation", "{}"],
        ["--margin", "{}", "--test", "equivalence"],
        ["--power", "{}"],
        ["--distribution", "1", "2", "{}", "2", "1"],
    ],
)
def test_a_plan_takes_finite_numbers_only(options, value, capsys):
    assert main([*PLAN, *(option.format(value) for option in options)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_thresholds_margins_and_categories_are_finite(features, study, tmp_path, capsys):
    features.to_csv(tmp_path / "f.csv", index=False)
    study.to_csv(tmp_path / "r.csv", index=False)
    assert main(["stability", str(tmp_path / "f.csv"), "--reference", "SOC", "--criterion", "ccc:nan"]) == 2
    for protocol in ({"margins": [{"on": "mean", "margin": float("inf")}]}, {"categories": [1, 2, float("nan")]}):
        (tmp_path / "p.json").write_text(json.dumps(protocol))
        assert main(["reading", str(tmp_path / "r.csv"), "--protocol", str(tmp_path / "p.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    with pytest.raises(InputError):
        shares([1, 2, float("nan"), 2, 1])
    with pytest.raises(InputError):
        Design(subjects=10, cases=10, readers=1, distribution=(0, 0, float("nan"), 0, 0))


def test_functions_refuse_infinite_values():
    bad = np.array([1.0, np.inf, 2, 3])
    for function in (paired_t, pearson, spearman, concordance, bland_altman):
        with pytest.raises(ValueError, match="infinite"):
            function(bad, np.arange(4.0))
    for function in (signed_rank, coefficient_of_variation):
        with pytest.raises(ValueError, match="infinite"):
            function(bad)
    for function in (icc, kendall_w, krippendorff_alpha):
        with pytest.raises(ValueError, match="infinite"):
            function(np.column_stack([bad, np.arange(4.0)]))
    with pytest.raises(ValueError, match="infinite"):
        cluster_signed_rank(bad, [1, 2, 3, 4])


def test_undefined_p_values_are_no_part_of_the_family():
    nan = float("nan")
    for adjust in (holm, benjamini_hochberg):
        assert adjust([0.01, nan, None, 0.04]) == adjust([0.01, None, None, 0.04])
    assert holm([0.01, nan, 0.04]) == [0.02, None, 0.04]
    assert holm([nan]) == [None]


def test_missing_labels_are_refused_wherever_clusters_count():
    table = np.array([[1.0, 2], [2, 3], [3, 3], [4, 5]])
    labels = [1, 2, np.nan, np.nan]
    for call in (
        lambda: krippendorff_alpha(table, cluster=labels),
        lambda: kendall_w(table, cluster=labels),
        lambda: weighted_kappa(table[:, 0], table[:, 1], categories=range(1, 6), cluster=labels),
        lambda: bland_altman(table[:, 0], table[:, 1], cluster=labels),
        lambda: random_readers(table[:, 0], np.array([0, 1, 0, 1]), labels),
        lambda: regression(table[:, 0], np.array([0, 1, 0, 1]), np.array([True, False] * 2), labels),
        lambda: tost(table[:, 0] - 3, margin=0.5, cluster=labels),
        lambda: interaction(table[:, 0], np.array([0, 1, 0, 1]), labels),
        lambda: davidson(*np.array([[0] * 4, [1] * 4, [1, 0, -1, 0]]), np.array([True, False] * 2), labels, arms=2),
    ):
        with pytest.raises(ValueError, match="its label is missing"):
            call()


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1.0, 1e6, 1e60])
def test_constant_differences_are_no_evidence(scale):
    """x and y are such that x − y is the same but for rounding: t would be 1e13 and p 0."""
    constant = paired_t(scale * (X + 0.1 + NOISE), scale * X)
    assert (constant.p, constant.statistic, constant.ci, constant.reason) == (
        None,
        None,
        None,
        "differences are constant",
    )
    assert constant.estimate == pytest.approx(0.1 * scale)
    none = paired_t(scale * (X + NOISE), scale * X)
    assert (none.estimate, none.p, none.reason) == (0, None, "every difference is zero")
    limits = bland_altman(scale * (X + 0.1 + NOISE), scale * X)
    assert (limits.ci, limits.reason) == (None, "no interval: all differences are the same")


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1.0, 1e6, 1e60])
def test_real_differences_stay_differences_at_every_scale(scale):
    y = X + np.array([0.1, 0.3, -0.2, 0.4, 0.1, 0.2])
    assert paired_t(scale * y, scale * X).p == pytest.approx(paired_t(y, X).p, rel=1e-6) or scale == 1e-200
    assert pearson(scale * y, scale * X).estimate == pytest.approx(pearson(y, X).estimate)
    assert concordance(scale * y, scale * X).estimate == pytest.approx(concordance(y, X).estimate)
    assert icc(scale * np.column_stack([X, y])).ICC2.estimate == pytest.approx(
        icc(np.column_stack([X, y])).ICC2.estimate
    )
    assert bland_altman(scale * y, scale * X).ci is not None or scale == 1e-200


def test_what_is_constant_up_to_rounding_has_no_correlation():
    flat = 100 + NOISE
    assert pearson(flat, X).reason == "one side is constant"
    assert spearman(flat, X).reason == "a reader gave the same score to every pair"
    assert concordance(flat, flat[::-1]).reason == "both sides are constant"
    assert (concordance(flat, X).estimate, concordance(flat, X).ci) == (0, None)
    assert icc(np.column_stack([flat, flat[::-1]])).ICC2.reason == "all scores are the same"
    assert kendall_w(np.column_stack([flat, X])) == kendall_w(np.column_stack([np.zeros_like(X), X]))
    assert coefficient_of_variation([1e-14, -1e-14, 5.0, -5.0]).reason == "the mean is 0"


def test_a_perfect_correlation_has_no_interval():
    assert pearson(X, 3 * X + 0.1).reason == "no interval for a perfect correlation"
    assert weighted_kappa([1, 2, 3, 4, 2], [1, 2, 3, 4, 2], categories=range(1, 6)).ci is None


def test_random_readers_who_all_say_the_same_have_no_variance():
    x = np.full(30, 1.0)
    found = random_readers(x / 3, np.tile(np.arange(3), 10), np.repeat(np.arange(10), 3))
    assert found.reason == "no interval: the estimated variance of the mean is 0"


def test_stability_does_not_call_rounding_a_change(features):
    rows = {row["feature"]: row for row in stability.analyse(features, reference="SOC")["arms"][0]["features"]}
    assert rows["firstorder_Mean"]["paired_t"]["reason"] == "differences are constant"
    same = rows["firstorder_Range"]
    assert same["paired_t"]["reason"] == "every difference is zero"
    assert same["wilcoxon"]["p"] is None
    assert same["p_holm"] is None
    assert same["stable"]["paired_t"] is None


def test_image_metrics_that_differ_by_rounding_do_not_differ():
    frame = metrics()
    frame.loc[frame["test"] == "FAST", "value"] *= 1 + 4e-16
    assert image_metrics.analyse(frame)["paired"][0]["test"]["reason"] == "no case differs"


def test_subject_means_of_several_volumes_are_judged_at_the_size_of_their_values(features):
    """A shift of 0.1 on values of a million: the means of its differences vary by rounding of the values."""
    large = features.assign(
        value=lambda rows: rows["value"] * 1e4 + np.where(rows["arm"] == "FAST", 0.1, 0),
        subject=lambda rows: rows["subject"].str.replace("S5", "S4"),
    )
    large["roi"] = np.where(features["subject"] == "S5", "disc", "cord")
    row = stability.analyse(large, reference="SOC")["arms"][0]["features"][1]
    assert row["by_subject"]["reason"] == "differences are constant"
