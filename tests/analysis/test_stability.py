"""Stability of features: the published workbook, Bland & Altman 1986, R."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from analysis import stability
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report import document, table_cells
from analysis.stability import bland_altman, coefficient_of_variation, paired_t, quartile_dispersion
from analysis.statistics.paired import median_interval, pearson
from tests.analysis.conftest import FOLDER

# Peak expiratory flow, Wright and mini meter, first readings (Bland & Altman, Lancet 1986, table 1)
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def workbook(real_data, sheet) -> pd.DataFrame:
    """One radiomics sheet of Moummad et al. as a features table; its rows are 40 lesions in each of three groups."""
    path = real_data / "moummad" / "DataBase_Moummad et al.xlsx"
    wide = pd.read_excel(path, sheet_name=f"{sheet}_Radiomic_Features").rename(columns=str.strip)
    wide = wide.drop(columns=["PatientName", "labels"])
    lesion = wide.groupby("Groupe").cumcount().astype(str)
    long = wide.copy().assign(roi=lesion).melt(id_vars=["Groupe", "roi"], var_name="feature")
    return long.assign(subject="all", arm=long["Groupe"].map({"Original": "SOC", "input": "FAST", "IA": "FAST-DL"}))


@pytest.mark.parametrize(
    ("sheet", "t_test", "ccc"), [("Resampling", (83, 48), (50, 27)), ("Denoising", (75, 40), (40, 8))]
)
def test_workbook_of_moummad_gives_the_published_counts(real_data, tmp_path, sheet, t_test, ccc):
    features = tmp_path / "features.csv"
    workbook(real_data, sheet)[["subject", "roi", "arm", "feature", "value"]].to_csv(features, index=False)
    out = tmp_path / "out.json"
    command = ["stability", str(features), "--reference", "SOC", "--restores", "FAST=FAST-DL", "--json", str(out)]
    assert main([*command, "--criterion", "paired_t:0.05", "ccc:0.85"]) == 0
    found = json.loads(out.read_text())
    arms = {arm["arm"]: arm for arm in found["arms"]}
    assert {arm["n_features"] for arm in found["arms"]} == {104}
    assert {arm["n_rois"] for arm in found["arms"]} == {40}
    assert (arms["FAST"]["unstable"]["paired_t"], arms["FAST-DL"]["unstable"]["paired_t"]) == t_test
    assert (arms["FAST"]["unstable"]["ccc"], arms["FAST-DL"]["unstable"]["ccc"]) == ccc
    for row in found["restores"]:
        assert row["lost"] == arms["FAST"]["unstable"][row["criterion"]]
        assert row["lost"] - row["restored"] + row["newly_unstable"] == arms["FAST-DL"]["unstable"][row["criterion"]]
        assert row["restored"] == sum(group["restored"] for group in row["by_class"])


@pytest.fixture
def features() -> pd.DataFrame:
    """Three features of 12 volumes: one kept, one shifted and noisy, one from the mask alone."""
    random = np.random.default_rng(6)
    rows = []
    for roi in range(12):
        base = random.normal(100, 20)
        noise = random.normal(0, 25)
        for arm, kept, noisy in (("SOC", 0, 0), ("FAST", 0.1, 30 + noise), ("FAST-DL", 0.05, 0.1 * noise)):
            for name, value in (
                ("firstorder_Mean", base + kept * random.normal()),
                ("glcm_Contrast", base + noisy),
                ("shape_Volume", base),
            ):
                rows.append({"subject": f"S{roi}", "roi": "cord", "arm": arm, "feature": name, "value": value})
    return pd.DataFrame(rows)


def test_features_are_lost_and_restored_by_class(features):
    found = stability.analyse(features, reference="SOC", restores=[("FAST", "FAST-DL")])
    fast, dl = found["arms"]
    assert [row["stable"]["ccc"] for row in fast["features"]] == [True, False, True]
    assert [row["stable"]["ccc"] for row in dl["features"]] == [True, True, True]
    assert fast["classes"][1] == {"class": "glcm", "n_features": 1, "stable": {"paired_t": 0, "ccc": 0, "icc": 0}}
    ccc = next(row for row in found["restores"] if row["criterion"] == "ccc")
    assert (ccc["lost"], ccc["restored"], ccc["newly_unstable"]) == (1, 1, 0)
    assert [row["class"] for row in ccc["by_class"]] == ["firstorder", "glcm", "shape"]
    json.dumps(found, allow_nan=False)


def test_a_feature_that_cannot_change_has_no_p_but_full_concordance(features):
    (shape,) = [r for r in stability.analyse(features, reference="SOC")["arms"][0]["features"] if r["class"] == "shape"]
    assert (shape["paired_t"]["p"], shape["paired_t"]["reason"]) == (None, "every difference is zero")
    assert shape["ccc"]["estimate"] == pytest.approx(1)
    assert shape["icc"]["ICC2"]["estimate"] == pytest.approx(1)
    assert shape["stable"] == {"paired_t": None, "ccc": True, "icc": True}
    assert shape["p_holm"] is None


def test_dispersion_is_over_arms_then_the_median_over_volumes(features):
    found = stability.analyse(features, reference="SOC")
    wide = features[features["feature"] == "glcm_Contrast"].pivot(index="subject", columns="arm", values="value")
    (contrast,) = [row for row in found["dispersion"] if row["feature"] == "glcm_Contrast"]
    assert contrast["cv"]["estimate"] == pytest.approx((wide.std(axis=1, ddof=1) / wide.mean(axis=1)).median())
    assert {row["measure"] for row in found["summary"]} == {"icc", "ccc", "cv", "qcd"}
    assert all(0 <= row["share_acceptable"] <= 1 for row in found["summary"])


def test_missing_values_are_left_out_pairwise(features):
    features.loc[(features["feature"] == "glcm_Contrast") & (features["subject"] == "S3"), "value"] = np.nan
    row = stability.analyse(features, reference="SOC")["arms"][0]["features"][1]
    assert (row["feature"], row["ccc"]["n"]) == ("glcm_Contrast", 11)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--reference", "REF"], "The features table has no arm REF; it has SOC, FAST, FAST-DL."),
        (["--reference", "SOC", "--restores", "FAST"], "--restores FAST: give the arms as FAST=FAST-DL."),
        (["--reference", "SOC", "--restores", "FAST=SOC"], "The reference SOC cannot be restored or restore."),
        (
            ["--reference", "SOC", "--criterion", "ccc=1"],
            "--criterion ccc=1: give a name and a number from 0 to 1, such as ccc:0.85.",
        ),
        (
            ["--reference", "SOC", "--criterion", "paired_t:5"],
            "--criterion paired_t:5: give a name and a number from 0 to 1, such as ccc:0.85.",
        ),
        (
            ["--reference", "SOC", "--criterion", "r:1"],
            "There is no criterion r; there are paired_t, ccc, icc, dispersion.",
        ),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(features, tmp_path, capsys, options, sentence):
    path = tmp_path / "features.csv"
    features.to_csv(path, index=False)
    assert main(["stability", str(path), *options]) == 2
    assert capsys.readouterr().err.strip() == sentence


def test_a_value_twice_is_refused(features):
    with pytest.raises(InputError, match="row 110, column value: firstorder_Mean of arm SOC is there twice"):
        stability.analyse(pd.concat([features, features.head(1)], ignore_index=True), reference="SOC")


@pytest.mark.reference("paired t", "t.test and cor.test of R", version="4.2.2")
def test_paired_t_and_pearson_equal_r(two_samples, r):
    a, b = two_samples["a"], two_samples["b"]
    t = paired_t(a, b)
    assert (t.statistic, t.p) == pytest.approx((r["paired_t"], r["paired_t_p"]), rel=1e-10)
    assert t.ci == pytest.approx((r["paired_t_low"], r["paired_t_high"]), rel=1e-10)
    correlation = pearson(a, b)
    assert (correlation.estimate, correlation.p) == pytest.approx((r["pearson"], r["pearson_p"]), rel=1e-9)
    assert correlation.ci == pytest.approx((r["pearson_low"], r["pearson_high"]), rel=1e-9)


@pytest.mark.reference("limits", "Bland and Altman, peak flow", version="1986")
def test_peak_flow_of_bland_and_altman_1986():
    """Printed: bias −2.1 (−22.0 to 17.8), SD 38.8, limits −79.7 (−114.3 to −45.1) and 75.5 (40.9 to 110.1) with ± 2 SD.

    With ± 1.96 SD, as we state, the limits move by 0.04 SD = 1.55.
    """
    result = bland_altman(WRIGHT, MINI, form="1986")
    assert round(result.estimate, 1) == -2.1
    assert round(result.sd, 1) == 38.8
    assert result.ci == pytest.approx((-22.0, 17.8), abs=0.1)
    assert result.lower.estimate == pytest.approx(-79.7 + 1.55, abs=0.1)
    assert result.lower.ci == pytest.approx((-114.3 + 1.55, -45.1 + 1.55), abs=0.2)
    assert result.upper.ci == pytest.approx((40.9 - 1.55, 110.1 - 1.55), abs=0.2)
    later = bland_altman(WRIGHT, MINI)
    assert np.ptp(later.upper.ci) == pytest.approx(
        np.ptp(result.upper.ci) * np.sqrt((1 + 17 * 1.96**2 / 32) / 3), rel=1e-9
    )


@pytest.fixture(scope="module")
def ejection() -> pd.DataFrame:
    """Columns subject, rv, ic: Bland & Altman 2007, table 1, 60 pairs of 12 subjects."""
    return pd.read_csv(FOLDER / "ejection.csv")


@pytest.mark.reference("limits", "Bland and Altman, ejection fraction", version="2007")
def test_several_pairs_per_subject_of_bland_and_altman_2007(ejection, r):
    """Components by R's analysis of variance: bias 0.60, limits −1.34 to 2.54."""
    result = bland_altman(ejection["rv"], ejection["ic"], cluster=ejection["subject"])
    assert result.estimate == pytest.approx(r["ejection_bias"])
    assert result.sd**2 == pytest.approx(r["ejection_between"] + r["ejection_within"])
    assert result.lower.estimate == pytest.approx(-1.34, abs=0.005)
    assert result.lower.ci[0] < result.lower.estimate < result.lower.ci[1] < result.ci[0]
    ignored = bland_altman(ejection["rv"], ejection["ic"])
    assert np.ptp(result.upper.ci) > 1.5 * np.ptp(ignored.upper.ci)


