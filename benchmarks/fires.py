"""What else burns in `reading_under_fire`: a worker whose clock is ahead, one that sees another store, a full disk.

Each function lights one at a running site and says what it found, by numbers that should all be 0. `PLANTS` are the
faults that each of them, and the restart of the database, must find.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from readerstudy.home.simulation import SimulatedReader
from readerstudy.serving import embedded_redis
from readerstudy.serving.supervisor import worker_command
from tests.site_process import ROOT, Browserless, Site, until

PATIENCE = 180  # seconds for jobs to be done
UPLOADS = 8
AHEAD = 60  # seconds
DISK = "512m"
PLANTS = {  # file of readerstudy/, what stands there, what stands there instead
    "restart": ("serving/outage.py", "if isinstance(error, (OperationalError, InterfaceError)):", "if False:"),
    "clock": (
        "jobs/clock.py",
        "ExpressionWrapper(Now() - timedelta(**span), output_field=DateTimeField())",
        '__import__("django.utils.timezone", fromlist=["now"]).now() - timedelta(**span)',
    ),
    "store": ("archive/store_mark.py", "def problem() -> str:", "def problem() -> str:\n    return ''\n"),
    "disk": ("jobs/disk.py", "return free() < reserve()", "return False"),
}
CLOCK = f"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {{
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += {AHEAD};
    return failed;
}}
"""
SEND = """
from pathlib import Path
from readerstudy.intake.services import receive_folder
from readerstudy.protocol.models import ReaderStudy
study = ReaderStudy.objects.get(slug={slug!r})
print([receive_folder(study=study, folder=Path({folder!r}), actor=None).pk for _ in range({uploads})])
"""
DONE = """
import json
from django.db.models import Count
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
jobs = Job.objects.filter(function="intake.sort", study__slug={slug!r})
refused = Upload.objects.filter(study__slug={slug!r}).annotate(n=Count("refusals")).values_list("n", flat=True)
print(json.dumps({{"jobs": list(jobs.values_list("state", "attempts", "worker")), "refused": list(refused)}}))
"""
WORKERS = """
import json
from readerstudy.jobs.models import Worker
print(json.dumps(list(Worker.objects.values_list("worker", "reason"))))
"""
VERIFY = """
from readerstudy.home.watch import VERIFY
from readerstudy.jobs.services import request_job
print(request_job(function=VERIFY, label="x", study=None, parameters={{}}, inputs={{"day": {day!r}}})[0].pk)
"""
STATE = """
import json
from readerstudy.jobs.models import Job
print(json.dumps(Job.objects.get(pk={job}).state))
"""


def planted(folder: Path, fault: str) -> Path:
    """A checkout whose site has this fault."""
    name, right, wrong = PLANTS[fault]
    shutil.copytree(ROOT / "readerstudy", folder / "readerstudy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", folder)
    for one in ("analysis", "processing", "static", "templates", "tests"):
        (folder / one).symlink_to(ROOT / one)
    file = folder / "readerstudy" / name
    text = file.read_text()
    assert text.count(right) == 1, name
    file.write_text(text.replace(right, wrong))
    return folder


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk of its own in this folder; False where this account may not make one."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "readerstudy", str(folder)]
    there = os.geteuid() == 0 and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield there
    finally:
        if there:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def another_worker(site: Site, folder: Path, **settings: str) -> Iterator[subprocess.Popen]:
    """One more worker of a site, with settings of its own, that has said that it is there."""
    beside = {"REDIS_URL": f"redis+socket://{embedded_redis.socket_path(site.var)}"}
    with (folder / "worker.log").open("wb") as log:
        command = [*worker_command(), "--hostname", f"{folder.name}@here"]
        worker = subprocess.Popen(command, cwd=site.root, env=site.env | beside | settings, stdout=log, stderr=log)
    try:
        until(lambda: any(name.endswith(f":{worker.pid}") for name, _ in said(site, WORKERS)), PATIENCE)
        yield worker
    finally:
        worker.kill()
        worker.wait()


def said(site: Site, code: str):
    """The last line that a piece of code prints inside the site, read as JSON."""
    return json.loads(site.python(code).splitlines()[-1])


