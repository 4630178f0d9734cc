"""Scan times: Table 1 of Bash et al. 2021, and seconds saved beside scipy."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import scan_times
from analysis.__main__ import main
from analysis.errors import InputError

# Table 1 of Bash et al.: protocol → seconds and NEX in SOC and FAST, TR, TE, matrix, echo train length; TI 140 in STIR.
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
            rows.append(
                {
                    "subject": subject,
                    "case": case,
                    "arm": arm,
                    "series": f"{case}-{arm}",
                    "acquisition_seconds": time + jitter(),
                    "averages": nex,
                    "tr": tr,
                    "te": te,
                    "matrix": matrix,
                    "ti": 140 if "STIR" in protocol else None,
                    "echo_train_length": train,
                    "slice_thickness": 4,
                    "field_strength": 1.5,
                    "manufacturer": "GE",
                    "model": "HDxt",
                    **more,
                }
            )
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
            if row["protocol"] == "lumbar-sag-STIR":
                assert said["ti"]["median"] == 140
            else:
                assert (said["ti"]["median"], said["ti"]["reason"]) == (None, "no series states it")
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
    by_subject = whole["saved_by_subject"]
    assert by_subject["estimate"] == pytest.approx((means["SOC"] - means["FAST"]).mean())
    assert by_subject["ci"] == pytest.approx(list(expected.confidence_interval()))
    assert whole["ratio"]["estimate"] == pytest.approx(wide["FAST"].sum() / wide["SOC"].sum())
    # Leaving out each subject is close to the linearised standard error of a ratio (Cochran 1977, eq. 6.13) and t.
    sums = (wide["SOC"] - wide["FAST"]).groupby("subject").agg(["sum", "size"])
    residual = sums["sum"] - whole["saved"]["estimate"] * sums["size"]
    error = np.sqrt((residual**2).sum() / (20 * 19)) / sums["size"].mean()
    low, high = whole["saved"]["ci"]
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 19) * error, rel=0.12)


def exactly(values: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def test_the_published_means_give_the_published_saving():
    """Bash et al.: 111 sequences of 61 patients, SOC 171.2 ± 66.4 s, FAST 96.2 ± 41.2 s; "approximately 40 %"."""
    scatter = np.random.default_rng(2).permutation(111).astype(float)
    seconds = {"SOC": exactly(scatter, 171.2, 66.4), "FAST": exactly(scatter, 96.2, 41.2)}
    rows = [
        {
            "subject": f"S{case % 61}",
            "case": f"S{case % 61}-lumbar-sag-T{case // 61}",
            "arm": arm,
            "series": f"{case}-{arm}",
            "acquisition_seconds": values[case],
        }
        for arm, values in seconds.items()
        for case in range(111)
    ]
    whole = times(scan_times.analyse(pd.DataFrame(rows)), "all")
    assert (whole["cases"], whole["subjects"]) == (111, 61)
    assert (whole["mean_reference"], whole["sd_reference"]) == (pytest.approx(171.2), pytest.approx(66.4))
    assert (whole["mean_test"], whole["sd_test"]) == (pytest.approx(96.2), pytest.approx(41.2))
    assert whole["saved_percent"]["estimate"] == pytest.approx(43.8, abs=0.05)
    low, high = whole["saved_percent"]["ci"]
    assert 40 < low < 43.8 < high


def test_parameters_are_summed_up_over_the_series_that_state_them():
    """By hand: 100, 110, 130 s have the median 110; one TR of three is missing; two of three matrices agree."""
    stated = [(100.0, 2500.0, "320x224"), (130.0, None, "320x192"), (110.0, 2600.0, "320x224")]
    rows = [
        {
            "subject": f"S{n}",
            "case": f"S{n}-brain-axi-T2",
            "arm": "SOC",
            "series": f"{n}",
            "acquisition_seconds": time,
            "tr": tr,
            "matrix": matrix,
        }
        for n, (time, tr, matrix) in enumerate(stated)
    ]
    (protocol,) = scan_times.analyse(pd.DataFrame(rows))["protocols"]
    said = protocol["arms"][0]["parameters"]
    assert [said["acquisition_seconds"][name] for name in ("n", "median", "min", "max")] == [3, 110, 100, 130]
    assert [said["tr"][name] for name in ("n", "median", "min", "max")] == [2, 2550, 2500, 2600]
    assert said["matrix"]["values"] == [["320x224", 2], ["320x192", 1]]


def test_cases_without_both_times_are_left_out_and_counted_by_reason(study):
    study.loc[0, "acquisition_seconds"] = np.nan  # SOC of the first case
    study.loc[[2, 3], "acquisition_seconds"] = np.nan  # both arms of the second
    found = scan_times.analyse(study.drop(index=5))  # FAST of the third
    whole = times(found, "all")
    assert whole["left_out"] == {"not acquired in FAST": 1, "no time in either": 1, "no time in SOC": 1}
    assert whole["cases"] == study["case"].nunique() - 3


def test_subjects_may_share_the_codes_of_their_cases():
    rows = [
        {"subject": f"S{n}", "case": case, "arm": arm, "series": f"{n}{case}{arm}", "acquisition_seconds": seconds + n}
        for n in range(6)
        for case in ("T1", "T2")
        for arm, seconds in (("SOC", 100), ("FAST", 60))
    ]
    found = scan_times.analyse(pd.DataFrame(rows))
    whole = times(found, "all")
    assert (whole["cases"], whole["left_out"], found["cohort"]["cases"]) == (12, {}, 12)
    assert found["protocols"][0]["cases"] == 12


def test_two_echoes_of_a_case_count_once():
    rows = [
        {"subject": f"S{n}", "case": f"S{n}", "arm": arm, "series": f"{n}{arm}{echo}", "acquisition_seconds": seconds}
        for n in range(5)
        for arm, seconds in (("SOC", 100), ("FAST", 60))
        for echo in (1, 2)
    ]
    whole = times(scan_times.analyse(pd.DataFrame(rows)), "all")
    assert (whole["cases"], whole["saved_per_examination"]["estimate"]) == (5, 40)


def test_times_of_zero_have_no_percentage(study):
    study["acquisition_seconds"] = 0
    percent = times(scan_times.analyse(study), "all")["saved_percent"]
    assert (percent["estimate"], percent["reason"]) == (None, "every time in the reference is 0")


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
    assert found["cohort"]["sites"] == {"codes": [], "reason": "no series states its site"}
    (scanner,) = found["scanners"]
    assert (scanner["manufacturer"], scanner["model"], scanner["field_strength"]) == ("GE", "HDxt", 1.5)
    assert (scanner["subjects"], scanner["series"]) == (20, len(study))


def test_ages_at_the_cap_are_counted(study):
    study["age"] = study["age"].where(study["subject"] != "S03", 90)
    study["site"] = np.where(study["subject"] < "S05", "NY1", "CA1")
    cohort = scan_times.analyse(study)["cohort"]
    assert (cohort["age"]["max"], cohort["age"]["oldest"]) == (90, 1)
    assert cohort["sites"]["codes"] == ["CA1", "NY1"]


def test_made_arms_have_a_processing_time_and_no_scan_time(table):
    made = table[table["arm"] == "FAST"].assign(
        arm="FAST-DL",
        series=lambda rows: rows["series"] + "-DL",
        made_from="x",
        processing_seconds=30.0,
        model_name="denoise 1.0",
    )
    found = scan_times.analyse(pd.concat([table, made], ignore_index=True))
    assert found["processing"] == [
        {"arm": "FAST-DL", "n": 6, "mean": 30.0, "max": 30.0, "models": ["denoise 1.0"], "reason": None}
    ]
    assert {row["test"] for row in found["times"]} == {"FAST"}


def test_cases_with_other_codes_are_one_protocol(table):
    table["case"] = table["case"].str.replace("S01-", "patient one ")
    assert [row["protocol"] for row in scan_times.analyse(table)["protocols"]] == ["all"]


def test_one_case_with_another_code_does_not_take_the_protocols_of_the_rest(table):
    odd = table.iloc[:2].assign(case="patient one", series=["a", "b"])
    found = scan_times.analyse(pd.concat([table, odd], ignore_index=True))
    assert [row["protocol"] for row in found["protocols"]] == [*sorted(TABLE_1), "other"]


def test_an_unknown_reference_is_refused(table):
    with pytest.raises(InputError, match="reference arm REF"):
        scan_times.analyse(table, reference="REF")


def test_the_command_prints_the_same(table, tmp_path, capsys):
    table.to_csv(tmp_path / "series.csv", index=False)
    assert main(["scan-times", str(tmp_path / "series.csv")]) == 0
    assert json.loads(capsys.readouterr().out) == scan_times.analyse(table)


def test_what_was_simulated_saves_no_time_whatever_the_table_says():
    rows = pd.DataFrame([row for n in range(6) for row in rows_of(f"S{n}", ["lumbar-sag-T2"])])
    fast = rows["arm"] == "FAST"
    real = scan_times.analyse(rows)["times"][0]
    assert real["saved_percent"]["estimate"] == pytest.approx(100 * (1 - 36 / 91))
    whole = scan_times.analyse(rows.assign(simulated=np.where(fast, "degraded: half matrix linear, seed 0", None)))
    (protocol,) = whole["protocols"]
    assert [arm["parameters"]["acquisition_seconds"]["reason"] for arm in protocol["arms"]] == [
        None,
        "simulated, not acquired",
    ]
    assert whole["times"][0]["saved_percent"] | {"method": ""} == {
        "estimate": None,
        "ci": None,
        "level": 0.95,
        "n": 0,
        "method": "",
        "reason": "simulated, not acquired",
    }
    assert whole["times"][0]["left_out"] == {"simulated in FAST": 6}


def test_cases_of_which_one_arm_was_simulated_are_left_out_alone():
    rows = pd.DataFrame([row for n in range(6) for row in rows_of(f"S{n}", ["lumbar-sag-T2"])])
    one = (rows["arm"] == "FAST") & (rows["subject"] == "S0")
    found = scan_times.analyse(rows.assign(simulated=np.where(one, "phantom", None)))["times"][0]
    assert (found["cases"], found["left_out"]) == (5, {"simulated in FAST": 1})


def test_subjects_are_counted_by_their_codes_and_those_without_one_too(study):
    assert scan_times.analyse(study)["cohort"]["groups"] == []
    of_lung = study["subject"] < "S08"
    study["origin_code"] = np.where(of_lung, "C34.9", None)
    study["origin"] = np.where(of_lung, "Lung", None)
    groups = scan_times.analyse(study)["cohort"]["groups"]
    assert [(one["by"], one["code"], one["meaning"]) for one in groups] == [
        ("origin", "C34.9", "Lung"),
        ("origin", None, None),
    ]
    lung = study[of_lung].groupby("subject").first()
    assert (groups[0]["subjects"], groups[0]["age_mean"]) == (len(lung), lung["age"].mean())
    assert groups[0]["sex"]["F"] == (lung["sex"] == "F").sum()
    assert sum(one["subjects"] for one in groups) == 20