@pytest.mark.reference("limits", "Zou", version="2013")
def test_intervals_of_clustered_limits_are_those_printed_by_zou(ejection):
    """First four subjects, as in the tests of R's SimplyAgree: limits −2.14 (−9.83 to −0.33), 3.59 (1.77 to 11.27)."""
    few = ejection[ejection["subject"] <= 4]
    result = bland_altman(few["rv"], few["ic"], cluster=few["subject"], weight="subjects")
    assert result.estimate == pytest.approx(0.7255, abs=5e-5)
    assert (result.lower.estimate, result.upper.estimate) == pytest.approx((-2.14, 3.59), abs=0.005)
    assert result.lower.ci == pytest.approx((-9.83, -0.33), abs=0.01)
    assert result.upper.ci == pytest.approx((1.77, 11.27), abs=0.015)


def test_both_weights_agree_for_equal_cluster_sizes(ejection):
    equal = ejection.groupby("subject").head(3)
    pairs, subjects = (
        bland_altman(equal["rv"], equal["ic"], cluster=equal["subject"], weight=weight)
        for weight in ("pairs", "subjects")
    )
    assert pairs.estimate == pytest.approx(subjects.estimate)
    assert pairs.lower.ci == pytest.approx(subjects.lower.ci)
    assert pairs.upper.ci == pytest.approx(subjects.upper.ci)


