"""Scan times: Table 1 of Bash et al. 2021, and seconds saved beside scipy."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import scan_times
from analysis.__main__ import main
from analysis.errors import InputError

# Table 1 of Bash et al.: protocol → seconds and NEX in SOC and FAST, TR, TE, matrix, echo train length.
TABLE_1 = {
    "lumbar-sag-T1": ((177, 92), (4, 2), 1550, 10, "320x192", 8),
    "lumbar-sag-T2": ((91, 36), (2, 1), 2584, 110, "320x224", 21),
    "lumbar-sag-PD": ((85, 47), (2, 1), 1367, 35, "320x224", 8),
    "lumbar-sag-STIR": ((121, 73), (2, 1), 4850, 33, "320x224", 8),
    "lumbar-axi-T2": ((98, 30), (3, 2), 4459, 102, "320x224", 32),
    "lumbar-axi-T1": ((195, 107), (2, 1), 634, 13, "320x224", 3),
}


def rows_of(subject: str, protocols, jitter=lambda: 0.0, **more) -> list[dict]:
    rows = []
    for protocol in protocols:
        seconds, averages, tr, te, matrix, train = TABLE_1[protocol]
        for arm, time, nex in zip(("SOC", "FAST"), seconds, averages, strict=True):
            case = f"{subject}-{protocol}"
            rows.append({
                "subject": subject, "case": case, "arm": arm, "series": f"{case}-{arm}",
                "acquisition_seconds": time + jitter(), "averages": nex, "tr": tr, "te": te, "matrix": matrix,
                "echo_train_length": train, "slice_thickness": 4, "field_strength": 1.5, "manufacturer": "GE",
                "model": "HDxt", **more,
            })  # fmt: skip
    return rows


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(rows_of("S01", TABLE_1, age=54, sex="F"))


@pytest.fixture
def study() -> pd.DataFrame:
    """20 subjects with one to three of the protocols, times with scatter."""
    rng = np.random.default_rng(4)
    rows = []
    for number in range(20):
        chosen = rng.choice(list(TABLE_1), size=1 + number % 3, replace=False)
        rows += rows_of(
            f"S{number:02d}", chosen, lambda: float(rng.normal(0, 6)), age=40 + number, sex="FM"[number % 2]
        )
    return pd.DataFrame(rows)


def times(found, protocol):
    (match,) = [row for row in found["times"] if row["protocol"] == protocol]
    return match


def test_the_published_protocols_come_out_as_printed(table):
    found = scan_times.analyse(table)
    assert [row["protocol"] for row in found["protocols"]] == sorted(TABLE_1)
    for row in found["protocols"]:
        seconds, averages, tr, te, matrix, train = TABLE_1[row["protocol"]]
        for place, arm in enumerate(row["arms"]):
            said = arm["parameters"]
            assert said["acquisition_seconds"]["median"] == seconds[place]
            assert said["averages"]["median"] == averages[place]
            assert (said["tr"]["median"], said["te"]["median"]) == (tr, te)
            assert said["matrix"]["values"] == [[matrix, 1]]
            assert said["echo_train_length"]["median"] == train
            assert said["ti"]["reason"] == "no series states it"
    whole = times(found, "all")
    assert (whole["mean_reference"], whole["mean_test"]) == (pytest.approx(767 / 6), pytest.approx(385 / 6))
    assert whole["saved_percent"]["estimate"] == pytest.approx(49.8, abs=0.05)
    assert whole["saved_per_examination"]["estimate"] == 382
    assert whole["saved"]["ci"] is None
    assert "fewer than 5 subjects" in whole["saved"]["reason"]


def test_seconds_saved_and_their_test_agree_with_scipy(study):
    whole = times(scan_times.analyse(study), "all")
    wide = study.pivot(index=["subject", "case"], columns="arm", values="acquisition_seconds")
    assert whole["saved"]["estimate"] == pytest.approx((wide["SOC"] - wide["FAST"]).mean())
    means = wide.groupby("subject").mean()
    expected = stats.ttest_rel(means["SOC"], means["FAST"])
    assert whole["paired_t"]["p"] == pytest.approx(expected.pvalue)
    assert (whole["cases"], whole["subjects"]) == (len(wide), 20)
    # The bootstrap of a ratio estimator is close to its linearised standard error (Cochran 1977, eq. 6.13).
    sums = (wide["SOC"] - wide["FAST"]).groupby("subject").agg(["sum", "size"])
    residual = sums["sum"] - whole["saved"]["estimate"] * sums["size"]
    error = np.sqrt((residual**2).sum() / (20 * 19)) / sums["size"].mean()
    low, high = whole["saved"]["ci"]
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_a_case_without_a_time_is_left_out_and_counted(study):
    study.loc[0, "acquisition_seconds"] = np.nan
    whole = times(scan_times.analyse(study), "all")
    assert whole["left_out"] == 1
    assert whole["cases"] == study["case"].nunique() - 1


def test_no_times_at_all_are_said_not_invented(table):
    table["acquisition_seconds"] = np.nan
    whole = times(scan_times.analyse(table), "all")
    assert whole["saved"]["estimate"] is None
    assert whole["saved"]["reason"] == "no case has a time in both arms"
    assert whole["paired_t"]["p"] is None


def test_cohort_and_scanners_are_counted_per_subject(study):
    found = scan_times.analyse(study)
    assert found["cohort"]["subjects"] == 20
    assert (found["cohort"]["age"]["mean"], found["cohort"]["age"]["max"]) == (49.5, 59)
    assert found["cohort"]["sex"] == {"F": 10, "M": 10, "O": 0, "unknown": 0}
    (scanner,) = found["scanners"]
    assert (scanner["manufacturer"], scanner["model"], scanner["field_strength"]) == ("GE", "HDxt", 1.5)
    assert (scanner["subjects"], scanner["series"]) == (20, len(study))


def test_made_arms_have_a_processing_time_and_no_scan_time(table):
    made = table[table["arm"] == "FAST"].assign(
        arm="FAST-DL", series=lambda rows: rows["series"] + "-DL", made_from="x", processing_seconds=30.0,
        model_name="denoise 1.0",
    )  # fmt: skip
    found = scan_times.analyse(pd.concat([table, made], ignore_index=True))
    assert found["processing"] == [
        {"arm": "FAST-DL", "n": 6, "mean": 30.0, "max": 30.0, "models": ["denoise 1.0"], "reason": None}
    ]
    assert {row["test"] for row in found["times"]} == {"FAST"}


def test_cases_with_other_codes_are_one_protocol(table):
    table["case"] = table["case"].str.replace("S01-", "patient one ")
    assert [row["protocol"] for row in scan_times.analyse(table)["protocols"]] == ["all"]


def test_an_unknown_reference_is_refused(table):
    with pytest.raises(InputError, match="reference arm REF"):
        scan_times.analyse(table, reference="REF")


def test_the_command_prints_the_same(table, tmp_path, capsys):
    table.to_csv(tmp_path / "series.csv", index=False)
    assert main(["scan-times", str(tmp_path / "series.csv")]) == 0
    assert json.loads(capsys.readouterr().out) == scan_times.analyse(table)
