"""Background work is claimed, not assumed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis.errors import InputError as TableError
from processing.errors import InputError
from readerstudy.jobs import registry, services, tasks
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import perform, run_job

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
done: list[int] = []


@pytest.fixture(autouse=True)
def _functions(monkeypatch):
    done.clear()
    registry.obstacles()  # every app has registered its functions before they are put aside

    def good(job, report):
        report(0.5, "half")
        return lambda: done.append(job.pk)

    def bad(job, report):
        raise InputError("The series has no pixels.")

    def bad_table(job, report):
        raise TableError("The table has no rows.")

    def broken(job, report):
        return lambda: 1 / 0

    functions = {"good": good, "bad": bad, "bad_table": bad_table, "broken": broken}
    monkeypatch.setattr(registry, "_functions", functions)
    monkeypatch.setattr(registry, "_kinds", {name: registry.kind(name) for name in functions})


def request(function: str = "good", **inputs) -> Job:
    return services.request_job(function=function, label="work", study=None, parameters={}, inputs=inputs)[0]


def test_work_that_no_app_does_cannot_be_asked_for():
    with pytest.raises(ValueError, match="No app does better"):
        request("better")


def test_the_same_work_asked_for_twice_is_one_job():
    assert request(a=1).pk == request(a=1).pk
    assert request(a=1).pk != request(a=2).pk


def test_only_one_of_two_workers_gets_a_job():
    job = request()
    assert services.claim(job_id=job.pk, worker="one").worker == "one"
    assert services.claim(job_id=job.pk, worker="two") is None


def test_a_message_that_comes_twice_runs_the_job_once():
    job = request()
    run_job(job.pk)
    run_job(job.pk)
    assert done == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.progress, job.attempts) == ("done", 1, 1)


@pytest.mark.parametrize(
    ("function", "sentence"), [("bad", "The series has no pixels."), ("bad_table", "The table has no rows.")]
)
def test_bad_input_fails_with_its_sentence_and_can_be_retried(function, sentence):
    job = request(function)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", sentence)
    assert services.retry(job=job)
    job.refresh_from_db()
    assert (job.state, job.error) == ("waiting", "")


def test_a_result_that_cannot_be_stored_leaves_the_job_failed_and_nothing_stored():
    job = request("broken")
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "ZeroDivisionError" in job.error


def test_a_silent_worker_loses_its_job_and_cannot_finish_it():
    job = request()
    first = services.claim(job_id=job.pk, worker="killed")
    Job.objects.update(
        heartbeat_at=timezone.now() - timedelta(minutes=5), created_at=timezone.now() - timedelta(hours=1)
    )
    assert services.requeue_lost_jobs() == 1
    second = services.claim(job_id=job.pk, worker="alive")
    assert not services.finish(job=first, store=lambda: done.append(-1))
    assert services.finish(job=second, store=lambda: done.append(second.pk))
    assert done == [second.pk]


def test_a_job_that_kills_every_worker_ends_as_failed():
    job = request()
    for _ in range(services.MAX_ATTEMPTS):
        assert services.claim(job_id=job.pk, worker="w")
        Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
        services.requeue_lost_jobs()
    job.refresh_from_db()
    assert job.state == "failed"
    assert "memory" in job.error


def test_a_beating_job_is_left_alone():
    job = services.claim(job_id=request().pk, worker="w")
    services.requeue_lost_jobs()
    job.refresh_from_db()
    assert job.state == "running"


def test_a_cancelled_job_stores_nothing():
    job = services.claim(job_id=request().pk, worker="w")
    assert services.cancel(job=job)
    perform(job)
    assert done == []
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_step_that_begins_is_told_at_once_and_its_slices_now_and_then(monkeypatch):
    """A job stops at the next step after it was cancelled, however soon that comes."""

    def slices(job, report):
        for number in range(9):
            report(number / 10, f"slice {number + 1} of 1,000")
        told.append("storing begins")
        report(0.95, "storing")

    told, beat = [], services.beat
    monkeypatch.setattr(services, "beat", lambda **said: told.append(said["message"]) or beat(**said))
    monkeypatch.setattr(tasks, "TOLD_EVERY", 1000)
    monkeypatch.setitem(registry._functions, "slices", slices)
    monkeypatch.setitem(registry._kinds, "slices", registry.kind("good"))
    perform(services.claim(job_id=request("slices").pk, worker="w"))
    assert told == ["slice 1 of 1,000", "storing begins", "storing"]
