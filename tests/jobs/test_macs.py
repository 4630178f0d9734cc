"""A worker does what the site asked for, and nothing else: a row that was put in or changed fails, and is told of."""

import json

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from readerstudy.audit import heads
from readerstudy.jobs import registry, services
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from tests import factories
from tests.tampering import run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OTHER = "another key than that of the running site, long enough"
done: list[dict] = []


@pytest.fixture(autouse=True)
def _functions(monkeypatch):
    done.clear()
    registry.obstacles()

    def good(job, report):
        return lambda: done.append(job.parameters)

    monkeypatch.setattr(registry, "_functions", {"good": good})
    monkeypatch.setattr(registry, "_kinds", {"good": registry.kind("good")})


@pytest.fixture
def study():
    return factories.make_study(subjects=1, readers=1)


def ask(study, **parameters) -> Job:
    return services.request_job(
        function="good", label="work", study=study, parameters=parameters, inputs={"of": study.pk}
    )[0]


def refused(job: Job) -> None:
    """It fails at once and for good, and the study's admins are told."""
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, done) == ("failed", [])
    assert job.error.startswith("This site did not ask for this job, or it was changed since")
    assert not services.retry(job=job)
    assert services.retry_failed(study=job.study) == 0
    job.refresh_from_db()
    assert job.state == "failed"
    assert f"Job {job.pk} " in heads.alarms(job.study.slug)[0].sentence


def test_what_was_asked_for_is_done_and_so_is_what_is_retried(study):
    job = ask(study, matrix=[[1.0, -0.0], [1e17, 0.1]], name="é", nothing=None)
    services.cancel(job=job)
    assert services.retry(job=job)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, len(done)) == ("done", 1)
    assert heads.alarms(study.slug) == []


def test_a_job_that_was_requeued_is_done(study):
    job = ask(study)
    run("UPDATE jobs_job SET state = 'running', claim = 'x', heartbeat_at = '2026-01-01 00:00:00+00:00'")
    services.requeue_lost_jobs()
    run_job(job.pk)
    assert len(done) == 1


@pytest.mark.parametrize(
    "change",
    [
        "parameters = '{\"case\": 2}'",
        "function = 'bad'",
        "version = 2",
        "study_id = NULL",
        "mac = ''",
        "\"key\" = 'another'",
    ],
)
def test_a_job_that_was_changed_is_not_done(study, change):
    job = ask(study, case=1)
    run(f"UPDATE jobs_job SET {change} WHERE id = %s", job.pk)
    if "study" in change:
        run_job(job.pk)
        job.refresh_from_db()
        assert (job.state, done) == ("failed", [])
        return
    refused(job)


def test_a_job_that_was_put_in_is_not_done_whatever_code_it_bears(study):
    real = ask(study, case=1)
    put_in = Job.objects.create(
        key="put in", study=study, function="good", label="x", parameters={"case": 2}, mac=real.mac
    )
    refused(put_in)
    run_job(real.pk)
    assert done == [{"case": 1}]


def test_a_job_that_was_done_is_not_done_again(study):
    job = ask(study)
    run_job(job.pk)
    run("UPDATE jobs_job SET state = 'waiting' WHERE id = %s", job.pk)
    done.clear()
    refused(job)


def test_what_was_changed_is_what_the_site_says_as_soon_as_it_asks_again(study):
    job = ask(study, case=1)
    run("UPDATE jobs_job SET parameters = %s WHERE id = %s", json.dumps({"case": 2}), job.pk)
    refused(job)
    again = ask(study, case=1)
    assert again.pk == job.pk
    run_job(job.pk)
    assert done == [{"case": 1}]


def test_a_job_asked_for_under_an_earlier_key_is_done_while_the_settings_hold_it(study, settings):
    job, other = ask(study), ask(factories.make_study(subjects=0))
    with override_settings(SECRET_KEY=OTHER):
        run_job(other.pk)
    assert done == []
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        run_job(job.pk)
    assert len(done) == 1


def test_who_retries_such_a_job_is_told_why_not(study):
    job = ask(study)
    run("UPDATE jobs_job SET mac = '' WHERE id = %s", job.pk)
    refused(job)
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    said = client.post(reverse("retry_job", args=[study.slug, job.pk]), follow=True).content.decode()
    assert said.count("This site did not ask for this job") == 2
