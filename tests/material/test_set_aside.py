"""A case that cannot be completed is set aside with a reason, and taken up again."""

import json

import pytest

from processing.errors import InputError
from readerstudy.audit.verify import problems
from readerstudy.images.tables import table_csv
from readerstudy.material.models import Case
from readerstudy.material.selectors import material_grid, series_progress
from readerstudy.material.services import set_aside, take_up
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.results.exports import protocol_json
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    """Two complete cases, and one of which an arm is missing."""
    study = factories.make_study(subjects=3)
    last = Case.objects.get(subject__code="S03")
    last.pairs.all().delete()
    last.series.filter(arm__code="FAST-DL").delete()
    factories.log_as_is(study)
    return study


def aside(study, code: str = "S03") -> Case:
    case = Case.objects.select_related("study").get(subject__code=code)
    set_aside(case=case, reason="  FAST was not\nacquired ", actor=None)
    case.refresh_from_db()
    return case


def test_a_case_set_aside_blocks_the_opening_no_more(study):
    assert not_ready(study)
    case = aside(study)
    assert case.set_aside == "FAST was not acquired"
    assert not_ready(study) == []
    assert series_progress(study) == (8, 8)
    opened = factories.open_(study)
    assert not opened.presentations.filter(case=case).exists()
    assert opened.presentations.filter(case__subject__code="S01").exists()
    assert list(problems(study)) == []


def test_it_leaves_the_tables_and_is_told_of_beside_them(study):
    case = aside(study)
    assert b"S03" not in table_csv(study, "series")
    assert b"S02" in table_csv(study, "series")
    said = json.loads(protocol_json(study))["set_aside"]
    assert said == [{"case": case.code, "reason": "FAST was not acquired"}]
    assert case in [one for one, _ in material_grid(study)]


def test_nothing_is_asked_for_until_it_is_taken_up(study, django_capture_on_commit_callbacks):
    case = aside(study)
    from readerstudy.jobs.services import ask_for_missing

    ask_for_missing(study)
    assert not study.jobs.filter(parameters__case=case.pk).exists()
    with django_capture_on_commit_callbacks(execute=True):
        take_up(case=case, actor=None)
    assert study.jobs.filter(function="material.enhance", parameters__case=case.pk).exists()
    assert not_ready(study)
    assert "set_aside" not in json.loads(protocol_json(study))


@pytest.mark.parametrize(("reason", "why"), [(" ", "Say why"), ("x" * 201, "200 letters at most")])
def test_it_needs_a_reason_of_some_length(study, reason, why):
    with pytest.raises(InputError, match=why):
        set_aside(case=Case.objects.select_related("study").first(), reason=reason, actor=None)


def test_what_readers_see_cannot_be_set_aside(study):
    aside(study)
    factories.open_(study)
    with pytest.raises(InputError, match="is scheduled"):
        aside(study, "S01")