@pytest.mark.parametrize("weight", ["pairs", "subjects"])
def test_intervals_of_clustered_limits_cover(weight):
    """Simulated: 30 subjects with 2 to 5 pairs, between-subject SD 3, within-subject SD 4: limits at ± 1.96 × 5."""
    random = np.random.default_rng(0)
    inside, sds = np.zeros(2), []
    for _ in range(1000):
        subject = np.repeat(np.arange(30), random.integers(2, 6, 30))
        difference = random.normal(0, 3, 30)[subject] + random.normal(0, 4, subject.size)
        result = bland_altman(difference, np.zeros(subject.size), cluster=subject, weight=weight)
        sds.append(result.sd)
        inside += [result.ci[0] < 0 < result.ci[1], result.upper.ci[0] < 9.8 < result.upper.ci[1]]
    assert np.mean(sds) == pytest.approx(5, rel=0.02)
    assert inside / 1000 == pytest.approx([0.95, 0.95], abs=0.025)


def test_undefined_limits_say_why():
    assert bland_altman([1], [1]).reason == "fewer than two pairs"
    assert bland_altman([1, 2], [0, 0], cluster=[1, 2]).lower.reason.startswith("no subject has two pairs")
    assert bland_altman([1, 2], [0, 0], cluster=[1, 1]).lower.reason == "only one subject"
    same = bland_altman([3, 4, 5], [2, 3, 4])
    assert (same.estimate, same.ci, same.lower.ci) == (1, None, None)
    assert same.reason == "no interval: all differences are the same"


