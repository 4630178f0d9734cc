"""The log of who saw what is written beside the record, not in its queue."""

import subprocess
import sys
import threading
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from readerstudy.access.models import Access
from readerstudy.access.services import Seen, keep
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.skips import NO_SUCH_DATABASE


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_writing_does_not_wait_for_who_holds_the_study():
    """Who writes a line of the record's log holds the study's row."""
    if connection.vendor == "sqlite":
        pytest.skip(f"{NO_SUCH_DATABASE} has one lock for everything")
    study = factories.make_study(subjects=1, readers=1)
    seen = Seen(study.slug, study.memberships.first().user_id, "numbers", "results", ())

    def write() -> None:
        keep({seen: (timezone.now(), timezone.now(), 1)}, UUID(int=1), {})
        connection.close()

    with transaction.atomic():
        ReaderStudy.objects.select_for_update().get(pk=study.pk)
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(20)
        waited = thread.is_alive()
    thread.join()
    assert not waited
    assert Access.objects.count() == 1


def test_a_web_process_that_ends_at_once_does_first_what_waits_for_its_end():
    code = """
import atexit
from types import SimpleNamespace
from readerstudy.serving.gunicorn import worker_exit
atexit.register(print, "written", flush=True)
worker_exit(None, SimpleNamespace(booted=False))
print("its status says why", flush=True)
worker_exit(None, SimpleNamespace(booted=True))
print("taken apart", flush=True)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "its status says why\nwritten\n"), ended.stderr
