"""How much faster more workers are, and what ten thousand cases cost the site that asks for them.

    python -m benchmarks.scaling [--sleeping 60] [--real 160] [--cases 10000]

On PostgreSQL and Redis, workers of one process each. Jobs that sleep for a second on one and on four workers: at least
0.9 times as fast for each. Real jobs (pairs, networks, metrics of small series) on one worker and on two, each kept to
a processor of its own as machines of one would be, where the processors have nothing else to do: at least 1.6 times as
fast. Time runs from the start of the study's first job, with what a worker imports and compiles at first; all that can
be asked for is asked for before. Then a study of so many cases asks for its jobs: memory of the process that asks,
messages in the queues, and processor time of the page of the jobs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from benchmarks.machines import Machines, kill, machines, until

SLEEP = "benchmarks.sleep"
ASK_FOR_SLEEP = """
import sys
from benchmarks.scaling import site
site()
from readerstudy.jobs.services import request_job
for number in range(int(sys.argv[1])):
    inputs = {"n": number, "of": sys.argv[2]}
    request_job(function="benchmarks.sleep", label="x", study=None, parameters={}, inputs=inputs)
"""
FILL = """
import itertools, sys
import django; django.setup()
from tests import factories
from readerstudy.jobs.services import ask_for_missing
factories.numbers = itertools.count(int(sys.argv[1][-1]) * 1000)  # names of people
study = factories.make_study(subjects=0, title=sys.argv[1])
study.arms.exclude(made_from=None).update(model_name="denoise")
factories.log_as_is(study)
for number in range(int(sys.argv[2])):
    factories.two_acquisitions(study, subject=f"S{number + 1:03d}")
ask_for_missing(study)
"""
FAN_OUT = """
import itertools, resource, sys, time
import django; django.setup()
from django.db import connection
from tests import factories
from readerstudy.jobs import order, queues
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material.models import Case, Instance, Series, Subject
count = int(sys.argv[1])
factories.numbers = itertools.count(9000)
study = factories.make_study(subjects=0, title="Wide")
arms = [arm for arm in study.arms.all() if arm.made_from_id is None]
site = study.sites.first()
for start in range(0, count, 1000):
    some = range(start, min(start + 1000, count))
    subjects = Subject.objects.bulk_create([Subject(study=study, code=f"W{n:05d}", site=site) for n in some])
    cases = Case.objects.bulk_create([Case(study=study, subject=one, code=f"{one.code}-T2", region="lumbar",
                                           plane="sagittal", weighting="T2") for one in subjects])
    Series.objects.bulk_create([Series(study=study, case=case, arm=arm, **factories.series_facts(f"{case.pk} {arm.pk}"))
                                for case in cases for arm in arms])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.monotonic()
made = ask_for_missing(study)
seconds = time.monotonic() - started
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
lengths = [queues.waiting(name) for name in order.QUEUES]
from django.test import Client
from readerstudy.accounts.models import User
client = Client(headers={"host": "localhost"})
client.force_login(User.objects.get(username=study.memberships.get(role="admin").user.username))
client.get(f"/studies/{study.slug}/jobs/")
begun = time.process_time()
assert client.get(f"/studies/{study.slug}/jobs/").status_code == 200
page = time.process_time() - begun
print(made, f"{seconds:.1f}", grown, max(lengths), f"{1000 * page:.0f}")
"""


def site() -> None:
    """Start Django, with a kind of work that does nothing but wait."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()
    from readerstudy.jobs.registry import Kind, job_function, register

    register("benchmarks.scaling", Kind(SLEEP, "Wait", "Waiting", "", 1))

    @job_function(SLEEP)
    def wait(job, report):
        time.sleep(1)
        return lambda: None


def worker() -> None:
    """A worker of the site that knows it."""
    site()
    from readerstudy.celery import app

    mine = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {mine[int(sys.argv[1]) % len(mine)]})
    app.worker_main(["worker", "--loglevel", "INFO", "--hostname", f"worker-{sys.argv[1]}@here"])


