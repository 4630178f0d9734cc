"""An admin types a scan time that the header lacks, and takes it back; who may, until when, and what the log says."""

import csv

import pytest
from django.test import Client
from django.urls import reverse

from processing.errors import InputError
from readerstudy.audit.models import Event
from readerstudy.audit.verify import problems
from readerstudy.home.log import sentence
from readerstudy.images.scan_times import csv_table, sources
from readerstudy.material.models import Series
from readerstudy.material.services import set_acquisition_seconds
from readerstudy.material.views import seconds_of
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return factories.make_study(subjects=2, readers=1)


def acquired(study) -> Series:
    return Series.objects.filter(study=study, arm__code="FAST").select_related("case", "arm", "study").first()


def admin(study) -> Client:
    client = Client()
    client.force_login(study.memberships.filter(role="admin").first().user)
    return client


def post(study, series, time: str):
    return admin(study).post(reverse("scan_time", args=[study.slug, series.pk]), {"time": time}, follow=True)


def test_what_is_typed_is_kept_shown_logged_and_sealed(study):
    series = acquired(study)
    stated = series.parameters["acquisition_seconds"]
    shown = html(post(study, series, "3:24"))
    assert "typed" in shown
    series.refresh_from_db()
    assert series.parameters["acquisition_seconds"] == 204
    assert series.parameters["acquisition_source"] == "typed"
    line = sentence(Event.objects.filter(study=study).order_by("-number").first())
    assert line.endswith(f"typed the scan time of {series.case.code} in FAST: 204 s")
    assert sources(study) == "3 from the header, 1 typed in"
    rows = list(csv.DictReader(csv_table(study)))
    assert {row["arm"]: row["scan_times"] for row in rows} == {
        "SOC": "2 from the header",
        "FAST": "1 from the header, 1 typed in",
    }
    post(study, series, "100")
    post(study, series, "")
    series.refresh_from_db()
    assert series.parameters["acquisition_seconds"] == stated
    assert "stated" not in series.parameters
    assert "typed" not in sources(study)
    assert list(problems(study)) == []


@pytest.mark.parametrize("time", ["3:75", "abc", "-3", "0", "1e3", "99999", "٣"])
def test_what_is_no_scan_time_changes_nothing_and_says_why(study, time):
    series = acquired(study)
    before = dict(series.parameters)
    shown = html(post(study, series, time))
    assert "Type the scan time as" in shown or "A scan takes from 1 to" in shown
    series.refresh_from_db()
    assert series.parameters == before


@pytest.mark.parametrize(("text", "seconds"), [("3:24", 204), ("204.5", 204.5), ("0:45.5", 45.5), (" ", None)])
def test_minutes_and_seconds_are_read(text, seconds):
    assert seconds_of(text) == seconds


def test_what_no_scanner_acquired_has_no_scan_time(study):
    made = Series.objects.filter(study=study).exclude(made_from=None).first()
    with pytest.raises(InputError, match="no scan time of its own"):
        set_acquisition_seconds(series=made, seconds=10, actor=None)
    series = acquired(study)
    series.parameters["simulated"] = "half nex"
    with pytest.raises(InputError, match="no scan time of its own"):
        set_acquisition_seconds(series=series, seconds=10, actor=None)


def test_a_locked_study_keeps_its_scan_times(study):
    series = acquired(factories.open_(study))
    ReaderStudy.objects.filter(pk=study.pk).update(state="locked")
    assert post(study, series, "3:24").status_code == 409
    series.refresh_from_db()
    assert series.parameters.get("acquisition_source") != "typed"
