"""What is defined, and what is n/a with which reason, where a study is degenerate."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import reading
from analysis.report import document
from tests.analysis.conftest import made_up_study
from tests.analysis.test_reading import PROTOCOL, cell, explained

TESTS = ("as_published", "rank_sum_mirror", "cluster_sign_flip", "cluster_permutation", "datta_satten")


def analysed(study: pd.DataFrame, **options) -> dict:
    """The results, once they are JSON and explain all that is null; the page can be written from them."""
    found = reading.analyse(study, **options)
    json.dumps(found, allow_nan=False)
    explained(found)
    document.reading(found)
    return found


def test_all_neutral_criteria_have_no_test_of_preference_and_an_exact_one_of_equivalence(study):
    study = study.copy()
    study.loc[study["criterion"] == "disc", "score"] = 3
    row = cell(analysed(study, protocol=PROTOCOL), "FAST-DL", "SOC", "disc")
    assert (row["mean"]["estimate"], row["sd"], row["net_preference"]["estimate"]) == (3, 0, 0)
    for estimate in (row["mean"], row["net_preference"], row["readers"][0]["mean"]):
        assert (estimate["ci"], estimate["reason"]) == (
            None,
            "no interval: without any one subject it would be the same",
        )
    assert row["mean"]["ci90"] is None
    assert {row["tests"][name]["reason"] for name in TESTS} == {"every answer is 'no difference'"}
    assert row["regression"]["preference"]["reason"] == "every answer is 'no difference'"
    (equivalent,) = row["equivalence"]
    assert (equivalent["equivalent"], equivalent["n"], equivalent["reason"]) == (True, 12, None)
    assert equivalent["p"] == pytest.approx(0.75**12)
    assert equivalent["ci90"] == pytest.approx([-2 * (1 - 0.05 ** (1 / 12)), 2 * (1 - 0.05 ** (1 / 12))], abs=1e-6)
    (noninferior,) = row["noninferiority"]
    assert (noninferior["noninferior"], noninferior["p"]) == (False, pytest.approx(0.85**12))
    assert noninferior["reason"] == "too few subjects: 12; this margin takes 19 where every answer is neutral"


def test_one_subject_has_estimates_but_no_intervals_and_no_clustered_tests(study):
    row = cell(analysed(study.assign(subject="S1"), protocol=PROTOCOL))
    assert row["mean"]["estimate"] is not None
    assert (row["mean"]["ci"], row["mean"]["reason"]) == (None, "no interval from one subject")
    for name in TESTS[2:]:
        assert row["tests"][name]["reason"] == "fewer than two subjects with an answer other than 3"
    assert row["regression"]["test"]["reason"] == "fewer than two subjects"
    assert row["equivalence"][0]["reason"] == "fewer than two subjects"
    assert row["tests"]["as_published"]["p"] is not None


def test_one_reader_has_preferences_but_no_agreement(study):
    found = analysed(study[study["reader"] == "R1"], protocol={"readers": "random"})
    row = cell(found)
    assert row["tests"]["cluster_sign_flip"]["p"] is not None
    assert row["regression"]["readers"]["reason"] == "one reader"
    assert row["random_readers"]["mean"]["reason"] == "one reader: nothing tells how readers differ"
    assert found["agreement"]["overall"]["pairs"] == []
    assert found["agreement"]["overall"]["krippendorff_alpha"]["reason"] == "fewer than two readers"


def test_a_constant_reader_is_neither_correlated_nor_dropped(study):
    study = study.copy()
    study.loc[study["reader"] == "R2", "score"] = 3
    found = analysed(study)
    pairs = {(p["reader_a"], p["reader_b"]): p for p in found["agreement"]["overall"]["pairs"]}
    for names in (("R1", "R2"), ("R2", "R3")):
        for key in ("spearman", "kappa_linear", "kappa_quadratic"):
            assert pairs[names][key]["reason"] == "a reader gave the same score to every pair"
        assert pairs[names]["percent"]["estimate"] is not None
    assert pairs["R1", "R3"]["spearman"]["estimate"] is not None
    assert 0 < found["agreement"]["overall"]["kendall_w"]["estimate"] < 1
    assert cell(found)["readers"][1]["as_published"]["reason"] == "every answer is 'no difference'"
    assert cell(found)["mean"]["n"] == 60


def test_perfect_separation_is_tested_by_ranks_and_by_the_penalised_model(study):
    found = analysed(study.assign(score=np.where(study["first_side"] == "right", 5, 1)), protocol=PROTOCOL)
    row = cell(found)
    assert row["counts"] == [0, 0, 0, 0, 60]
    assert row["tests"]["cluster_sign_flip"]["p"] < 0.01
    assert row["mean"]["reason"] == "no interval: without any one subject it would be the same"
    assert row["regression"]["preference"]["ci"][0] > 0
    assert row["regression"]["preference"]["caution"].startswith("separated")
    assert found["ranking"]["criteria"][0]["arms"][0]["log_worth"]["reason"].startswith("no finite maximum")
    assert found["side_bias"][0]["threshold_shift"]["estimate"] is None


def test_cannot_judge_and_missing_answers_shrink_n_and_nothing_else(study):
    """Where one reader cannot judge a third of the pairs, units lack that reader and pairs are complete by two."""
    study = study.assign(score=study["score"].astype(float))
    gone = (study["reader"] == "R3") & study["case"].isin([f"C{k:03d}" for k in range(0, 20, 3)])
    study.loc[gone, ["score", "status"]] = [np.nan, "cannot_judge"]
    missing = (study["reader"] == "R1") & (study["criterion"] == "disc")
    study.loc[missing, ["score", "status"]] = [np.nan, "missing"]
    found = analysed(study)
    assert (found["n"]["cannot_judge"], found["n"]["missing"]) == (7 * 9, 60)
    row = cell(found, of="agreement")
    assert [pair["spearman"]["n"] for pair in row["pairs"]] == [20, 13, 13]
    assert (row["icc"]["ICC2"]["n"], row["kendall_w"]["n"], row["krippendorff_alpha"]["n"]) == (13, 13, 20)
    disc = cell(found, criterion="disc")
    assert disc["readers"][0]["mean"]["reason"] == "no ratings"
    assert disc["mean"]["n"] == 33


def test_a_cell_that_nobody_rated_is_listed_with_reasons(study):
    study = study.assign(score=study["score"].astype(float))
    study.loc[study["criterion"] == "disc", ["score", "status"]] = [np.nan, "not_applicable"]
    row = cell(analysed(study, protocol=PROTOCOL), "FAST-DL", "SOC", "disc")
    assert (row["counts"], row["sd"]) == ([0] * 5, None)
    assert row["mean"]["reason"] == row["tests"]["as_published"]["reason"] == "no ratings"
    assert row["regression"]["preference"]["reason"] == "no ratings"


def test_two_hundred_readers_are_analysed():
    found = analysed(made_up_study(subjects=4, cases=4, readers=200).query("criterion == 'snr'"))
    assert found["n"]["readers"] == 200
    assert found["agreement"]["reason"] == "pairs of readers per cell and overall are left out: 19,900 pairs"
    assert found["agreement"]["overall"]["icc"]["ICC2"]["estimate"] is not None
    assert cell(found)["regression"]["readers"]["reason"] == "not more subjects than readers"


def test_the_primary_hypothesis_is_named_with_its_unadjusted_test(study):
    found = reading.analyse(study, protocol=PROTOCOL)
    primary = found["primary"]
    assert (primary["first"], primary["criterion"], primary["test"]) == ("FAST-DL", "snr", "datta_satten")
    assert primary["result"] == cell(found, "FAST-DL", "SOC", "snr")["tests"]["datta_satten"]
    assert reading.analyse(study)["primary"]["reason"] == "no primary hypothesis was declared"


def test_declared_cells_that_were_not_asked_are_a_warning(study):
    other = {"first": "FAST-DL", "second": "SOC", "criterion": "cord"}
    found = analysed(study, protocol={"primary": other, "family": [other]})
    assert found["primary"]["reason"] == "the primary hypothesis was not asked"
    assert found["warnings"][:2] == [
        "The primary hypothesis names FAST-DL vs SOC, cord, which was not asked.",
        "The family of tests names FAST-DL vs SOC, cord, which was not asked.",
    ]


@pytest.mark.parametrize("status", ["cannot_judge", "missing", "not_applicable"])
def test_nothing_rated_is_a_result_with_reasons(study, status):
    found = analysed(study.assign(score=np.nan, status=status), protocol={**PROTOCOL, "readers": "random"})
    assert found["n"]["ratings"] == 0
    assert cell(found)["mean"]["reason"] == "no ratings"
