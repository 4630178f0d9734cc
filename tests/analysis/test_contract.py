"""The JSON of every command and the functions that others call have the shape that is written down."""

import inspect
import json
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

from analysis import stability
from analysis.__main__ import main
from analysis.statistics import agreement, equivalence, preference

E = {"estimate", "ci", "level", "n", "method", "reason"}
T = {"statistic", "p", "n", "method", "reason"}
X, Y, CLUSTER = np.array([1.0, 0, -1, 2, 1, 1]), np.array([1.0, 1, -1, 1, 0, 2]), np.array([1, 1, 2, 2, 3, 3])
TABLE = np.column_stack([X, Y, X])


@pytest.mark.parametrize(
    ("function", "arguments", "options"),
    [
        (preference.signed_rank, (X,), {"zero_method": "wilcox", "correction": False, "method": "exact"}),
        (preference.rank_sum, (X, Y), {"correction": True}),
        (preference.cluster_signed_rank, (X, CLUSTER), {"method": "permutation"}),
        (agreement.spearman, (X, Y), {}),
        (agreement.weighted_kappa, (X, Y), {"categories": [-2, -1, 0, 1, 2], "weights": "linear"}),
        (agreement.krippendorff_alpha, (TABLE,), {"level": "ordinal"}),
        (agreement.gwet_ac, (TABLE,), {"categories": [-2, -1, 0, 1, 2], "weights": "ordinal"}),
        (agreement.kendall_w, (TABLE,), {}),
        (agreement.concordance, (X, Y), {}),
        (stability.bland_altman, (X, Y), {}),
        (stability.coefficient_of_variation, (X,), {}),
        (stability.quartile_dispersion, (np.abs(X) + 1,), {}),
        (stability.paired_t, (X, Y), {}),
        (equivalence.tost, (X,), {"margin": 2.0, "cluster": CLUSTER}),
    ],
)
def test_functions_give_frozen_results_with_a_number(function, arguments, options):
    result = function(*arguments, **options)
    assert {"estimate", "ci", "statistic", "p", "n", "method", "reason"} <= set(vars(result))
    assert result.estimate is not None or result.p is not None
    assert result.method
    with pytest.raises(FrozenInstanceError):
        result.p = 0
    optional = [p for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in optional)


def test_icc_has_six_forms():
    assert [name for name, _ in agreement.icc(TABLE).items()] == ["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]


def run(*command, capsys) -> dict:
    assert main([str(part) for part in command]) == 0
    return json.loads(capsys.readouterr().out)


def test_stability(tmp_path, capsys):
    random = np.random.default_rng(0)
    rows = [
        {"subject": f"S{roi}", "roi": "cord", "arm": arm, "feature": feature, "value": random.normal(10, 1)}
        for roi in range(8)
        for arm in ("SOC", "FAST", "FAST-DL")
        for feature in ("firstorder_Mean", "glcm_Contrast")
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "f.csv", index=False)
    found = run("stability", tmp_path / "f.csv", "--reference", "SOC", "--restores", "FAST=FAST-DL", capsys=capsys)
    assert set(found) == {
        *("conventions", "reference", "arms", "restores", "dispersion", "summary"),
        *("criteria", "groups"),
    }
    arm = found["arms"][0]
    assert set(arm) >= {"arm", "n_rois", "n_features", "unstable", "features", "classes"}
    assert set(arm["unstable"]) == {"paired_t", "ccc", "icc"}
    feature = arm["features"][0]
    assert set(feature) >= {
        "feature",
        "class",
        "paired_t",
        "p_holm",
        "p_bh",
        "wilcoxon",
        "pearson",
        "ccc",
        "icc",
        "stable",
    }
    assert [set(feature[key]) for key in ("paired_t", "wilcoxon")] == [T, T]
    assert [set(feature[key]) for key in ("pearson", "ccc")] == [E, E]
    assert set(feature["icc"]) == {"ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"}
    assert [set(feature["bland_altman"][key]) for key in ("bias", "lower", "upper")] == [E, E, E]
    assert set(arm["classes"][0]) >= {"class", "n_features", "stable"}
    assert set(found["restores"][0]) >= {"fast", "dl", "criterion", "lost", "restored", "newly_unstable", "by_class"}
    assert [set(found["dispersion"][0][key]) for key in ("cv", "qcd")] == [E, E]
    assert set(found["summary"][0]) >= {"measure", "median", "q1", "q3", "share_acceptable"}


def test_integrity(tmp_path, capsys):
    rows = [
        {
            "subject": f"S{case}",
            "case": f"C{case}",
            "reference": "SOC",
            "test": test,
            "metric": "l1",
            "region": "whole",
            "value": case + shift,
        }
        for case in range(6)
        for test, shift in (("FAST", 1.0), ("FAST-DL", 0.5 + 0.1 * case))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "m.csv", index=False)
    found = run("integrity", tmp_path / "m.csv", capsys=capsys)
    pair = {"reference", "test", "metric", "region", "n", "mean", "sd", "median", "q1", "q3"}
    assert set(found["pairs"][0]) >= pair
    assert set(found["paired"][0]) >= {"metric", "a", "b", "test"}
    assert set(found["paired"][0]["test"]) == T


@pytest.mark.parametrize(
    "test",
    [
        "cluster_permutation",
        "cluster_sign_flip",
        "datta_satten",
        "as_published",
        "random_readers",
        "equivalence",
        "noninferiority",
    ],
)
def test_plan(test, capsys):
    command = [
        "plan",
        "--subjects",
        "20",
        "--cases",
        "30",
        "--distribution",
        "0",
        "1",
        "6",
        "3",
        "0",
        "--studies",
        "50",
    ]
    found = run(*command, "--test", test, "--margin", "0.5", "--reader-sd", "0.1", capsys=capsys)
    assert set(found["power"]) >= {"subjects", "cases", "readers", "power", "ci"}
    assert found["design"]["test"] == test
    assert set(found["conventions"]) == {"model", "test", "simulation"}