def sort_uploads(site: Site, slug: str, folder: Path) -> dict:
    """Send deliveries that hold nothing but a file to be refused; what became of their jobs."""
    (folder / "sent").mkdir()
    (folder / "sent" / "a.dcm").write_bytes(b"no image")
    site.python(SEND.format(slug=slug, folder=str(folder / "sent"), uploads=UPLOADS))
    look = DONE.format(slug=slug)
    with suppress(AssertionError):
        until(lambda: {state for state, *_ in said(site, look)["jobs"]} <= {"done", "failed"}, PATIENCE)
    return said(site, look)


def clock_ahead(site: Site, slug: str, folder: Path) -> dict[str, int]:
    """A worker a minute ahead looks for jobs that stopped beating, while living workers have some."""
    library = folder / "ahead.so"
    make = ["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library)]
    subprocess.run(make, input=CLOCK, text=True, check=True)
    ask = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(ask, env={"LD_PRELOAD": str(library)}, capture_output=True, text=True, check=True).stdout
    ahead = float(told) - time.time()  # less what it took to start
    with another_worker(site, folder, LD_PRELOAD=str(library)):
        found = sort_uploads(site, slug, folder)
    return {
        "clocks that are not ahead": int(not AHEAD / 2 < ahead <= AHEAD),
        "jobs taken from a living worker": sum(attempts > 1 for _, attempts, _ in found["jobs"]),
        "jobs left beside a clock ahead": sum(state != "done" for state, *_ in found["jobs"]),
    }


def second_store(site: Site, slug: str, folder: Path) -> dict[str, int]:
    """A worker on an empty folder of its own, beside one that sees the site's store."""
    (folder / "var" / "static").mkdir(parents=True)
    own = {"READERSTUDY_VAR": str(folder / "var"), "READERSTUDY_KEYS": str(site.var / "keys.json")}
    own["READERSTUDY_HEADS"] = str(site.var / "heads")
    with another_worker(site, folder, **own) as worker:
        told = [reason for name, reason in said(site, WORKERS) if name.endswith(f":{worker.pid}")]
        found = sort_uploads(site, slug, folder)
        its = {str(child.pid) for child in psutil.Process(worker.pid).children()}  # they do its jobs
    return {
        "stores that are not told apart": sum("not this site's" not in reason for reason in told),
        "jobs done beside the store": sum(name.rpartition(":")[2] in its for *_, name in found["jobs"]),
        "jobs left beside a second store": sum(state != "done" for state, *_ in found["jobs"]),
        "deliveries that lost their file": sum(number != 1 for number in found["refused"]),
    }


def full_disk(site: Site, people: dict[str, str], password: str) -> dict[str, int]:
    """The disk is filled to its last byte: then a reader signs in and reads a whole list, and an upload is tried.

    people: `admin` of the study `draft`, `reader` of the study `small`.
    """
    admin, ballast = Browserless(site.url, people["admin"], password), site.var / "ballast"
    size = {"files": 1, "bytes": 10}
    fill(ballast)
    try:
        sent = admin.post(f"/api/v1/studies/{people['draft']}/uploads/", size, content_type="application/json")
        job = site.python(VERIFY.format(day="full")).splitlines()[-1]
        state = STATE.format(job=job)
        kept_out = ""
        try:
            reader = Browserless(site.url, people["reader"], password)
            SimulatedReader(reader, f"/studies/{people['small']}/reading/", people["reader"]).read_all()
        except Exception as error:
            kept_out = repr(error)
        time.sleep(2 * float(site.env["READERSTUDY_JOB_STALE_SECONDS"]))
        waits = said(site, state) == "waiting"
    finally:
        ballast.unlink()
    with suppress(AssertionError):
        until(lambda: said(site, state) == "done", PATIENCE)
    return {
        "uploads taken on a full disk": int(sent.status_code != 507),
        "readers kept out by a full disk": int(bool(kept_out)),
        "jobs begun on a full disk": int(not waits),
        "jobs left after a full disk": int(said(site, state) != "done"),
    }


def fill(path: Path) -> None:
    """Take what room there is on the disk of this file."""
    with path.open("wb") as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
