"""What volumes hold, arm by arm: summaries and paired tests beside scipy, subjects as clusters."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.__main__ import main
from analysis.errors import InputError
from analysis.in_volumes import analyse

ARMS = ("SOC", "FAST", "FAST-DL")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two lesions of each of nine subjects; entropy and SSIM, of which the reference has none against itself."""
    random = np.random.default_rng(2)
    rows = []
    for subject in range(9):
        for lesion in (1, 2):
            base = random.normal(5, 0.4)
            for arm, shift in zip(ARMS, (0, 0.3, 0.05), strict=True):
                own = {"subject": f"S{subject}", "roi": f"lesion {lesion}", "arm": arm}
                rows.append(own | {"measure": "entropy", "value": base + shift + random.normal(0, 0.1)})
                if arm != "SOC":
                    rows.append(own | {"measure": "ssim", "value": 0.9 - shift + random.normal(0, 0.02)})
    return pd.DataFrame(rows)


def values(table: pd.DataFrame, measure: str, arm: str) -> np.ndarray:
    return table[(table["measure"] == measure) & (table["arm"] == arm)]["value"].to_numpy()


def test_fast_stands_beside_dl_and_what_an_arm_holds_alone_beside_the_reference(table):
    found = {row["measure"]: row for row in analyse(table, reference="SOC", pairs=[("FAST", "FAST-DL")])["measures"]}
    tested = [(one["a"], one["b"]) for one in found["entropy"]["paired"]]
    assert tested == [("FAST-DL", "FAST"), ("FAST", "SOC"), ("FAST-DL", "SOC")]
    assert [(one["a"], one["b"]) for one in found["ssim"]["paired"]] == [("FAST-DL", "FAST")]
    assert [one["arm"] for one in found["ssim"]["arms"]] == ["FAST", "FAST-DL"]
    x, y = values(table, "entropy", "FAST-DL"), values(table, "entropy", "FAST")
    test, summary = found["entropy"]["paired"][0], found["entropy"]["arms"][1]
    assert test["paired_t"]["p"] == pytest.approx(stats.ttest_rel(x, y).pvalue)
    wilcoxon = stats.wilcoxon(x, y, correction=False, method="asymptotic").pvalue
    assert test["wilcoxon"]["p"] == pytest.approx(wilcoxon)
    means = [one.reshape(9, 2).mean(axis=1) for one in (x, y)]
    assert test["by_subject"]["p"] == pytest.approx(stats.ttest_rel(*means).pvalue)
    assert (summary["median"], summary["sd"]) == pytest.approx((np.median(y), y.std(ddof=1)))


def test_a_volume_without_a_value_leaves_the_pair_and_an_empty_arm_says_why(table):
    gone = table.assign(value=table["value"].where(~((table["arm"] == "FAST") & (table["roi"] == "lesion 1"))))
    found = analyse(gone, reference="SOC", pairs=[("FAST", "FAST-DL")])["measures"][0]
    assert (found["arms"][1]["n"], found["paired"][0]["paired_t"]["n"]) == (9, 9)
    gone.loc[gone["arm"] == "FAST", "value"] = np.nan
    empty = analyse(gone, reference="SOC")["measures"][0]
    assert (empty["arms"][1]["median"], empty["arms"][1]["reason"]) == (None, "no defined value")


def test_a_table_that_names_another_arm_or_a_value_twice_is_refused(table):
    with pytest.raises(InputError, match="no arm REF"):
        analyse(table, reference="REF")
    with pytest.raises(InputError, match="there twice"):
        analyse(pd.concat([table, table.head(1)]), reference="SOC")


def test_the_command_says_the_same_and_what_is_wrong(table, tmp_path, capsys):
    path = tmp_path / "voi.csv"
    table.to_csv(path, index=False)
    assert main(["voi", str(path), "--reference", "SOC", "--pairs", "FAST=FAST-DL"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = analyse(pd.read_csv(path), reference="SOC", pairs=[("FAST", "FAST-DL")])
    assert found == json.loads(json.dumps(expected))
    for wrong, said in ((["--reference", "REF"], "REF"), (["--reference", "SOC", "--pairs", "FAST"], "--pairs FAST")):
        assert main(["voi", str(path), *wrong]) == 2
        assert said in capsys.readouterr().err
