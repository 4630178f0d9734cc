"""The page of scan times: the numbers of the analysis, in every state, without a rating."""

import csv
import io

import pytest
from django.test import Client

from readerstudy.material.models import Series
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


@made_once()
def study():
    """Six subjects, FAST in half the time of SOC."""
    study = factories.make_study(subjects=6)
    for one in Series.objects.filter(study=study).select_related("arm", "case__subject"):
        number = int(one.case.subject.code[1:])
        seconds = {"SOC": 100 + number, "FAST": 50 + number / 2}.get(one.arm.code)
        one.parameters |= {"acquisition_seconds": seconds, "tr": 2584, "manufacturer": "GE", "field_strength": 1.5}
        one.save()
    return study


def get(study, path: str = "", role: str = "admin"):
    factories.log_as_is(study)  # tests change rows past the services
    client = Client()
    user = study.memberships.filter(role=role).first().user
    client.force_login(user)
    return client.get(f"/studies/{study.slug}/images/scan-times/{path}")


def test_the_headline_says_what_was_saved(study):
    shown = html(get(study))
    assert "50 % less time" in shown
    assert "52 s saved per examination (95 % CI" in shown  # half of 103.5 s
    assert "52 s per sequence" in shown
    assert "GE, 1.5 T" in shown
    assert "Lumbar sagittal T2" in shown


def test_time_that_was_lost_is_not_called_saved(study):
    for one in Series.objects.filter(study=study, arm__code="FAST"):
        one.parameters |= {"acquisition_seconds": 240}
        one.save()
    shown = html(get(study))
    assert "132 % more time" in shown  # 240 s against 103.5 s
    assert "2 min 16 s lost per examination" in shown


def test_an_uploaded_arm_that_is_not_accelerated_saves_nothing(study):
    arm = study.arms.get(code="SOC-DL")
    Series.objects.filter(arm=arm).update(made_from=None, parameters={"acquisition_seconds": 100})
    shown = html(get(study))
    assert shown.count("less time") == 1


def test_the_name_of_an_arm_makes_no_folder(study, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    study.arms.filter(code="SOC").update(code="/../../out")
    assert get(study).status_code == 200
    assert not (tmp_path / "out").exists()
    assert [path.name for path in settings.VAR_DIR.iterdir()] == ["scan-times"]


def test_the_table_to_take_away_has_a_row_per_protocol_and_arm(study):
    lines = b"".join(get(study, "table.csv").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [(row["protocol"], row["arm"], row["series"]) for row in rows] == [
        ("lumbar-sag-T2", "SOC", "6"),
        ("lumbar-sag-T2", "FAST", "6"),
    ]
    assert (rows[0]["acquisition_seconds"], rows[0]["acquisition_seconds_max"]) == ("103.5", "106.0")
    assert (rows[0]["acquisition_seconds_n"], rows[0]["ti"], rows[0]["ti_n"]) == ("6", "", "0")


def test_without_series_the_page_says_what_to_do(study):
    Series.objects.update(active=False)
    assert "No series yet" in html(get(study))


def test_times_that_no_header_states_are_not_invented(study):
    for one in Series.objects.filter(study=study):
        one.parameters.pop("acquisition_seconds")
        one.save()
    shown = html(get(study))
    assert "n/a, no case has a time in both arms" in shown


def test_a_reader_does_not_know_of_the_page(study):
    assert get(study, role="reader").status_code == 404
