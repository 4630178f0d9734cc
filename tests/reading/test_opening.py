"""Opening is a job: it checks and prepares what readers will see, then opens; or it fails and leaves the draft."""

from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.test import Client

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel, request_job
from readerstudy.jobs.tasks import run_job
from readerstudy.reading.opening import OPEN, last_opening, request_opening
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.make_study(subjects=2, readers=2)


@pytest.fixture
def with_pixels():
    """Two uploaded arms with real pixels, of which no pair is prepared."""
    study = factories.make_study(subjects=0, readers=1)
    study.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    study.arms.filter(made_from__isnull=False).delete()
    study.primary_comparison = study.comparisons.get()
    study.save()
    factories.two_acquisitions(study)
    study.jobs.all().delete()
    factories.log_as_is(study)
    return study


def admin_of(study):
    return study.memberships.get(role=Role.ADMIN).user


def opened(study) -> Job:
    """Ask for the opening and do it; the job as it ended."""
    job = request_opening(study=study, actor=admin_of(study))
    run_job(job.pk)
    job.refresh_from_db()
    study.refresh_from_db()
    return job


def damage(sha256: str, content: bytes | None) -> None:
    storage, name = storages["archive"], f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
    storage.delete(name)
    if content is not None:
        with Path(storage.path(name)).open("wb") as file:
            file.write(content)


def test_the_job_opens_the_study_in_the_name_of_who_asked(study):
    job = opened(study)
    assert (job.state, study.state) == ("done", State.OPEN)
    assert job.result == {"presentations": 12, "schedule": study.schedule_sha256}
    assert study.events.get(action="study opened").actor == admin_of(study)


def test_pairs_that_are_missing_are_prepared_on_the_way(with_pixels):
    assert with_pixels.pairs.count() == 0
    job = opened(with_pixels)
    assert (job.error, with_pixels.state, with_pixels.pairs.count()) == ("", State.OPEN, 1)


def test_a_prepared_file_that_is_gone_is_made_again(with_pixels):
    request_opening(study=with_pixels, actor=admin_of(with_pixels))
    factories.work_off(with_pixels)
    with_pixels.presentations.all().delete()
    type(with_pixels).objects.filter(pk=with_pixels.pk).update(state="draft")
    factories.log_as_is(with_pixels)
    pair = with_pixels.pairs.get()
    damage(pair.first_left_sha256, None)
    with_pixels.refresh_from_db()
    job = last_opening(with_pixels)
    Job.objects.filter(pk=job.pk).update(state="failed", error="for the test")
    opened(with_pixels)
    assert with_pixels.state == State.OPEN
    assert storages["archive"].exists(
        f"{pair.first_left_sha256[:2]}/{pair.first_left_sha256[2:4]}/{pair.first_left_sha256}"
    )


def test_a_damaged_file_keeps_the_study_closed_and_says_which(study):
    pair = study.pairs.order_by("case__code").first()
    damage(pair.first_right_sha256, b"other bytes")
    job = opened(study)
    assert (job.state, study.state, study.presentations.count()) == ("failed", State.DRAFT, 0)
    assert f"pairs of {pair.case.code} is damaged" in job.error
    assert not study.events.filter(action="study opened").exists()


def test_what_changed_while_it_ran_leaves_a_draft_with_the_reason_and_asking_again_tries_again(study):
    job = request_opening(study=study, actor=admin_of(study))
    readers = list(study.memberships.filter(role=Role.READER))
    study.memberships.filter(role=Role.READER).delete()
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "0 readers" in job.error
    page = html(signed_in(admin_of(study)).get(f"/studies/{study.slug}/protocol/"))
    assert "The study was not opened. Not ready to open: 0 readers" in page
    for member in readers:
        member.pk = None
        member.save()
    factories.log_as_is(study)
    assert opened(study).pk == job.pk
    assert study.state == State.OPEN


def test_who_is_no_admin_any_more_opens_nothing(study):
    job = request_opening(study=study, actor=admin_of(study))
    study.memberships.filter(role=Role.ADMIN).update(role=Role.ANALYST)
    run_job(job.pk)
    study.refresh_from_db()
    assert study.state == State.DRAFT
    assert "no admin of this study any more" in last_opening(study).error


def test_asking_twice_is_one_job_and_a_cancelled_one_opens_nothing(study):
    first, second = (request_opening(study=study, actor=admin_of(study)) for _ in range(2))
    assert first.pk == second.pk
    assert cancel(job=first)
    run_job(first.pk)
    study.refresh_from_db()
    assert study.state == State.DRAFT


def test_what_is_missing_is_named_before_a_job_is_made(study):
    study.criteria.all().delete()
    with pytest.raises(InputError, match="Not ready to open: 0 criteria"):
        request_opening(study=study, actor=admin_of(study))
    assert last_opening(study) is None


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_follows_the_job_and_is_loaded_again_when_it_ends(study):
    client, page = signed_in(admin_of(study)), f"/studies/{study.slug}/protocol/"
    answer = client.post(f"{page}to/open/", {"title": study.title})
    assert answer["Location"] == page
    shown = html(client.get(page))
    assert "waits for a worker" in shown
    assert "Open the study" not in shown
    live = client.get(f"{page}opening/", headers={"HX-Request": "true"})
    assert "waits for a worker" in html(live)
    factories.work_off(study)
    live = client.get(f"{page}opening/", headers={"HX-Request": "true"})
    assert live["HX-Refresh"] == "true"
    assert "Frozen on" in html(client.get(page))


def test_a_job_that_nobody_asked_for_does_not_open_a_study(study):
    job, _ = request_job(
        function=OPEN, study=study, label="Opening", parameters={"actor": admin_of(study).pk}, inputs={}
    )
    run_job(job.pk)
    job.refresh_from_db()
    study.refresh_from_db()
    assert (job.state, study.state) == ("failed", "draft")
    assert job.error == "The log does not say that this admin asked for the opening."
