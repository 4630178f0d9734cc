"""Subgroups, drift and screening."""

import numpy as np
import pytest
from scipy import stats

from analysis import reading
from analysis.subgroups import interaction
from tests.analysis.conftest import made_up_study


def test_interaction_of_two_levels_without_clusters_is_welchs_statistic():
    """With one value per subject the linearised variance is Σd²/n² per group, times k/(k − 1)."""
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, 60), random.normal(0.5, 2, 40)
    x, level = np.concatenate([a, b]), np.repeat([0, 1], [60, 40])
    spread = (a.var() / 60 + b.var() / 40) * 100 / 99
    result = interaction(x, level, np.arange(100))
    assert result.statistic == pytest.approx((a.mean() - b.mean()) ** 2 / spread)
    assert result.p == pytest.approx(stats.f.sf(result.statistic, 1, 98))
    assert result.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, abs=0.01)


def test_interaction_equals_the_clustered_wald_test_of_sandwich(scores, r):
    x, subject = scores[["r1", "r2", "r3"]].to_numpy().T.ravel() - 3.0, np.tile(scores["subject"], 3)
    result = interaction(x, subject % 3, subject)
    assert (result.statistic, result.p) == pytest.approx((r["interaction_F"], r["interaction_p"]), rel=1e-9)


def test_interaction_keeps_its_level_with_clusters():
    """Three levels, 60 subjects with shared tastes, two to four ratings each: nominal 0.05, 1,500 studies."""
    random = np.random.default_rng(2)
    rejected = 0
    for _ in range(1500):
        subject = np.repeat(np.arange(60), random.integers(2, 5, 60))
        x = random.normal(0, 0.5, 60)[subject] + random.normal(0, 0.5, subject.size)
        rejected += interaction(x, subject % 3, subject).p < 0.05
    assert 0.03 < rejected / 1500 < 0.075


def test_undefined_interactions_say_why():
    assert interaction(np.zeros(3), np.zeros(3), np.arange(3)).reason == "fewer than two levels were rated"
    assert (
        interaction(np.zeros(4), np.array([0, 0, 0, 1]), np.arange(4)).reason == "a level has fewer than two subjects"
    )
    assert interaction(np.zeros(8), np.arange(8) % 2, np.arange(8)).reason == "no variance between subjects"


def test_subgroups_are_listed_by_level_and_labelled_exploratory(study):
    study = study.copy()
    odd = study["subject"].str[-1].isin(list("13579"))
    study["region"] = np.where(odd, "cervical", "lumbar")
    study["field_strength"] = np.where(odd, 3.0, 1.5)
    found = reading.analyse(study)["subgroups"]
    assert found["exploratory"] is True
    assert [row["variable"] for row in found["variables"]] == ["region", "field_strength"]
    assert found["variables"][1]["levels"] == ["1.5", "3"]
    cell = found["variables"][0]["cells"][0]
    rows = study[(study["kind"] == "main") & (study["first"] == "SOC") & (study["second"] == "FAST") & odd]
    rows = rows[rows["criterion"] == cell["criterion"]]
    expected = np.where(rows["first_side"] == "right", rows["score"], 6 - rows["score"]).mean()
    assert cell["levels"][0]["mean"]["estimate"] == pytest.approx(expected)
    only = reading.analyse(study[odd])["comparisons"]
    whole = next(row for row in only if (row["first"], row["criterion"]) == ("SOC", cell["criterion"]))
    for key in ("mean", "net_preference"):
        assert cell["levels"][0][key]["ci"] == pytest.approx(whole[key]["ci"])
        assert cell["levels"][0][key]["caution"] == whole[key]["caution"] is not None
    assert 0 < cell["interaction"]["p"] <= 1


def test_drift_finds_a_reader_who_gets_faster(study):
    study = study.copy()
    mine = study["reader"] == "R2"
    study.loc[mine, "seconds"] = 100.0 - study.loc[mine, "position"]
    drift = {row["reader"]: row for row in reading.analyse(study)["drift"]["readers"]}
    assert drift["R2"]["seconds"]["estimate"] == -1
    assert abs(drift["R1"]["seconds"]["estimate"]) < 0.5


def test_drift_is_the_spearman_correlation_of_one_value_per_presentation(study):
    main = study[(study["kind"] == "main") & (study["reader"] == "R1")]
    once = (
        main.assign(decided=main["score"] != 3)
        .groupby("presentation")
        .agg(position=("position", "first"), seconds=("seconds", "first"), decided=("decided", "mean"))
    )
    row = reading.analyse(study)["drift"]["readers"][0]
    for key in ("seconds", "decided"):
        assert row[key]["estimate"] == pytest.approx(stats.spearmanr(once["position"], once[key]).statistic)
        assert row[key]["n"] == 60


def test_reading_times_are_those_of_pandas(study):
    once = study[study["kind"] == "main"].drop_duplicates(["reader", "presentation"])["seconds"]
    overall = reading.analyse(study)["time"]["overall"]
    assert [overall[key] for key in ("q1", "median", "q3")] == pytest.approx(list(once.quantile([0.25, 0.5, 0.75])))
    assert overall["total"] == pytest.approx(once.sum())


def test_screening_counts_as_itu_r_bt_500_says():
    """Step by step, unit by unit, with scipy's kurtosis: the limits are 2 SD, or √20 SD outside normal kurtosis."""
    study = made_up_study(subjects=10, cases=12, readers=9, seed=8).query("kind == 'main'").copy()
    study.loc[study["reader"] == "R4", "score"] = np.random.default_rng(0).integers(
        1, 6, (study["reader"] == "R4").sum()
    )
    preference = np.where(study["first_side"] == "right", study["score"], 6 - study["score"])
    units = study.assign(preference=preference).pivot_table(
        index=["case", "comparison", "criterion"], columns="reader", values="preference"
    )
    high, low = dict.fromkeys(units, 0), dict.fromkeys(units, 0)
    for _, scores in units.iterrows():
        if scores.nunique() == 1:
            continue
        reach = 2 if 2 <= stats.kurtosis(scores, fisher=False) <= 4 else 20**0.5
        for reader, score in scores.items():
            high[reader] += score >= scores.mean() + reach * scores.std(ddof=1)
            low[reader] += score <= scores.mean() - reach * scores.std(ddof=1)
    rows = reading.analyse(study)["screening"]["readers"]
    assert {row["reader"]: (row["high"], row["low"], row["n"]) for row in rows} == {
        reader: (high[reader], low[reader], len(units)) for reader in units
    }


def test_screening_flags_a_reader_who_answers_at_random():
    study = made_up_study(subjects=20, cases=40, readers=12).query("kind == 'main'").copy()
    random = np.random.default_rng(1)
    study["score"] = np.clip(np.round(random.normal(3, 0.7, len(study))), 2, 4).astype(int)
    assert not any(row["flag"] for row in reading.analyse(study)["screening"]["readers"])
    wild = study["reader"] == "R5"
    study.loc[wild, "score"] = random.choice([1, 5], wild.sum())
    assert [row["reader"] for row in reading.analyse(study)["screening"]["readers"] if row["flag"]] == ["R5"]


def test_screening_needs_six_readers(study):
    assert "fewer than 6 readers" in reading.analyse(study)["screening"]["reason"]
