"""The Celery application. Tasks carry a job's number only; the Job table is the truth."""

import os
import sys

from celery import Celery
from celery.signals import task_prerun, worker_process_init

from readerstudy.jobs import signed_messages
from readerstudy.serving.passing import NICE
from readerstudy.serving.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")

signed_messages.use()
app = Celery("readerstudy", task_cls="readerstudy.jobs.signed_requests:SignedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["readerstudy.jobs"])
# Celery would connect to the database anew before each job; see `look_at_the_connection`.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
imported_by = os.getpid()


@worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    """A worker that is killed takes its children along; their jobs stop beating and are swept."""
    die_with_parent(parent=imported_by)  # forked from the process that imported this module


@task_prerun.connect
def look_at_the_connection(**_: object) -> None:
    """As before a request: one that is broken or old is closed, the others serve the next job too."""
    from django.db import close_old_connections

    close_old_connections()


@worker_process_init.connect
def give_way(**_: object) -> None:
    """A job waits for the processor rather than a reader for an image."""
    os.nice(2 * NICE)


@worker_process_init.connect
def have_a_reader_ready(**_: object) -> None:
    """An upload is read at once, not when its reader has imported what it reads with."""
    from django.conf import settings

    from readerstudy.intake import readers
    from readerstudy.intake.models import SORT
    from readerstudy.jobs import queues

    if queues.of(SORT)[0] in settings.WORKER_QUEUES:
        readers.keep_ready()
