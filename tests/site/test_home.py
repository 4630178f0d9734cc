"""The home page says what to do next."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readerstudy.home import views
from readerstudy.home.next_steps import tasks_of
from readerstudy.home.selectors import studies_of, study_rows
from readerstudy.jobs.models import Job
from readerstudy.protocol.services import create_study, move
from readerstudy.reading.selectors import progress, progress_of
from readerstudy.states import State
from tests import factories
from tests.pages import html

pytestmark = pytest.mark.django_db


def text(client, path: str = "/") -> str:
    return html(client.get(path))


def test_a_reader_continues_with_the_next_pair(study, reader):
    factories.open_(study)
    member = study.memberships.get(role="reader")
    factories.read_pair(member.presentations.get(position=1))
    page = text(reader)
    assert "1 of 6 pairs read" in page
    assert "Continue with pair 2" in page
    assert page.count("btn primary") == 1


def test_a_readers_home_names_no_arm_and_not_the_studys_own_title(study, reader):
    factories.open_(study)
    page = text(reader)
    assert study.title not in page
    for arm in study.arms.all():
        assert arm.code not in page


@pytest.mark.parametrize(
    ("state", "says"), [("draft", "not open yet"), ("paused", "paused"), ("closed", "the study is closed")]
)
def test_a_reader_learns_why_there_is_nothing_to_do(study, reader, state, says):
    if state != "draft":
        factories.open_(study)
        move(study=study, to=state, actor=None)
    page = text(reader)
    assert says in page
    assert "reading/room" not in page


def test_an_admin_finds_what_is_missing_before_opening(study, admin):
    study.memberships.filter(role="reader").delete()
    assert "1 point is missing before opening" in text(admin)


def test_an_admin_finds_a_study_that_is_ready(study, admin):
    assert "Ready to open" in text(admin)


def test_an_admin_finds_failed_jobs_with_their_reason(study, admin):
    Job.objects.create(key="k", study=study, function="material.enhance", label="x", state="failed", error="Disk full.")
    page = text(admin)
    assert "1 job failed" in page
    assert "Disk full." in page


def test_failed_jobs_are_counted_with_their_most_frequent_reason_in_one_look(study):
    for number, error in enumerate(["No space.", "Disk full.", "Disk full."]):
        Job.objects.create(key=f"{number}", study=study, function="f", label="x", state="failed", error=error)
    rows = study_rows(studies_of(study.memberships.get(role="admin").user))
    with CaptureQueriesContext(connection) as asked:
        task, *_ = tasks_of(rows)
    assert (task.text, task.detail) == ("3 jobs failed", "2 × Disk full.")
    looks = [query for query in asked if "jobs_job" in query["sql"]]
    assert len(looks) == 1, "a job that is tried again between two leaves no reason to name"


def test_an_admin_is_told_when_everything_is_read(study, admin):
    factories.open_(study)
    factories.read_all(study.memberships.get(role="reader"))
    assert "All pairs are read" in text(admin)


def test_an_analyst_is_led_to_the_results_of_a_closed_study(study, analyst):
    factories.open_(study)
    assert "Results are open" not in text(analyst)
    move(study=study, to=State.CLOSED, actor=None)
    assert "Results are open" in text(analyst)


def test_a_person_may_read_in_one_study_and_look_after_another(study, reader):
    factories.open_(study)
    user = study.memberships.get(role="reader").user
    create_study(title="Own study", user=user, model_name="m")
    page = text(reader)
    assert "0 of 6 pairs read" in page
    assert "Own study" in page
    assert study.title not in page
    assert page.count("btn primary") == 1


def test_a_person_without_a_role_is_told_what_to_do(sign_in):
    assert "no role in a study yet" in text(sign_in(factories.make_user()))


def test_no_answer_shows_in_the_progress_of_readers(study, admin):
    factories.open_(study)
    factories.read_all(study.memberships.get(role="reader"), [5])
    page = text(admin, f"/studies/{study.slug}/reading/")
    assert "6 of 6" in page
    assert "finished" in page
    assert "prefer" not in page.replace("Preferences stay closed", "")


def test_a_reader_of_a_study_reaches_none_of_its_pages(study, reader):
    for path in ("", "protocol/", "material/", "jobs/", "reading/", "log/", "people/"):
        assert reader.get(f"/studies/{study.slug}/{path}").status_code == 404, path


def test_adding_an_analyst_does_not_show_them_jobs(study, analyst):
    assert analyst.get(f"/studies/{study.slug}/jobs/").status_code == 404
    assert ">Jobs<" not in text(analyst, f"/studies/{study.slug}/")


def test_a_second_role_is_refused_in_words(study, admin):
    user = study.memberships.get(role="reader").user
    page = html(admin.post(f"/studies/{study.slug}/people/", {"username": user.username, "role": "analyst"}))
    assert "a reader must stay blind" in page


def test_a_reader_sees_when_the_next_part_opens(study, reader):
    study.parts, study.washout_days = 3, 10
    study.save()
    study = factories.open_(study)
    for one in study.presentations.filter(part=1).order_by("position"):
        factories.read_pair(one)
    page = text(reader)
    assert "part 2 of 3 opens on" in page
    assert "reading/room" not in page


def test_a_reader_at_the_end_of_the_list_answers_and_signs(study, reader):
    study = factories.open_(study)
    member = study.memberships.get(role="reader")
    factories.read_all(member)
    assert "some questions left" in text(reader)
    study.guesses = 0
    study.save()
    assert "sign your reading" in text(reader)


def test_many_studies_ask_the_database_as_often_as_a_few_and_come_in_pages(study, admin, monkeypatch):
    user = study.memberships.get(role="admin").user

    def looks() -> int:
        with CaptureQueriesContext(connection) as asked:
            admin.get("/")
        return len(asked)

    [create_study(title=f"Draft {number}", user=user, model_name="m") for number in range(2)]
    few = looks()
    [create_study(title=f"More {number}", user=user, model_name="m") for number in range(4)]
    assert looks() == few <= 30
    monkeypatch.setattr(views, "STUDIES", 5)
    monkeypatch.setattr(views, "TASKS", 3)
    first, second = text(admin), text(admin, "/?page=2")
    assert "7 studies" in first
    assert "4 more wait" in first
    assert ("Draft 1</a>" in first, "Draft 0</a>" in first) == (True, False)
    assert "Draft 0</a>" in second


def test_a_study_with_two_drafts_beside_it_says_how_much_material_is_there(study, admin):
    other = factories.make_study(subjects=1, title="Another")
    factories.log_as_is(other)
    other.memberships.filter(role="admin").update(user=study.memberships.get(role="admin").user)
    assert text(admin).count("See what is missing") == 2


def test_progress_of_all_readers_is_that_of_each(study):
    factories.open_(study)
    member = study.memberships.get(role="reader")
    for position, seconds in enumerate((30, 10, 20, 40), start=1):
        one = member.presentations.get(position=position)
        factories.read_pair(one)
        member.presentations.filter(pk=one.pk).update(seconds=seconds)
    assert progress(member)["pace"] == 30  # the larger of the middle two
    assert progress(member)["minutes_left"] == 1
    assert (progress(member)["confirmed"], progress(member)["left"], progress(member)["started"]) == (4, 2, True)
    nobody = study.memberships.get(role="admin")
    assert progress_of([member, nobody])[member.pk] == progress(member)
    assert (progress_of([nobody])[nobody.pk]["pace"], progress(nobody)["total"]) == (None, 0)
