"""Jobs and the log."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from processing.errors import InputError
from processing.model_identity import ModelIdentity
from readerstudy.audit.models import Event
from readerstudy.enhancement.outputs import current_models, is_outdated
from readerstudy.home.log import SENTENCES, sentence
from readerstudy.jobs.models import Job
from readerstudy.jobs.selectors import steps
from readerstudy.jobs.services import ask_for_missing, claim
from tests import factories
from tests.pages import html
from tests.tampering import run

pytestmark = pytest.mark.django_db


def url(study, path: str = "jobs/") -> str:
    return f"/studies/{study.slug}/{path}"


@pytest.fixture
def clean(study):
    """The study without the jobs that placing its series asked for."""
    Job.objects.all().delete()
    return study


def job(study, name: str = "x", **changes) -> Job:
    return factories.make_job(study, name, **{"function": "material.enhance", **changes})


def test_a_failed_job_says_why_and_runs_again(clean, admin):
    failed = job(clean, "FAST-DL of S12", state="failed", error="Not enough memory on this worker.")
    page = html(admin.get(url(clean)))
    assert "Not enough memory on this worker." in page
    assert page.index("Failed</h2>") < page.index("Whole study")
    admin.post(url(clean, f"jobs/{failed.pk}/retry/"))
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("waiting", "")


def test_all_failed_jobs_run_again_at_once(clean, admin):
    for name in "abc":
        job(clean, name, state="failed", error="Disk full.")
    admin.post(url(clean, "jobs/retry/"))
    assert not Job.objects.filter(state="failed").exists()


def test_a_running_job_shows_its_progress_and_is_cancelled(clean, admin):
    running = claim(job_id=job(clean, "SOC-DL of S01").pk, worker="worker-1")
    Job.objects.filter(pk=running.pk).update(progress=0.41, message="slice 9 of 21")
    page = html(admin.get(url(clean)))
    assert "41 %" in page
    assert "slice 9 of 21" in page
    admin.post(url(clean, f"jobs/{running.pk}/cancel/"))
    running.refresh_from_db()
    assert running.state == "cancelled"


def test_each_made_arm_has_a_row_of_its_own_with_the_time_left(clean, admin):
    arm, now = clean.arms.get(code="FAST-DL"), timezone.now()
    for number in range(4):
        done = {"state": "done", "started_at": now - timezone.timedelta(seconds=60), "finished_at": now}
        job(clean, f"{number}", parameters={"arm": arm.pk}, **(done if number < 2 else {}))
    page = html(admin.get(url(clean)))
    assert "FAST by resunet" in page
    assert 'aria-label="2 of 4"' in page
    assert "about 2 min" in page


def test_what_is_missing_is_asked_for(clean, admin):
    admin.post(url(clean, "jobs/run/"))
    assert set(Job.objects.values_list("function", flat=True)) >= {"results.compare", "reading.prepare"}
    page = html(admin.post(url(clean, "jobs/run/"), follow=True))
    assert "Nothing is missing that could be made" in page


def test_the_page_polls_a_part_of_itself(clean, admin):
    part = html(admin.get(url(clean), HTTP_HX_REQUEST="true"))
    assert part.strip().startswith('<div id="jobs"')


def test_a_job_of_another_study_is_not_touched(clean, admin):
    other = factories.make_study(subjects=1, title="Other")
    foreign = job(other, "foreign", state="failed", error="No.")
    assert admin.post(url(clean, f"jobs/{foreign.pk}/retry/")).status_code == 404


def test_no_job_runs_again_in_a_locked_study(clean, admin):
    failed = job(clean, state="failed", error="No.")
    factories.open_(clean)
    type(clean).objects.filter(pk=clean.pk).update(state="locked")
    assert admin.post(url(clean, f"jobs/{failed.pk}/retry/")).status_code == 409
    assert "Retry" not in html(admin.get(url(clean)))


def test_the_log_reads_as_sentences_and_its_chain_is_whole(study, admin):
    factories.open_(study)
    page = html(admin.get(url(study, "log/")))
    assert "opened the study: 6 pairs scheduled, 8 series frozen" in page
    assert "lines is whole" in page


def test_every_action_that_was_logged_has_a_sentence_of_its_own(study):
    factories.open_(study)
    factories.read_all(study.memberships.get(role="reader"))
    for event in Event.objects.all():
        assert event.action in SENTENCES, event.action
        assert "{" not in sentence(event)


def test_a_changed_line_of_the_log_is_found(study, admin):
    run(
        "UPDATE audit_event SET data = %s WHERE study_id = %s AND number = 2",
        '{"user": "somebody", "role": "reader", "code": "R1"}',
        study.pk,
    )
    assert "Event 2 of the log was changed" in html(admin.get(url(study, "log/")))


def test_single_pairs_are_shown_only_when_asked_for(study, admin):
    factories.open_(study)
    factories.read_all(study.memberships.get(role="reader"))
    assert "confirmed pair 3" not in html(admin.get(url(study, "log/")))
    assert "confirmed pair 3" in html(admin.get(url(study, "log/?readings=1")))


def test_work_that_was_asked_for_again_counts_once(clean, admin):
    job(clean, "FAST-DL of S01", state="done")
    Job.objects.create(key="again", study=clean, label="FAST-DL of S01", function="material.enhance")
    page = html(admin.get(url(clean)))
    assert "1 waiting" in page
    (step,) = steps(clean)
    assert (step["done"], step["waiting"], step["total"]) == (0, 1, 1)


def test_jobs_that_nobody_takes_are_said(clean, admin):
    waiting = job(clean, "x")
    assert "No worker takes jobs" not in html(admin.get(url(clean)))
    Job.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    assert "No worker takes jobs: 1 job waits and none runs." in html(admin.get(url(clean)))


@pytest.fixture
def new_model(monkeypatch):
    """The model that made the outputs of a study has a new version."""
    now = ModelIdentity("resunet", "2", "2" * 64, "float32", "Newer.")
    monkeypatch.setattr("readerstudy.enhancement.outputs.shipped_models", lambda: [now])


def test_a_new_model_makes_only_its_own_outputs_outdated(clean, admin, new_model):
    other = clean.arms.get(code="SOC-DL")
    clean.arms.filter(pk=other.pk).update(model_name="another")
    page = html(admin.get(url(clean)))
    assert "Outdated:" in page
    assert "made by resunet 1" in page
    admin.post(url(clean, "jobs/run/"))
    asked = Job.objects.values_list("function", "label")
    cases = clean.cases.values_list("code", flat=True)
    assert set(asked) >= {("material.enhance", f"FAST-DL of {case}") for case in cases}
    assert not [label for function, label in asked if function == "material.enhance" and label.startswith("SOC-DL")]


def test_a_new_version_with_the_same_weights_makes_outputs_outdated(clean, monkeypatch):
    made = clean.series.filter(made_from__isnull=False).first()
    same = ModelIdentity(made.model_name, made.model_version, made.model_sha256, "float32", "As it was.")
    for version, outdated in ((made.model_version, False), ("9", True)):
        now = [replace(same, version=version)]
        monkeypatch.setattr("readerstudy.enhancement.outputs.shipped_models", lambda now=now: now)
        assert is_outdated(made, current_models()) == outdated


def test_placing_a_series_does_not_make_outdated_outputs_anew(clean, new_model, django_capture_on_commit_callbacks):
    ask_for_missing(clean)
    assert not Job.objects.filter(function="material.enhance").exists()


def test_outputs_of_an_open_study_stay_as_they_were_frozen(study, new_model):
    with pytest.raises(InputError, match="frozen"):
        ask_for_missing(factories.open_(study), renew=True)
