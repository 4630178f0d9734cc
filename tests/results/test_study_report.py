"""The report of a study says what only the site knows: who was left out and why, and that images are synthetic."""

import json

import pytest

from analysis.__main__ import main
from analysis.report import charter as pages
from analysis.report.study import flow
from readerstudy.accounts.models import Role
from readerstudy.protocol.services import move
from readerstudy.reading import charter
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.results import exports, services, study_report
from tests import factories
from tests.once import made_once
from tests.results.test_results_page import answer_all

SCREENED = [{"reason": "metal", "subjects": 4}]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    """S01 for training and withdrawn, S02 withdrawn, S03 never read, S04 and S05 read."""
    draft = factories.make_study(subjects=5, readers=2)
    draft.cases.filter(subject__code="S01").update(training=True)
    draft.synthetic = True
    draft.save()
    study = factories.open_(draft)
    admin = study.memberships.get(role=Role.ADMIN).user
    for code in ("S01", "S02"):
        withdraw_subject(study=study, subject=study.subjects.get(code=code), reason=f"{code} left.", actor=admin)
    answer_all(study, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2]})
    study.presentations.filter(case__subject__code__in=("S01", "S02")).update(state="void", void_reason="left")
    unread = study.presentations.filter(case__subject__code="S03")
    unread.update(state="scheduled", started_at=None, confirmed_at=None)
    factories.log_as_is(study)
    return move(study=study, to="closed", actor=None)


def test_the_flow_counts_the_study_and_not_what_was_left_over(study):
    sources = study_report._sources(study, services.results(study), {})
    made = services.results(study).reading
    first, second, third, *_ = flow.stages(made, sources.protocol, sources.series, sources.cases)
    assert (first.count, second.count, third.detail) == ("4 subjects", "2 cases", "of 2 cases in 4 arms")
    assert first.left_out == ["1 subject withdrawn", "1: S02 left. (S02)", "1 subject never read: S03"]
    assert second.detail == "of 2 subjects whose pairs were read"
    screened, *_ = flow.stages(made, {**sources.protocol, "screening": SCREENED}, None, sources.cases)
    assert (screened.count, screened.left_out[-1]) == ("9 subjects", "1 subject for training alone")
    assert (sources.scan_times["cohort"]["subjects"], second.left_out) == (2, [])


def test_a_synthetic_study_is_said_to_be_one_by_the_site_and_by_the_command(study, tmp_path):
    said = "Synthetic images: nothing here is evidence about patients."
    assert study_report.html(study, services.results(study), {}, paper="A4").count(said) > 5
    (tmp_path / "ratings.csv").write_bytes(exports.table_csv(study, "ratings"))
    (tmp_path / "protocol.json").write_bytes(exports.protocol_json(study))
    page = tmp_path / "page.html"
    options = [str(tmp_path / "ratings.csv"), "--protocol", str(tmp_path / "protocol.json"), "--html", str(page)]
    assert main(["report", *options]) == 0
    assert page.read_text().count(said) > 5
    assert main(["charter", str(tmp_path / "protocol.json"), "--html", str(page)]) == 0
    assert "The images are synthetic." in page.read_text()


def test_every_kept_charter_is_taken_by_the_command(study, tmp_path):
    for version in study.charters.all():
        (tmp_path / "charter.json").write_text(json.dumps(charter.shown(version)))
        assert pages.read(tmp_path / "charter.json")["version"]["sha256"] == version.sha256
