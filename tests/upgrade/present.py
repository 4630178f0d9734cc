"""The present version on an unpacked upgrade fixture: `python -m tests.upgrade.present STEP…`, with READERSTUDY_VAR.

Runs in a process of its own, with the clock held at the fixture's own time, and prints one JSON object on its last
line: step -> what came of it. A step that fails ends it with a traceback.
"""

import io
import json
import os
import re
import sys
import time
from collections import Counter
from datetime import timedelta
from functools import cache
from html import unescape

import django

from tests.upgrade.v0_1_0 import ADMIN, PASSWORD, READERS

STUDIES = ("locked", "open", "draft")


def main(steps: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "readerstudy.settings"
    django.setup()
    from django.conf import settings

    from readerstudy.jobs import services

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    services.send = lambda job_id: None  # there is no queue
    hold_clock()
    print(json.dumps({step: STEPS[step]() for step in steps}))


def hold_clock() -> None:
    """Time goes on from a minute after the last line of the log: what rests in the quarantine is not a day old."""
    from django.db.models import Max
    from django.utils import timezone

    from readerstudy.audit.models import Event

    at = Event.objects.aggregate(at=Max("at"))["at"] + timedelta(minutes=1)
    began = time.monotonic()
    timezone.now = lambda: at + timedelta(seconds=time.monotonic() - began)


def command(*words: str, **options) -> list:
    """Exit status of a command of manage.py, and all that it said."""
    from django.core.management import CommandError, call_command

    said, code = io.StringIO(), 0
    try:
        call_command(*words, stdout=said, stderr=said, **options)
    except CommandError as error:
        code = error.returncode
        said.write(str(error))
    return [code, said.getvalue()]


def migrate() -> list:
    """Database and store as `readerstudy.prepare` leaves them."""
    from readerstudy.archive.store_mark import mark_new_store

    code, said = command("migrate", interactive=False)
    return [code, said + (mark_new_store() if code == 0 else "")]


def verify() -> dict:
    """The log, the answers and what is locked; the schedules against their seeds."""
    return {"audit": command("verify_audit")} | {
        name: command("schedule", name, "--verify") for name in ("locked", "open")
    }


def protocols() -> dict:
    """The test that each study's protocol declares, and whether its hash is still that of the opening."""
    from readerstudy.protocol.models import ReaderStudy
    from readerstudy.protocol.selectors import protocol_document

    documents = [(study, protocol_document(study)) for study in ReaderStudy.objects.all()]
    return {
        study.slug: [study.primary_test, document["primary_test"], document["sha256"] == study.protocol_sha256]
        for study, document in documents
    }


def jobs() -> dict:
    """Rows of the Job table by study and state; outputs that are called outdated."""
    from readerstudy.enhancement.outputs import outdated
    from readerstudy.jobs.models import Job
    from readerstudy.protocol.models import ReaderStudy

    counted = Counter(f"{slug} {state}" for slug, state in Job.objects.values_list("study__slug", "state"))
    return {"rows": counted, "outdated": [slug for slug in STUDIES if outdated(ReaderStudy.objects.get(slug=slug))]}


@cache
def signed_in(name: str):
    """A client that signed in at the page, with the password."""
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    answer = client.post("/login/", {"username": name, "password": PASSWORD})
    if answer.status_code != 302:
        raise RuntimeError(f"{name} cannot sign in: {answer.content.decode()}")
    return client


def pages() -> dict:
    """Every page, picture and file that is linked from the home page of an admin, and of a reader, once whatever
    its query: the status of each."""
    from analysis.report import pdf

    pdf.pdf = lambda page: b"%PDF-"  # the page is made; how it is printed, tests/analysis/test_pdf.py asks
    opened = {}
    for name in (ADMIN, READERS[0]):
        client, left = signed_in(name), {"/": "/"}
        opened.pop("/", None)
        while left:
            path, link = left.popitem()
            answer = client.get(link, follow=True)
            content = b"".join(answer) if answer.streaming else answer.content
            opened[path] = answer.status_code
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                links = map(unescape, re.findall(r'(?:href|src)="(/[^"#]*)', content.decode()))
                found = {link.partition("?")[0]: link for link in links}
                left |= {path: link for path, link in found.items() if path not in opened and _is_page(path)}
    return opened


def _is_page(path: str) -> bool:
    return not path.startswith(("/static/", "/logout/"))


def ask() -> int:
    """Whatever asks for work that is missing, in every study: number of new jobs."""
    from readerstudy.jobs.services import ask_for_missing
    from readerstudy.protocol.models import ReaderStudy

    return sum(ask_for_missing(ReaderStudy.objects.get(slug=slug), renew=slug == "draft") for slug in STUDIES)


def read() -> dict:
    """The reader who had begun goes on to the end of the list and signs, and so does the one who came by amendment:
    what each found answered at first, and what came of it."""
    from readerstudy.home.simulation import SimulatedReader
    from readerstudy.reading.models import Presentation, Signature

    base, found = "/studies/open/reading/", {}
    for name in (READERS[0], READERS[2]):
        client = signed_in(name)
        body = client.get(f"{base}current/").json()
        given = body["answers"]
        found[name] = {
            "confirmed": body["confirmed"],
            "scores": [rating["score"] for rating in given["ratings"].values()],
            "integrity": given["integrity"],
            "findings": len(given["findings"]),
            "comment": given["comment"],
        }
        SimulatedReader(client, base, seed=name).read_all()
        client.post(f"{base}sign/", {"password": PASSWORD})
    rows = Presentation.objects.filter(study__slug="open").values_list("reader__user__username", "state")
    signed = Signature.objects.filter(reader__study__slug="open").values_list("reader__user__username", flat=True)
    return {"found": found, "states": Counter(" ".join(row) for row in rows), "signed": sorted(signed)}


def sort() -> dict:
    """A worker sorts what waits in the quarantine; the admin places that and what waited to be confirmed."""
    from readerstudy.archive.quarantine import count
    from readerstudy.intake.services import confirm_certain, purge_stale
    from readerstudy.jobs.tasks import run_job
    from readerstudy.protocol.models import ReaderStudy

    purge_stale()
    study = ReaderStudy.objects.get(slug="draft")
    upload = study.uploads.exclude(salt="").get()
    run_job(study.jobs.get(parameters__upload=upload.pk).pk)
    waiting = study.jobs.get(parameters__upload=upload.pk)
    upload.refresh_from_db()
    placed, problems = confirm_certain(study=study, actor=None)
    return {
        "job": [waiting.state, waiting.error],
        "upload": upload.state,
        "left": count(upload.pk),
        "placed": placed,
        "problems": problems,
        "cases": study.cases.count(),
        "asked": Counter(study.jobs.filter(state="waiting").values_list("function", flat=True)),
    }


def record() -> dict:
    """The last line of each study's log and how many of its lines have no MAC; whether one more line can be added, and
    the alarms."""
    from readerstudy.audit import heads, services
    from readerstudy.protocol.models import ReaderStudy

    found = {}
    for slug in STUDIES:
        study, refused = ReaderStudy.objects.get(slug=slug), ""
        last, unsigned = study.events.last().action, study.events.filter(mac="").count()
        outside = heads.latest(slug).number if heads.latest(slug) else 0
        try:
            services.record(study=study, action="results exported")
        except services.RecordError as error:
            refused = str(error)
        alarms = [alarm.sentence for alarm in heads.alarms(slug)]
        found[slug] = {"last": last, "unsigned": unsigned, "outside": outside, "refused": refused, "alarms": alarms}
    return found


def restored() -> dict:
    """Every study is declared to be restored from before it was sealed."""
    return {slug: command("seal_restored", slug, reason="The disk broke.") for slug in STUDIES}


STEPS = {one.__name__: one for one in (migrate, verify, record, restored, protocols, jobs, pages, ask, read, sort)} | {
    "again": jobs,
    "after": verify,
}


if __name__ == "__main__":
    main(sys.argv[1:])
