"""Stability of radiomic features on the page: the numbers of the command, kept; a job where there are many."""

import csv
import io
import json
import re

import numpy as np
import pytest
from django.conf import settings as site
from django.test import Client
from django.urls import reverse

from analysis.__main__ import main as analysis_command
from processing.radiomics.settings import read_settings
from readerstudy.images import stability
from readerstudy.images.models import Feature
from readerstudy.images.radiomics import active_settings
from readerstudy.jobs.registry import kind
from readerstudy.material.models import VolumeOfInterest
from readerstudy.material.selectors import simulation_note
from readerstudy.results import exports
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOISE = {"SOC": 0.0, "FAST": 30.0, "FAST-DL": 2.0, "SOC-DL": 1.0}


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    """Six volumes with three features in two classes on every arm; one feature is flat everywhere."""
    study = factories.make_study(subjects=6)
    settings, rng, rows = active_settings(study), np.random.default_rng(1), []
    for case in study.cases.all():
        series = {one.arm.code: one for one in case.series.select_related("arm")}
        volume = VolumeOfInterest.objects.create(
            study=study, case=case, name="disc", drawn_on=series["SOC"], sha256="a" * 64, voxels=90, millilitres=1.0
        )
        for group, feature in (("glcm", "glcm_Contrast"), ("glcm", "glcm_Flat"), ("firstorder", "firstorder_Mean")):
            base = rng.normal(100, 20)
            for code, one in series.items():
                flat = feature == "glcm_Flat"
                rows.append(
                    Feature(
                        study=study,
                        voi=volume,
                        series=one,
                        settings=settings,
                        image_type="original",
                        feature_class=group,
                        feature=feature,
                        value=5.0 if flat else base + NOISE[code] * rng.normal(),
                    )
                )
    Feature.objects.bulk_create(rows)
    factories.log_as_is(study)
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    admin = study.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    return client


def address(study, name: str = "stability") -> str:
    return reverse(name, args=[study.slug])


@pytest.mark.both_databases
def test_the_page_says_the_numbers_of_the_command(study, client, tmp_path):
    (tmp_path / "features.csv").write_bytes(exports.table_csv(study, "features"))
    command = ["stability", str(tmp_path / "features.csv"), "--reference", "SOC", "--restores", "FAST=FAST-DL"]
    assert analysis_command([*command, "--json", str(tmp_path / "out.json")]) == 0
    expected = json.loads((tmp_path / "out.json").read_text())
    assert client.get(address(study, "stability_json")).json() == expected
    rows = list(csv.DictReader(io.StringIO(client.get(address(study, "stability_csv")).getvalue().decode())))
    assert list(rows[0]) == stability.COLUMNS
    assert len(rows) == 9
    said = {(row["arm"], row["feature"]): row for row in rows}
    for arm in expected["arms"]:
        for one in arm["features"]:
            value = said[arm["arm"], one["feature"]]["ccc"]
            assert value == ("" if one["ccc"]["estimate"] is None else str(one["ccc"]["estimate"]))
    page = html(client.get(address(study) + "?class=glcm&feature=glcm_Contrast"))
    assert "FAST: 2 of 3 below 0.85" in page
    assert "FAST-DL − SOC" in page
    assert "n/a" in page


def test_thresholds_are_settings_that_stand_in_each_result(study, client, tmp_path):
    before = client.get(address(study, "stability_json")).json()
    change = reverse("stability_criteria", args=[study.slug])
    page = html(client.post(change, {**before["criteria"], "ccc": "1.5"}, follow=True))
    assert "The threshold of CCC is a number between 0 and 1." in page
    assert client.get(address(study, "stability_json")).json() == before
    page = html(client.post(change, {"preset": "zhong"}, follow=True))
    assert "CCC ≥ 0.90" in page
    (tmp_path / "features.csv").write_bytes(exports.table_csv(study, "features"))
    command = ["stability", str(tmp_path / "features.csv"), "--reference", "SOC", "--restores", "FAST=FAST-DL"]
    assert analysis_command([*command, "--criterion", "zhong", "--json", str(tmp_path / "out.json")]) == 0
    assert client.get(address(study, "stability_json")).json() == json.loads((tmp_path / "out.json").read_text())
    client.post(change, {"paired_t": "0.01", "ccc": "0.2", "icc": "0.5", "dispersion": "0,5"})
    after = client.get(address(study, "stability_json")).json()
    assert after["criteria"] == {"paired_t": 0.01, "ccc": 0.2, "icc": 0.5, "dispersion": 0.5}
    assert {row["acceptable"] for row in after["summary"]} == {"at least 0.5", "at least 0.2", "below 0.5"}
    assert after["arms"][0]["unstable"]["ccc"] < before["arms"][0]["unstable"]["ccc"]


