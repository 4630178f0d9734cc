"""Jobs live by the database's clock, workers of another release take none, and on a full disk jobs wait."""

import errno
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from readerstudy.jobs import disk, registry, release, services
from readerstudy.jobs.clock import ago
from readerstudy.jobs.models import Job, Release, Worker
from readerstudy.jobs.tasks import run_job

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _functions(monkeypatch):
    registry.obstacles()

    def full(job, report):
        raise OSError(errno.ENOSPC, "No space left on device")

    def full_database(job, report):
        raise OperationalError("database or disk is full")

    functions = {"good": lambda job, report: dict, "full": full, "full_database": full_database}
    kinds = {name: registry.kind(name) for name in functions}
    kinds["frees"] = registry.Kind("frees", "", "", "", 1, frees_room=True)
    monkeypatch.setattr(registry, "_functions", functions | {"frees": functions["good"]})
    monkeypatch.setattr(registry, "_kinds", kinds)


def request(function: str = "good") -> Job:
    return services.request_job(function=function, label="work", study=None, parameters={}, inputs={})[0]


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_host_whose_clock_is_wrong_neither_kills_nor_keeps(monkeypatch, hours):
    job = services.claim(job_id=request().pk, worker="w")
    monkeypatch.setattr(timezone, "now", lambda now=timezone.now: now() + timedelta(hours=hours))
    services.requeue_lost_jobs()
    assert state(job) == "running"
    assert services.beat(job=job)
    monkeypatch.undo()
    assert Job.objects.filter(heartbeat_at__gt=ago(minutes=1), heartbeat_at__lte=ago(seconds=-1)).exists()
    Job.objects.update(heartbeat_at=ago(minutes=5))
    services.requeue_lost_jobs()
    assert state(job) == "waiting"


def test_a_worker_of_another_release_takes_nothing_and_says_so():
    job = request()
    assert Release.objects.get().code == release.running()
    Release.objects.update(code="another")
    run_job(job.pk)
    assert state(job) == "waiting"
    assert "another version of the code" in services.tell_obstacles(worker="w:1")
    assert Worker.objects.get().code == release.running()
    release.note()
    assert services.tell_obstacles(worker="w:1") == ""
    run_job(job.pk)
    assert state(job) == "done"
    Release.objects.all().delete()
    assert "(none)" in release.problem()


@pytest.mark.parametrize("function", ["full", "full_database"])
def test_a_job_that_finds_the_disk_full_waits_and_was_not_tried(function):
    job = request(function)
    run_job(job.pk)
    assert (state(job), job.attempts, job.message) == ("waiting", 0, "Waits for room on the disk.")


def test_on_a_full_disk_only_what_frees_room_is_done(monkeypatch):
    monkeypatch.setattr(disk, "free", lambda: 0)
    waits, frees = request(), request("frees")
    run_job(waits.pk)
    run_job(frees.pk)
    assert (state(waits), state(frees)) == ("waiting", "done")
    monkeypatch.undo()


def test_room_that_was_held_back_is_given_once_there_is_no_other(monkeypatch, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(disk, "HELD_BACK", 1 << 20)
    disk.hold_back()
    assert (tmp_path / disk.NAME).stat().st_blocks * 512 >= 1 << 20
    assert not disk.give_way()
    monkeypatch.setattr(disk, "free", lambda: 0)
    assert disk.give_way()
    assert not disk.give_way()
    disk.hold_back()
    assert not (tmp_path / disk.NAME).exists()


def test_a_small_disk_stays_full_when_what_was_held_back_is_given(monkeypatch, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(disk, "reserve", lambda: 1 << 20)
    disk.hold_back()
    given = (tmp_path / disk.NAME).stat().st_size
    monkeypatch.setattr(disk, "free", lambda: given)
    assert disk.is_full()