def main() -> None:
    """Measure, print, fail below the limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sleeping", type=int, default=60)
    parser.add_argument("--real", type=int, default=160, help="cases")
    parser.add_argument("--cases", type=int, default=10_000)
    options = parser.parse_args()
    with machines(bucket=False) as running:
        held = [_sleeping(running, options.sleeping)] if options.sleeping else []
        held += [_real(running, options.real)] if options.real else []
        held += [_wide(running, options.cases)] if options.cases else []
    sys.exit(not all(held))


def _sleeping(running: Machines, jobs: int) -> bool:
    seconds = {}
    for workers in (1, 4):
        of = jobs if workers > 1 else max(1, jobs // 4)
        with _Workers(running, workers):
            running.run("-c", ASK_FOR_SLEEP, str(of), str(workers))
            seconds[workers] = _span(running, f"function = '{SLEEP}'") / of
            running.run("-c", _FORGET.format(function=SLEEP))
    rate = seconds[1] / seconds[4] / 4
    print(
        f"jobs that sleep: {seconds[1]:.2f} s each on one worker, {seconds[4]:.2f} s on four: {rate:.2f} times as fast "
        "for each (at least 0.9)",
        flush=True,
    )
    return rate >= 0.9


def _real(running: Machines, cases: int) -> bool:
    seconds = {}
    for workers in (1, 2):
        running.run("-c", FILL, f"Real {workers}", str(cases))  # before: who asks would share the processors
        with _Workers(running, workers):
            seconds[workers] = _span(running, "study_id IS NOT NULL")
            running.run("-c", _FORGET.format(function="%"))
    rate = seconds[1] / seconds[2]
    print(
        f"real jobs of {cases} cases: {seconds[1]:.0f} s on one worker, {seconds[2]:.0f} s on two: {rate:.2f} times "
        f"as fast (at least 1.6; load of the machine {os.getloadavg()[0]:.1f})",
        flush=True,
    )
    return rate >= 1.6


_FORGET = """
import django; django.setup()
from readerstudy.jobs.models import Job
(Job.objects.all() if "{function}" == "%" else Job.objects.filter(function="{function}")).delete()
"""


def _wide(running: Machines, cases: int) -> bool:
    made, seconds, grown, longest, page = running.run("-c", FAN_OUT, str(cases)).splitlines()[-1].split()
    fits = int(grown) < 300_000 and int(longest) <= 1100 and int(page) <= 300
    print(
        f"{cases:,} cases ask for {int(made):,} jobs in {seconds} s: {int(grown) / 1000:.0f} MB more memory (at most "
        f"300), longest queue {longest} messages (1,100), page of the jobs {page} ms of processor (300)"
    )
    return fits


class _Workers:
    """So many workers that have taken up work, while the block runs."""

    def __init__(self, running: Machines, count: int) -> None:
        self.running, self.names = running, [str(number) for number in range(count)]

    def __enter__(self) -> None:
        code = "from benchmarks.scaling import worker; worker()"
        for name in self.names:
            self.running.start(name, [sys.executable, "-c", code, name])
        query = "SELECT COUNT(*) FROM jobs_worker WHERE reason = '' AND at > now() - interval '20 seconds'"
        until(lambda: _ask(self.running, query) >= len(self.names), 180, "workers are ready")

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            kill(self.running.processes[name])
        _ask(self.running, "DELETE FROM jobs_worker RETURNING id")


def _ask(running: Machines, query: str):
    import psycopg

    with psycopg.connect(running.url, autocommit=True) as connection:
        found = connection.execute(query).fetchone()
        return found[0] if found else None


def _span(running: Machines, which: str) -> float:
    """Seconds from the first start to the last end of these jobs, once all have ended."""
    open_jobs = f"SELECT COUNT(*) FROM jobs_job WHERE {which} AND state IN ('waiting', 'running')"
    until(lambda: not _ask(running, open_jobs), 1800, "all jobs have ended")
    if failed := _ask(running, f"SELECT error FROM jobs_job WHERE {which} AND state = 'failed'"):
        sys.exit(f"A job failed: {failed}")
    span = f"SELECT EXTRACT(EPOCH FROM MAX(finished_at) - MIN(started_at)) FROM jobs_job WHERE {which}"
    return float(_ask(running, span))


if __name__ == "__main__":
    main()
