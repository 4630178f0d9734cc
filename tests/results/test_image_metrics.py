"""The page of image metrics: before and after registration, in every state, without a rating."""

import csv
import io
import re
from statistics import mean, stdev

import pytest
from django.test import Client

from readerstudy.images import analyses, image_summary
from readerstudy.images.models import Metric
from readerstudy.material.models import Alignment
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db
NAMES = ("l1", "psnr", "nrmse", "ssim", "ms_ssim", "mse")


@made_once()
def study():
    """A draft with three cases whose SOC and FAST were registered, but for the third."""
    study = factories.make_study(subjects=3)
    for number, case in enumerate(study.cases.order_by("code")):
        series = {one.arm.code: one for one in case.series.select_related("arm")}
        pairs = [("SOC", "FAST", (False, True)), ("SOC", "FAST-DL", (False, True)), ("SOC", "SOC-DL", (False,))]
        for reference, test, kinds in pairs:
            for registered in kinds[: 1 if number == 2 else 2]:
                for place, metric in enumerate(NAMES):
                    for region in ("whole", "foreground"):
                        Metric.objects.create(
                            study=study,
                            case=case,
                            reference=series[reference],
                            test=series[test],
                            metric=metric,
                            region=region,
                            value=(9 - place + number / 7) / (20 if registered else 10),
                            data_range=900,
                            range_rule="volume",
                            registered=registered,
                            settings_hash=str(registered),
                        )
        used = number < 2
        Alignment.objects.create(
            study=study,
            fixed=series["SOC"],
            moving=series["FAST"],
            matrix=[],
            conventions={},
            picture="",
            quality={
                "used": used,
                "reason": "" if used else "Too far.",
                "translation_mm": [3 + number, 4, 0],
                "rotation_degrees": 1.5,
                "overlap": 1,
                "before": {},
                "after": {},
            },
        )
    factories.log_as_is(study)
    return study


def page(study, role: str = "admin", query: str = "") -> str:
    client = Client()
    user = study.memberships.filter(role=role).first().user
    client.force_login(user)
    return client.get(f"/studies/{study.slug}/images/{query}")


def test_both_columns_are_those_of_the_downloaded_table(study):
    table = csv.DictReader(io.StringIO(b"".join(page(study, query="metrics.csv").streaming_content).decode()))
    values = {True: [], False: []}
    for row in table:
        if (row["reference"], row["test"], row["metric"], row["region"]) == ("SOC", "FAST", "l1", "whole"):
            values[row["registered"] == "true"].append(float(row["value"]))
    assert (len(values[False]), len(values[True])) == (3, 2)
    shown = html(page(study))
    cells = re.search(r"<tr><td>L1</td>(.*?)</tr>", shown)[1]
    means = re.findall(r">([\d.]+ ± [\d.]+)<", cells)
    assert means[:2] == [f"{mean(values[kind]):.1f} ± {stdev(values[kind]):.1f}" for kind in (False, True)]
    assert "3 cases, 2 registered" in shown


def test_repositioning_is_named_and_what_was_refused_is_linked(study):
    shown = html(page(study))
    assert "limited by repositioning" in shown
    assert "median shift 5.3 mm" in shown  # of 5.0 and 5.66
    assert "FAST was not registered" in shown


def test_the_worst_cases_of_a_pair_come_first(study):
    shown = html(page(study, query="?pair=SOC vs SOC-DL"))
    assert re.findall(r">(S\d+) sagittal T2</a>", shown.split('id="worst"')[1]) == ["S01", "S02", "S03"]


def test_an_arm_that_was_simulated_is_none_that_a_network_made(study):
    """First page of results: SSIM of what a model made of an arm, not of what was degraded from it."""
    study.arms.filter(code="FAST").update(made_from=study.arms.get(code="SOC"), recipe={"degrade": {"gibbs": 0.3}})
    arms = {arm.code: arm for arm in study.arms.all()}
    made = analyses.images(study)
    shown = image_summary.images(made["images"], made["range_rules"], arms)
    assert [pair["code"] for pair in shown["ssim"]["pairs"]] == ["SOC vs SOC-DL"]


def test_a_study_without_metrics_says_what_to_do(study):
    Metric.objects.all().delete()
    factories.log_as_is(study)
    assert "Metrics follow by themselves" in html(page(study))


def test_a_reader_does_not_know_of_the_page(study):
    assert page(study, role="reader").status_code == 404
