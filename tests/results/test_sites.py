"""Subjects of several sites: every table names theirs, and preferences are split by it."""

import csv
import io

import pytest
from django.urls import reverse

from processing.errors import InputError
from readerstudy.material.services import set_site
from readerstudy.protocol.services import change_parts, move
from tests import factories
from tests.once import made_once
from tests.pages import html
from tests.results.test_results_page import answer_all, member, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    """Four subjects, two of them of a second site, read whole."""
    study = factories.make_study(subjects=4, readers=1)
    bern = study.sites.model(study=study, code="Bern")
    change_parts(study=study, actor=member(study, "admin"), changed=[bern], removed=[])
    for code in ("S02", "S03"):
        set_site(subject=study.subjects.get(code=code), site=bern, actor=None)
    factories.open_(study)
    answer_all(study, {"R1": [4, 3, 3, 2]})
    return move(study=study, to="closed", actor=None)


def test_preferences_are_split_by_site(study):
    page = html(
        signed_in(member(study, "admin")).get(reverse("results_section", args=[study.slug, "subgroups"]), follow=True)
    )
    assert "Bern" in page
    assert "Site 1" in page


@pytest.mark.parametrize("table", ["ratings", "series"])
def test_every_row_names_the_site_of_its_subject(study, table):
    answer = signed_in(member(study, "admin")).get(reverse("results_table", args=[study.slug, table]))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    expected = {"S01": "Site 1", "S02": "Bern", "S03": "Bern", "S04": "Site 1"}
    assert {row["subject"]: row["site"] for row in rows} == expected


def test_an_opened_study_keeps_its_sites(study):
    with pytest.raises(InputError, match="its subjects are frozen"):
        set_site(subject=study.subjects.get(code="S01"), site=study.sites.get(code="Bern"), actor=None)
