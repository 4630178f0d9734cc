"""A series is taken back at the moment in which a job on it ends: nothing of it is left, whoever is first."""

import threading

import pytest
from django.db import connection, connections, transaction

from processing.errors import InputError
from readerstudy.audit.studies import study_for_update
from readerstudy.audit.verify import problems
from readerstudy.intake import undoing
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim, finish
from readerstudy.material import removal
from readerstudy.material.models import Series
from readerstudy.material.services import add_series
from tests import factories
from tests.confirmed import make_confirmed_study, series_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.mark.parametrize("first", ["job", "undo", "neither"])
def test_a_job_that_ends_while_its_input_is_taken_back_leaves_nothing(first):
    study = make_confirmed_study()
    fast, arm = series_of(study, "S01", "FAST"), study.arms.get(code="FAST-DL")
    parameters = {"case": fast.case_id, "arm": arm.pk, "source": fast.pk}
    job = claim(job_id=factories.make_job(study, parameters=parameters).pk, worker="w")
    ready, turn, failed = threading.Barrier(2), threading.Event(), []
    facts = factories.series_facts("made just now") | {"made_from": fast, "model_name": "m", "model_sha256": "1" * 64}

    def end() -> None:
        finish(job=job, store=lambda: add_series(case=fast.case, arm=arm, instances=[], replace=True, **facts) and {})

    def undo() -> None:
        undoing.back_to_confirm(series=fast, actor=None)

    def act(work, name: str) -> None:
        try:
            ready.wait()
            if first not in (name, "neither"):
                turn.wait(10)
            work()
        except Exception as error:
            failed.append(error)
        finally:
            turn.set()
            connections.close_all()

    threads = [threading.Thread(target=act, args=pair) for pair in ((end, "job"), (undo, "undo"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    arms = Series.objects.filter(case__subject__code="S01").values_list("arm__code", flat=True)
    assert sorted(arms) == ["SOC", "SOC-DL"]
    assert not Series.objects.filter(sha256=facts["sha256"]).exists()
    assert list(problems(study)) == []


def test_whoever_holds_the_study_does_not_wait_for_a_job_that_waits_for_it(monkeypatch):
    """A job that was asked for and began after the jobs of a case were forgotten, and ends now."""
    if connection.vendor == "sqlite":
        pytest.skip("this database has one writer at a time")
    study = make_confirmed_study()
    fast = series_of(study, "S01", "FAST")
    ends, held, done, told = threading.Event(), threading.Event(), threading.Event(), []

    def end() -> None:
        job = factories.make_job(study, parameters={"case": fast.case_id, "source": fast.pk})
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
            ends.set()
            held.wait(10)
            study_for_update(study)  # as `finish` does
        connections.close_all()
        done.set()

    thread = threading.Thread(target=end)
    forget = removal.ensure_unscheduled

    def meanwhile(**case) -> None:
        forget(**case)
        thread.start()
        ends.wait(10)
        study_for_update(study)
        held.set()

    monkeypatch.setattr(removal, "ensure_unscheduled", meanwhile)
    try:
        undoing.back_to_confirm(series=fast, actor=None)
    except InputError as error:
        told.append(str(error))
    thread.join()
    assert told == ["A job that works on this is just ending. Try again."]
    assert done.is_set()
