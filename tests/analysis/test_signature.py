"""Radiomic signatures: published values of two models, models as files, and what an arm does to them."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis import robust, signature, stability
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report.tables import signature as report_tables

MODEL = """
name: Two features
source: made up in this test
normalisation: given
intercept: 1
features:
  - {feature: firstorder_Mean, coefficient: 2, mean: 100, sd: 20}
  - {feature: glcm_Contrast, coefficient: -1, mean: 10, sd: 5}
"""


def long(values: dict[str, dict[str, list[float]]], subjects: list[str] | None = None) -> pd.DataFrame:
    """A features table of arm → feature → value of each volume."""
    rows = []
    for arm, features in values.items():
        for name, column in features.items():
            for place, value in enumerate(column):
                subject = subjects[place] if subjects else f"S{place}"
                rows.append({"subject": subject, "roi": f"lesion {place}", "arm": arm, "feature": name, "value": value})
    return pd.DataFrame(rows)


@pytest.fixture
def features() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    mean, contrast = rng.normal(100, 20, 12), rng.normal(10, 5, 12)
    return long(
        {
            "SOC": {"firstorder_Mean": mean, "glcm_Contrast": contrast},
            "FAST": {"firstorder_Mean": mean + 1, "glcm_Contrast": contrast + rng.normal(6, 5, 12)},
            "FAST-DL": {"firstorder_Mean": mean, "glcm_Contrast": contrast + rng.normal(0, 0.5, 12)},
        }
    )


@pytest.mark.parametrize(
    ("model", "fast", "dl", "within"),
    [
        ("model_resampling_chien", -0.86, -0.24, 0.95),
        ("model_resampling_su", -0.36, -0.07, 0.925),  # the text says: the same as of the other model
        ("model_denoising_chien", 0.96, 0.12, 0.925),
        ("model_denoising_su", 0.15, 0.01, 0.925),
    ],
)
def test_published_values_of_two_models_have_the_published_bias(real_data, model, fast, dl, within) -> None:
    """Moummad et al., figures 5, 7 and S2, reference − arm; p < 0.001 of fast, p < 0.05 of DL for one model alone."""
    path = real_data / "moummad" / "DataBase_Moummad et al.xlsx"
    sheet = pd.read_excel(path, sheet_name="Predictive radiomic models")
    groups = dict(zip(("SOC", "FAST", "FAST-DL"), sheet["groupe"].unique(), strict=True))
    table = long({arm: {"value_Model": sheet.loc[sheet["groupe"] == name, model]} for arm, name in groups.items()})
    as_it_is = signature.read_signature(
        "{name: Published, source: workbook, features: [{feature: value_Model, coefficient: 1}]}"
    )
    arms = {arm["arm"]: arm for arm in signature.analyse(table, as_it_is, reference="SOC")["arms"]}
    assert arms["FAST"]["bland_altman"]["bias"]["estimate"] == pytest.approx(-fast, abs=0.005)
    assert arms["FAST-DL"]["bland_altman"]["bias"]["estimate"] == pytest.approx(-dl, abs=0.005)
    assert arms["FAST-DL"]["share_within_limits"]["estimate"] == within
    assert arms["FAST"]["paired_t"]["p"] < 0.001
    assert (arms["FAST-DL"]["paired_t"]["p"] < 0.05) == model.endswith("chien")


def test_values_are_the_model_by_hand(features: pd.DataFrame) -> None:
    found = signature.analyse(features, signature.read_signature(MODEL), reference="SOC")
    wide = features[features["arm"] == "FAST"].pivot(index="roi", columns="feature", values="value")
    expected = 1 + 2 * (wide["firstorder_Mean"] - 100) / 20 - (wide["glcm_Contrast"] - 10) / 5
    fast, dl = found["arms"]
    assert {one["roi"]: one["value"] for one in fast["values"]} == pytest.approx(expected.to_dict())
    assert fast["unstable_inputs"] == ["glcm_Contrast"]
    assert dl["unstable_inputs"] == []
    reference = {one["roi"]: one["value"] for one in found["reference_values"]}
    differences = [one["value"] - reference[one["roi"]] for one in fast["values"]]
    assert fast["bland_altman"]["bias"]["estimate"] == pytest.approx(np.mean(differences))
    assert fast["bland_altman"]["sd"] == pytest.approx(np.std(differences, ddof=1))
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("link", "expected"), [("identity", 2.0), ("logistic", 1 / (1 + np.exp(-2))), ("exponential", np.exp(2))]
)
def test_links(link: str, expected: float) -> None:
    model = signature.read_signature(
        yaml.safe_dump(
            {"name": "x", "source": "y", "link": link, "features": [{"feature": "glcm_Id", "coefficient": 2}]}
        )
    )
    assert model.of(np.array([[1.0]]))[0] == pytest.approx(expected)


def test_a_z_score_over_the_reference_is_of_the_reference_in_every_arm(features: pd.DataFrame) -> None:
    text = "{name: x, source: y, normalisation: reference, features: [{feature: glcm_Contrast, coefficient: 1}]}"
    found = signature.analyse(features, signature.read_signature(text), reference="SOC")
    values = np.array([one["value"] for one in found["reference_values"]])
    assert (values.mean(), values.std(ddof=1)) == pytest.approx((0, 1))
    wide = features.query("feature == 'glcm_Contrast'").pivot(index="roi", columns="arm", values="value")
    bias = (wide["FAST"] - wide["SOC"]).mean() / wide["SOC"].std(ddof=1)
    assert found["arms"][0]["bland_altman"]["bias"]["estimate"] == pytest.approx(bias)


def test_the_share_is_within_the_limit_of_the_model_or_of_the_arm(features: pd.DataFrame) -> None:
    model = signature.read_signature(MODEL)
    own = signature.analyse(features, model, reference="SOC")["arms"][1]["share_within_limits"]
    assert "by definition" in own["method"]
    found = signature.analyse(features, signature.read_signature(MODEL + "limit: 0.05\n"), reference="SOC")
    reference = [one["value"] for one in found["reference_values"]]
    within = [abs(a["value"] - b) <= 0.05 for a, b in zip(found["arms"][1]["values"], reference, strict=True)]
    assert found["arms"][1]["share_within_limits"]["estimate"] == np.mean(within) < own["estimate"]


def test_a_volume_without_an_input_has_no_value_and_several_volumes_of_a_subject_are_said() -> None:
    rng = np.random.default_rng(1)
    values = {arm: {"firstorder_Mean": list(rng.normal(100, 9, 8))} for arm in ("SOC", "FAST")}
    values["FAST"]["firstorder_Mean"][2] = np.nan
    text = "{name: x, source: y, features: [{feature: firstorder_Mean, coefficient: 1}]}"
    table = long(values, subjects=["A", "A", "B", "B", "C", "C", "D", "D"])
    (arm,) = signature.analyse(table, signature.read_signature(text), reference="SOC")["arms"]
    assert (arm["n"], arm["values"][2]["value"]) == (7, None)
    assert arm["by_subject"]["n"] == 4
    cells = report_tables.values(signature.analyse(table, signature.read_signature(text), reference="SOC")).rows[2]
    assert (cells[-1].text, bool(cells[-1].reason)) == ("", True)


@pytest.mark.parametrize("name", signature.examples())
def test_examples_say_that_they_are_made_up(name: str) -> None:
    model = signature.read_signature(signature.examples()[name])
    assert model.made_up
    assert "made-up coefficients" in model.name
    assert len(model.inputs) >= 3


def test_there_are_three_examples_with_three_links() -> None:
    links = {signature.read_signature(text).link for text in signature.examples().values()}
    assert links == set(signature.LINKS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "no YAML"),
        ("{name: x}", "has name, source and features"),
        ("{name: x, source: y, features: [], lasso: 1}", "may have"),
        ("{name: x, source: y, features: []}", "at least one feature"),
        ("{name: x, source: y, features: [{feature: a_B}]}", "Each feature of this signature has coefficient, feature"),
        ("{name: x, source: y, features: [{feature: a_B, coefficient: many}]}", "coefficient is a number"),
        ("{name: x, source: y, features: [{feature: a_B, coefficient: .nan}]}", "coefficient is a number"),
        ("{name: x, source: y, link: probit, features: [{feature: a_B, coefficient: 1}]}", "link is one of"),
        (
            "{name: x, source: y, features: [{feature: a_B, coefficient: 1}, {feature: a_B, coefficient: 2}]}",
            "each feature once",
        ),
        ("{name: x, source: y, limit: 0, features: [{feature: a_B, coefficient: 1}]}", "limit is above 0"),
        ("{name: x, source: 2020-13-45, features: [{feature: a_B, coefficient: 1}]}", "no YAML"),
        ("{name: !!bool x, source: y, features: [{feature: a_B, coefficient: 1}]}", "no YAML"),
        (f"{{name: x, source: y, intercept: {'9' * 400}, features: []}}", "number of over 300 digits, line 1"),
        (f"{{name: 0x{'f' * 5000}, source: y, features: []}}", "number of over 300 digits"),
        ("a: &a {k: 1}\nb: &b {<<: [*a, *a]}\n", r"repeats a part by an alias \(\*\): write it out, line 2"),
    ],
)
def test_what_is_no_signature_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        signature.read_signature(text)


def test_a_whole_number_may_have_more_digits_than_a_machine_word() -> None:
    model = signature.read_signature(f"{{name: x, source: y, features: [{{feature: a_B, coefficient: {10**30}}}]}}")
    assert model.inputs[0].coefficient == 1e30


def test_the_command_writes_json_and_a_page_that_says_what_is_made_up(features, tmp_path, capsys) -> None:
    table, model = tmp_path / "features.csv", tmp_path / "model.yaml"
    features.to_csv(table, index=False)
    model.write_text(MODEL + "made_up: true\n")
    out, page = tmp_path / "out.json", tmp_path / "out.html"
    command = ["signature", str(table), str(model), "--reference", "SOC"]
    assert main([*command, "--json", str(out), "--html", str(page)]) == 0
    found = json.loads(out.read_text())
    assert {"conventions", "reference", "arms"} <= set(found)
    assert {"arm", "n", "values", "bland_altman", "paired_t", "share_within_limits", "unstable_inputs"} <= set(
        found["arms"][0]
    )
    html = page.read_text()
    assert "made up: its values mean nothing" in html
    assert html.count("lesion 3") == 1
    model.write_text("{name: x, source: y, features: [{feature: glcm_Beauty, coefficient: 1}]}")
    assert main(command) == 2
    assert "lacks glcm_Beauty" in capsys.readouterr().err


def test_robust_features_are_stable_in_every_arm_and_become_settings(features, tmp_path) -> None:
    found = stability.analyse(features, reference="SOC")
    assert robust.robust_features(found) == ["firstorder_Mean"]
    assert robust.robust_features(found, arms=["FAST-DL"]) == ["firstorder_Mean", "glcm_Contrast"]
    with pytest.raises(InputError, match="FAST, FAST-DL"):
        robust.robust_features(found, arms=["FASTER"])
    settings = {"setting": {"binCount": 32, "binWidth": None, "n4": False}, "imageType": {"LoG": {"sigma": [1]}}}
    names = ["log-sigma-1-0-mm-3D_glcm_Contrast", "intensity_CV"]
    ours, plain = (yaml.safe_load(robust.as_settings(names, settings, plain=one)) for one in (False, True))
    assert ours == {
        "setting": {"binCount": 32, "n4": False},
        "imageType": {"LoG": {"sigma": [1]}, "Original": {}},
        "featureClass": {"glcm": ["Contrast"], "intensity": ["CV"]},
    }
    assert plain == {
        "setting": {"binCount": 32},
        "imageType": {"LoG": {"sigma": [1]}},
        "featureClass": {"glcm": ["Contrast"]},
    }
    with pytest.raises(InputError, match="Give the settings"):
        robust.as_settings(names)
    with pytest.raises(InputError, match="No feature is robust"):
        robust.as_settings([])


def test_robust_settings_are_those_that_the_features_were_computed_under(features, tmp_path, capsys) -> None:
    """Without them pyradiomics' own would be taken, which make other features."""
    table, out, given = (tmp_path / name for name in ("features.csv", "robust.yaml", "settings.yaml"))
    features.to_csv(table, index=False)
    command = ["stability", str(table), "--reference", "SOC", "--robust", str(out), "--json", str(tmp_path / "x")]
    assert main(command) == 2
    assert "--robust needs --settings FILE" in capsys.readouterr().err
    given.write_text("setting: {binCount: 32, n4: true}\nimageType: {Original: {}}\nfeatureClass: {firstorder: }\n")
    assert main([*command, "--settings", str(given)]) == 0
    from processing.radiomics.settings import read_settings

    found = read_settings(out)
    assert found.classes == {"firstorder": ["Mean"]}
    assert found.setting == read_settings(given).setting
    for text, said in {"[": "no YAML", "- setting": "no settings", "setting: 3": "no settings"}.items():
        given.write_text(text)
        assert main([*command, "--settings", str(given)]) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(InputError, match="N4"):
        robust.as_settings(["firstorder_Mean"], {"setting": {"n4": True}}, plain=True)