@pytest.mark.reference("dispersion", "R", version="4.2.2")
def test_cv_and_qcd_equal_r_and_state_their_rule(two_samples, r):
    assert coefficient_of_variation(two_samples["a"]).estimate == pytest.approx(r["cv"], rel=1e-12)
    for kind in (6, 7):
        result = quartile_dispersion(two_samples["a"], quantile_type=kind)
        assert result.estimate == pytest.approx(r[f"qcd_type{kind}"], rel=1e-12)
        assert f"type {kind}" in result.method


def test_undefined_dispersion_says_why():
    assert coefficient_of_variation([1, -1]).reason == "the mean is 0"
    assert coefficient_of_variation([1]).reason == "fewer than two values"
    assert quartile_dispersion([-2, -1, 1, 2]).reason == "the quartiles differ in sign or sum to 0"
    assert paired_t([1], [2]).reason == "fewer than two pairs"
    assert paired_t([2, 3], [1, 2]).reason == "differences are constant"
    assert pearson([1, 2, 3], [4, 4, 4]).reason == "one side is constant"


def test_median_interval_has_the_ranks_of_the_tables():
    """Binomial tables: n = 20 gives ranks 6 and 15, n = 10 gives 2 and 9, n = 5 none."""
    assert median_interval(np.arange(1, 21)).ci == (6, 15)
    assert median_interval(np.arange(1, 11)).ci == (2, 9)
    assert median_interval(np.arange(5)).ci is None


