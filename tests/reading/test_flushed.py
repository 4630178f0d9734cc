"""On SQLite an answer is on the disk before the reader is told so: traced, as a kill cannot show it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
STRACE = shutil.which("strace")
# A reader's answer through the real route, in a process that a worker's signal has reached or not.
ANSWER = """
import json, os, uuid, django
django.setup()
from django.test import Client
from django.urls import reverse
from readerstudy.jobs.tasks import flush_with_the_next_answer
from readerstudy.reading.models import Presentation
from readerstudy.reading.services import start
if {as_worker}:
    flush_with_the_next_answer()
due = Presentation.objects.select_related("study", "reader__user").get(position=1)
client = Client(HTTP_HOST="localhost")
client.force_login(due.reader.user)
study, token = due.study.slug, due.token
due = start(presentation=due)
path = reverse("rating", args=[study, token, due.study.criteria.first().pk])
on = {{"state": due.state, "revision": due.revision}}
body = {{"key": str(uuid.uuid4()), "score": 3, "status": "rated", "on": on}}
os.write(1, b"ASKED")
answer = client.put(path, json.dumps(body), content_type="application/json")
os.write(1, b"TOLD %d" % answer.status_code)
"""


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize("as_worker", [False, True])
def test_the_answer_is_flushed_before_the_reader_is_told_and_a_workers_result_need_not_be(tmp_path, as_worker):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL flushes at every commit")
    factories.open_(factories.make_study(subjects=1, readers=1))
    (tmp_path / "static").mkdir(exist_ok=True)
    own = {
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "READERSTUDY_VAR": str(tmp_path),
        "READERSTUDY_HEADS": str(settings.HEADS_DIR),
        "READERSTUDY_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }
    calls = tmp_path / "calls"
    trace = [STRACE, "-f", "-y", "-o", str(calls), "-e", "trace=fsync,fdatasync,write"]
    done = subprocess.run(
        [*trace, sys.executable, "-c", ANSWER.format(as_worker=as_worker)],
        env=os.environ | own,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this machine lets nobody trace")
    assert "TOLD 200" in done.stdout, done.stderr
    between = re.search(r'"ASKED"(.*)"TOLD 200"', calls.read_text(), re.DOTALL)[1]
    flushed = re.findall(r"f(?:data)?sync\(\d+<.*-wal>", between)
    assert bool(flushed) is not as_worker
