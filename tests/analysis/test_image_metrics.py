"""Table 4 and L1: summaries per pair of arms and the paired test between pairs."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import image_metrics
from analysis.__main__ import main
from analysis.errors import InputError


@pytest.fixture
def metrics() -> pd.DataFrame:
    random = np.random.default_rng(8)
    rows = []
    for case in range(30):
        base = random.gamma(4, 9)
        for reference, test, metric, value in (
            ("SOC", "FAST", "l1", base),
            ("SOC", "FAST-DL", "l1", base - random.normal(0.6, 0.5)),
            ("SOC", "SOC-DL", "ssim", 1 - random.beta(2, 80)),
            ("FAST", "FAST-DL", "ssim", 1 - random.beta(2, 90)),
        ):
            row = {"subject": f"S{case % 9}", "case": f"C{case}", "reference": reference, "test": test}
            rows.append(row | {"metric": metric, "region": "whole", "slice": None, "value": value})
            rows.append(row | {"metric": metric, "region": "whole", "slice": 4, "value": -1.0})
    return pd.DataFrame(rows)


def row(found, reference, test, metric):
    (match,) = [r for r in found["pairs"] if (r["reference"], r["test"], r["metric"]) == (reference, test, metric)]
    return match


def test_summaries_are_of_whole_volumes(metrics):
    found = image_metrics.analyse(metrics)
    values = metrics[(metrics["test"] == "SOC-DL") & metrics["slice"].isna()]["value"]
    ssim = row(found, "SOC", "SOC-DL", "ssim")
    assert (ssim["n"], ssim["mean"], ssim["sd"]) == (
        30,
        pytest.approx(values.mean()),
        pytest.approx(values.std(ddof=1)),
    )
    assert (ssim["q1"], ssim["q3"]) == pytest.approx(tuple(values.quantile([0.25, 0.75])))
    assert ssim["values"] == pytest.approx(list(values))


def test_l1_of_two_pairs_is_compared_case_by_case(metrics):
    shuffled = metrics.sample(frac=1, random_state=0)
    (found,) = [p for p in image_metrics.analyse(shuffled)["paired"] if p["metric"] == "l1"]
    l1 = metrics[(metrics["metric"] == "l1") & metrics["slice"].isna()].pivot(
        index="case", columns="test", values="value"
    )
    p = stats.wilcoxon(l1["FAST"], l1["FAST-DL"], method="asymptotic", correction=False).pvalue
    assert {found["a"], found["b"]} == {"SOC vs FAST", "SOC vs FAST-DL"}
    assert found["test"]["p"] == pytest.approx(p)
    assert found["test"]["n"] == 30


def test_undefined_values_and_identical_pairs_have_reasons(metrics):
    same = metrics.copy()
    same.loc[same["metric"] == "l1", "value"] = 2.0
    same.loc[same["test"] == "SOC-DL", "value"] = np.nan
    found = image_metrics.analyse(same)
    assert row(found, "SOC", "SOC-DL", "ssim")["reason"] == "no defined value"
    assert row(found, "SOC", "SOC-DL", "ssim")["mean"] is None
    assert {p["metric"]: p["test"]["reason"] for p in found["paired"]} == {
        "l1": "no case differs",
        "ssim": "no case has both",
    }
    json.dumps(found, allow_nan=False)


def test_an_undefined_value_such_as_the_psnr_of_identical_series_is_left_out(metrics):
    metrics.loc[0, "value"] = np.nan
    assert row(image_metrics.analyse(metrics), "SOC", "FAST", "l1")["n"] == 29


def test_a_value_twice_is_refused(metrics):
    with pytest.raises(InputError, match=r"l1 \(whole\) of SOC vs FAST is there twice for case S0/C0"):
        image_metrics.analyse(pd.concat([metrics, metrics.head(1)], ignore_index=True))


def test_command(metrics, tmp_path, capsys):
    metrics.to_csv(tmp_path / "metrics.csv", index=False)
    assert main(["integrity", str(tmp_path / "metrics.csv")]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(image_metrics.analyse(metrics)))


def test_registered_values_are_kept_apart(metrics):
    again = metrics[metrics["metric"] == "l1"].assign(registered=True)
    again["value"] /= 2
    found = image_metrics.analyse(pd.concat([metrics.assign(registered=False), again], ignore_index=True))
    before, after = (r for r in found["pairs"] if (r["test"], r["metric"]) == ("FAST", "l1"))
    assert (before["registered"], after["registered"]) == (False, True)
    assert after["mean"] == pytest.approx(before["mean"] / 2)
    assert [test["registered"] for test in found["paired"] if test["metric"] == "l1"] == [False, True]