def test_html_page_holds_every_feature(features, tmp_path):
    path, page = tmp_path / "features.csv", tmp_path / "out.html"
    features.to_csv(path, index=False)
    assert main(["stability", str(path), "--reference", "SOC", "--restores", "FAST=FAST-DL", "--html", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert len(re.findall(r"<td[^>]*>\s*glcm_Contrast\s*</td>", html)) == 2
    assert "every difference is zero" in html


def test_shape_of_a_carried_mask_is_in_no_count_unless_masks_differ(features):
    """14 of the 23 stable features of a real run were those: equal by construction."""
    found = stability.analyse(features, reference="SOC", restores=[("FAST", "FAST-DL")])
    for arm in found["arms"]:
        assert (arm["n_features"], arm["by_construction"]) == (3, 1)
        assert [row["counted"] for row in arm["features"]] == [True, True, False]
        assert arm["classes"][2] == {"class": "shape", "n_features": 0, "stable": {"paired_t": 0, "ccc": 0, "icc": 0}}
    assert all(row["kept"] + row["lost"] + row["newly_unstable"] <= 2 for row in found["restores"])
    assert {row["n"] for row in found["summary"]} == {4, 2}  # features × arms, and features
    own_mask = features["arm"].eq("FAST") & features["feature"].eq("shape_Volume") & features["subject"].eq("S3")
    features.loc[own_mask, "value"] += 1.0
    fast, dl = stability.analyse(features, reference="SOC")["arms"]
    assert (fast["by_construction"], dl["by_construction"]) == (0, 1)
    assert fast["classes"][2]["stable"]["ccc"] == 1


def test_thresholds_are_stored_and_subjects_count_once_in_a_second_column(features):
    twice = pd.concat([features, features.assign(roi="disc", value=features["value"] + 1e-3)], ignore_index=True)
    found = stability.analyse(twice, reference="SOC", criteria={"ccc": 0.9})
    assert found["criteria"] == {"paired_t": 0.05, "ccc": 0.9, "icc": 0.9, "dispersion": 0.1}
    fast = found["arms"][0]
    assert fast["unstable_by_subject"] == stability.analyse(features, reference="SOC")["arms"][0]["unstable"]
    assert fast["features"][1]["stable_by_subject"]["ccc"] is False
    assert stability.analyse(features, reference="SOC")["arms"][0]["unstable_by_subject"] is None
    noisy = twice["arm"].eq("FAST") & twice["feature"].eq("firstorder_Mean")
    twice.loc[noisy, "value"] += np.where(twice.loc[noisy, "roi"] == "cord", 40, -40)  # even out within a subject
    row = stability.analyse(twice, reference="SOC")["arms"][0]["features"][0]
    assert (row["stable"]["ccc"], row["stable_by_subject"]["ccc"]) == (False, True)
    groups = {(group["by"], group["group"]): group for group in found["groups"]}
    assert set(groups) == {("roi", "cord"), ("roi", "disc")}
    by_case = stability.analyse(twice.assign(case=twice["subject"] + "-T2"), reference="SOC")["groups"]
    assert {group["by"] for group in by_case} == {"roi"}  # one sequence is no group
    subject = twice["subject"].str[1:].astype(int)
    plane = np.where(subject < 6, "axial", "sagittal")
    by_case = stability.analyse(twice.assign(case=twice["subject"] + "-" + plane), reference="SOC")["groups"]
    assert [(group["group"], group["n_rois"]) for group in by_case if group["by"] == "sequence"] == [
        ("axial", 12),
        ("sagittal", 12),
    ]
    assert groups["roi", "cord"]["n_rois"] == 12
    alone = stability.analyse(features, reference="SOC", criteria={"ccc": 0.9})["arms"][0]
    of_group = groups["roi", "cord"]["arms"][0]
    assert (of_group["arm"], of_group["n_features"]) == ("FAST", 2)
    assert [of_group[key] for key in ("unstable", "judged", "reasons")] == [
        alone[key] for key in ("unstable", "judged", "reasons")
    ]
    assert of_group["ccc"] == {row["feature"]: row["ccc"]["estimate"] for row in alone["features"] if row["counted"]}


def test_nothing_is_called_stable_where_nothing_was_judged(features):
    """One volume with half as much again in the fast arm: no test is defined."""
    one = features[features["subject"] == "S0"].assign(
        value=lambda table: table["value"] * (table["arm"] == "FAST") + 1
    )
    found = stability.analyse(one, reference="SOC")
    fast = found["arms"][0]
    assert fast["unstable"] == fast["judged"] == {"paired_t": 0, "ccc": 0, "icc": 0}
    assert fast["reasons"]["paired_t"] == "fewer than two pairs"
    cells = table_cells.unstable(fast, 3)
    assert [cell.text for cell in cells] == ["", "", ""]
    assert all(cell.reason for cell in cells)
    fast = stability.analyse(features, reference="SOC")["arms"][0]
    assert fast["judged"] == {"paired_t": 2, "ccc": 2, "icc": 2}
    assert set(fast["reasons"].values()) == {None}
    features.loc[(features["feature"] == "glcm_Contrast") & (features["subject"] != "S0"), "value"] = np.nan
    fast = stability.analyse(features, reference="SOC")["arms"][0]
    assert table_cells.unstable(fast, 2)[1].text == "0 of 1"
    (shape,) = stability.analyse(features[features["feature"] == "shape_Volume"], reference="SOC")["arms"][:1]
    assert shape["reasons"]["ccc"] == "every feature is equal by construction"


def test_the_report_counts_the_features_that_are_counted(features):
    html = document.stability(stability.analyse(features, reference="SOC"), criteria=stability.CRITERIA)
    row = re.search(r"<tr[^>]*>\s*<td[^>]*>\s*FAST\s*</td>(.*?)</tr>", html, re.DOTALL)[1]
    assert re.findall(r">\s*(\d+)\s*<", row)[:3] == ["12", "2", "1"]  # volumes, features, by construction


def test_features_in_no_count_do_not_weigh_on_the_others(features):
    """A carried mask leaves 1e-12 between the arms: a p value, but no hypothesis."""
    counted = features[features["feature"] != "shape_Volume"]
    random = np.random.default_rng(2)
    shape = features["feature"].eq("shape_Volume") & features["arm"].eq("FAST")
    features.loc[shape, "value"] *= 1 + 1e-12 * random.normal(size=12)
    fast = stability.analyse(features, reference="SOC")["arms"][0]
    alone = stability.analyse(counted, reference="SOC")["arms"][0]
    (own,) = [row for row in fast["features"] if row["class"] == "shape"]
    assert (own["counted"], own["paired_t"]["p"] is None) == (False, False)
    assert (own["p_holm"], own["p_bh"]) == (None, None)
    for key in ("p_holm", "p_bh"):
        assert [row[key] for row in fast["features"][:2]] == [row[key] for row in alone["features"]]
    cell = table_cells.adjusted_p(own["p_holm"], own["paired_t"], outside="equal by construction, in no count")
    assert cell.reason == "equal by construction, in no count"


def test_volumes_without_a_name_are_no_group_and_places_are_no_sites(features):
    twice = pd.concat([features, features.assign(roi="VOI2")], ignore_index=True)
    twice["roi"] = twice["roi"].replace("cord", "VOI1")
    assert stability.analyse(twice, reference="SOC")["groups"] == []
    named = pd.concat([features, features.assign(roi="disc")], ignore_index=True)
    html = document.stability(stability.analyse(named, reference="SOC"), criteria=stability.CRITERIA)
    assert "Unstable features by place and sequence" in html
    assert "site" not in re.search(r"Unstable features by place.*?</table>", html, re.DOTALL)[0]