def test_earlier_settings_stand_beside_those_that_hold(study, client):
    other = read_settings("setting: {normalize: true, normalizeScale: 100}")
    earlier = study.feature_settings.create(settings=other.as_dict(), sha256=other.sha256, active=False)
    for row in list(study.features.all()):
        row.pk, row.settings, row.value = None, earlier, row.value + (500 if row.series.arm.code == "SOC" else 0)
        row.save()
    factories.log_as_is(study)
    page = html(client.get(reverse("radiomics", args=[study.slug])))
    beside = reverse("settings_beside", args=[study.slug, earlier.pk])
    assert beside in page
    assert "Joint entropy" in page  # as IBSI calls it
    page = html(client.get(beside))
    assert "z score of the whole series × 100" in page
    assert "as they are" in page
    assert re.search(r"<td class=\"nowrap\">glcm_Contrast</td>\s*<td class=\"dim\">Contrast</td>", page)
    # Under the earlier ones SOC lies 500 away from every arm: what holds now is stable where it was not.
    assert "<b>stable</b>" in page
    assert "<b>unstable</b>" not in page
    assert client.get(reverse("settings_beside", args=[study.slug, active_settings(study).pk])).status_code == 404


def test_a_feature_or_class_that_is_not_there_is_ignored(study, client):
    page = client.get(address(study) + "?criterion=x&class=<b>&feature=<script>")
    assert page.status_code == 200
    assert "<b>&" not in html(page)


@pytest.mark.both_databases
def test_it_is_computed_once_and_again_when_a_feature_changes(study, client, monkeypatch):
    calls = []
    analyse = stability.analyse
    monkeypatch.setattr(stability, "analyse", lambda study, key: calls.append(1) or analyse(study, key))
    client.get(address(study))
    client.get(address(study) + "?criterion=icc")
    assert len(calls) == 1
    study.features.first().delete()
    factories.log_as_is(study)
    client.get(address(study))
    assert len(calls) == 2


def test_many_features_are_a_jobs_work(study, client, monkeypatch):
    monkeypatch.setattr(stability, "AT_ONCE", 10)
    assert "are being compared" in html(client.get(address(study)))
    assert "are being compared" in html(client.get(address(study)))
    assert study.jobs.filter(function=stability.STABILITY).count() == 1
    factories.work_off(study)
    assert "of 3 below 0.85" in html(client.get(address(study)))
    assert kind(stability.STABILITY).title == "Stability"
    for kept in (site.VAR_DIR / stability.KIND).iterdir():
        kept.unlink()
    assert "are being compared" in html(client.get(address(study)))  # a lost file is made again
    factories.work_off(study)
    assert "of 3 below 0.85" in html(client.get(address(study)))


def test_without_features_of_two_arms_it_says_what_is_needed(study, client):
    study.features.exclude(series__arm__code="SOC").delete()
    factories.log_as_is(study)
    assert "Nothing to compare yet" in html(client.get(address(study)))
    assert client.get(address(study, "stability_csv")).status_code == 404


def test_pages_of_images_say_which_arm_was_simulated(study, client):
    assert "Simulated" not in html(client.get(address(study)))
    study.series.filter(arm__code="FAST").update(parameters={"simulated": "phantom"})
    factories.log_as_is(study)
    for page in ("stability", "radiomics", "scan_times"):
        assert "Simulated, not acquired: FAST (phantom)." in html(client.get(address(study, page)))


def test_an_arm_that_was_acquired_in_some_cases_says_in_how_many_it_was_not(study):
    one, *others = study.series.filter(arm__code="FAST", active=True)
    study.series.filter(pk=one.pk).update(parameters={"simulated": "phantom"})
    assert simulation_note(study) == f"Simulated, not acquired: FAST (phantom, 1 of {1 + len(others)} series)."


def test_the_page_needs_no_inline_style_or_script(study, client):
    page = html(client.get(address(study)))
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=", page)


