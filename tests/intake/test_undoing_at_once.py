"""A series is taken back at the moment in which a job on it ends: nothing of it is left, whoever is first."""

import threading

import pytest
from django.db import connections

from readerstudy.audit.verify import problems
from readerstudy.intake import undoing
from readerstudy.jobs.services import claim, finish
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