def test_settings_that_repeat_themselves_are_refused(tmp_path) -> None:
    given = tmp_path / "settings.yaml"
    given.write_text("setting: &a {binCount: 32}\nimageType: *a\n")
    with pytest.raises(InputError, match=r"settings\.yaml repeats a part by an alias .*, line 2"):
        robust.read_settings(given)


def test_a_t_test_that_finds_no_shift_makes_no_feature_robust(features) -> None:
    with pytest.raises(InputError, match="agree, by ccc or icc"):
        robust.robust_features(stability.analyse(features, reference="SOC"), criterion="paired_t")


def test_inputs_without_a_verdict_are_not_called_stable() -> None:
    text = "{name: x, source: y, features: [{feature: glcm_Id, coefficient: 1}, {feature: glcm_Idm, coefficient: 1}]}"
    both = {"glcm_Id": [10.0, 11.0, 12.0], "glcm_Idm": [1.0, np.nan, np.nan]}
    table = long({"SOC": both, "FAST": both})
    found = signature.analyse(table, signature.read_signature(text), reference="SOC")
    assert found["arms"][0]["unstable_inputs"] == []
    assert found["arms"][0]["unjudged_inputs"] == [{"feature": "glcm_Idm", "reason": "fewer than two pairs"}]
    cell = report_tables.summary(found, {}).rows[0][-1]
    assert cell.text == "n/a: glcm_Idm (fewer than two pairs)"
    complete = table[table["feature"] == "glcm_Id"]
    model = signature.read_signature("{name: x, source: y, features: [{feature: glcm_Id, coefficient: 1}]}")
    assert report_tables.summary(signature.analyse(complete, model, reference="SOC"), {}).rows[0][-1].text == "none"
