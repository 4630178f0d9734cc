"""Who holds a study and who does not ask for the same job at the same moment: both get it, neither waits for ever."""

import threading
import time

import pytest
from django.db import connections, transaction

from readerstudy.audit.studies import study_for_update
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
MOMENT = 0.3  # in which the other one comes as far as it can


def test_a_job_is_asked_for_beside_one_that_ends_and_asks_for_the_same():
    study = factories.make_study(subjects=0, readers=0)
    held, asked, errors = threading.Event(), [], []

    def ask() -> None:
        wanted = {"function": "results.analyse", "label": "", "study": study, "parameters": {}, "inputs": {"a": 1}}
        asked.append(request_job(**wanted)[0].pk)

    def end() -> None:
        with transaction.atomic():
            study_for_update(study)
            held.set()
            time.sleep(MOMENT)
            ask()

    def beside(do) -> None:
        try:
            do()
        except Exception as error:
            errors.append(error)
        finally:
            held.set()
            connections.close_all()

    job = threading.Thread(target=beside, args=[end])
    job.start()
    held.wait(10)
    beside(ask)
    job.join()
    assert errors == []
    assert asked == [Job.objects.get().pk] * 2