def test_robust_features_are_taken_away_as_list_and_settings(study, client):
    def taken(form: str, criterion: str = "ccc") -> str:
        answer = client.get(reverse("robust_features", args=[study.slug, form]) + f"?criterion={criterion}")
        assert "attachment" in answer["Content-Disposition"]
        return answer.content.decode()

    results = client.get(address(study, "stability_json")).json()
    stable = [
        row["feature"]
        for row in results["dispersion"]
        if all(
            one["stable"]["icc"]
            for arm in results["arms"]
            for one in arm["features"]
            if one["feature"] == row["feature"]
        )
    ]
    assert taken("list", "icc").split() == stable
    assert "stable in every arm" not in html(client.get(address(study) + "?criterion=icc"))
    missing = client.get(reverse("robust_features", args=[study.slug, "spreadsheet"]))
    assert missing.status_code == 404
    of_t = client.get(reverse("robust_features", args=[study.slug, "list"]) + "?criterion=paired_t")
    assert of_t.status_code == 404
    Feature.objects.filter(feature="glcm_Contrast").update(value=7.0)
    study.features.filter(feature="glcm_Contrast", series__case=study.cases.first()).update(value=9.0)
    factories.log_as_is(study)
    for kept in (site.VAR_DIR / stability.KIND).iterdir():
        kept.unlink()
    assert "1 stable in every arm by CCC ≥ 0.85" in html(client.get(address(study)))
    assert "stable in every arm" not in html(client.get(address(study) + "?criterion=paired_t"))
    settings = read_settings(taken("preset"))
    assert settings.classes == {"glcm": ["Contrast"]}
    assert settings.setting == active_settings(study).settings["setting"]
    assert read_settings(taken("pyradiomics")).sha256 == settings.sha256


def test_pyradiomics_is_not_offered_features_after_a_correction_that_it_lacks(study, client):
    Feature.objects.filter(feature="glcm_Contrast").update(value=7.0)
    study.features.filter(feature="glcm_Contrast", series__case=study.cases.first()).update(value=9.0)
    factories.log_as_is(study)
    settings = active_settings(study)
    assert "settings of pyradiomics" in html(client.get(address(study)))
    settings.settings["setting"]["n4"] = True
    settings.save()
    factories.log_as_is(study)
    assert "settings of pyradiomics" not in html(client.get(address(study)))
    taken = [client.get(reverse("robust_features", args=[study.slug, form])) for form in ("pyradiomics", "preset")]
    assert [answer.status_code for answer in taken] == [404, 200]


def test_a_simulated_arm_is_not_one_that_a_network_restores(study):
    assert stability.compared_arms(study)[2] == [("FAST", "FAST-DL")]
    study.arms.filter(code="FAST-DL").update(model_name="", recipe={"degrade": {"gibbs": 0.3}})
    assert stability.compared_arms(study)[2] == []


def test_unstable_features_are_counted_of_those_with_a_verdict(study, client):
    """The flat feature has no CCC in any arm."""
    page = html(client.get(address(study)))
    table = page.split('id="unstable"')[1].split("</table>")[0]
    assert "2 of 2" in table
    assert "of 3 in each arm" not in page


MODEL = """{name: Ours, source: a test, features: [{feature: firstorder_Mean, coefficient: 2},
{feature: glcm_Contrast, coefficient: -1}]}"""


def test_a_signature_is_computed_in_every_arm_and_kept_nowhere(study, client, tmp_path):
    page = html(client.get(address(study, "signature")))
    assert all(name in page for name in ("hazard", "linear", "logistic"))
    shown = html(client.post(address(study, "signature"), {"model": MODEL}))
    (tmp_path / "features.csv").write_bytes(exports.table_csv(study, "features"))
    (tmp_path / "model.yaml").write_text(MODEL)
    command = ["signature", *(str(tmp_path / name) for name in ("features.csv", "model.yaml")), "--reference", "SOC"]
    assert analysis_command([*command, "--json", str(tmp_path / "out.json")]) == 0
    fast = next(arm for arm in json.loads((tmp_path / "out.json").read_text())["arms"] if arm["arm"] == "FAST")
    assert f"{fast['values'][0]['value']:.3f}" in shown
    assert "glcm_Contrast, firstorder_Mean" in shown or "firstorder_Mean, glcm_Contrast" in shown  # unstable inputs
    assert "made up" not in shown
    assert not list(site.VAR_DIR.rglob("*signature*"))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("[", "no YAML"),
        ("{name: x, source: y, features: [{feature: glcm_Beauty, coefficient: 1}]}", "None of the features"),
        (MODEL.replace("firstorder_Mean", "glcm_Beauty"), "lacks glcm_Beauty"),
        ("{name: '<script>', source: y, features: [{feature: glcm_Flat, coefficient: 1}]}", "&lt;script&gt;"),
    ],
)
def test_a_model_that_cannot_be_computed_says_why(study, client, model, said):
    assert said in html(client.post(address(study, "signature"), {"model": model}))


def test_an_example_says_that_it_is_made_up(study, client):
    page = html(client.get(address(study, "signature") + "?example=linear"))
    assert "made-up coefficients" in page
    assert "lacks firstorder_Entropy" in page  # which this study did not compute
