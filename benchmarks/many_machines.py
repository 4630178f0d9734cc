"""Cases of a study on two web servers and three workers that share no folder; one worker dies, one is cut off.

    python -m benchmarks.many_machines [--cases 111]

Files lie in an object store (moto's server), the third worker in a network of its own if this account may make one.
While jobs run the second worker is killed, and the third one's line cut until its jobs are given to others. Then the
same images go through a second study undisturbed. Every output has to be there once, and be the same in both: pixels of
made series, prepared pairs by hash, metrics. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from contextlib import suppress

from benchmarks.machines import STALE, Machines, free_port, kill, machines, until
from readerstudy.serving.supervisor import worker_command

FILL = """
import django; django.setup()
import itertools, sys
from tests import factories
from readerstudy.jobs.services import ask_for_missing
factories.numbers = itertools.count(1000 * len(sys.argv[1]))  # names of people
study = factories.make_study(subjects=0, title=sys.argv[1])
study.arms.exclude(made_from=None).update(model_name="denoise")
factories.log_as_is(study)
for number in range({cases}):
    factories.two_acquisitions(study, subject=f"S{{number + 1:03d}}")
study.refresh_from_db()
print(study.slug, ask_for_missing(study))
"""
FOUND = """
import django; django.setup()
import json, sys
from collections import Counter
from readerstudy.protocol.models import ReaderStudy
study = ReaderStudy.objects.get(slug=sys.argv[1])
series = [(f"{one.case.code} {one.arm.code}", one.sha256) for one in
          study.series.filter(active=True).select_related("case", "arm")]
pairs = [(f"{one.case.code} {one.comparison}", one.first_left_sha256 + one.first_right_sha256)
         for one in study.pairs.select_related("case", "comparison")]
metrics = [(f"{one.case.code} {one.reference.arm.code} {one.test.arm.code} {one.metric} {one.region} {one.slice} "
            f"{one.settings_hash}", repr(one.value)) for one in
           study.metrics.select_related("case", "reference__arm", "test__arm")]
names = Counter(name for name, _ in [*series, *pairs, *metrics])
print(json.dumps({"found": sorted([*series, *pairs, *metrics]), "twice": [n for n, c in names.items() if c > 1],
                  "states": Counter(study.jobs.values_list("state", flat=True)),
                  "errors": list(study.jobs.filter(state="failed").values_list("error", flat=True)[:3]),
                  "attempts": Counter(study.jobs.values_list("attempts", flat=True)),
                  "kinds": Counter(study.jobs.values_list("function", flat=True))}))
"""


def main() -> None:
    """Run both, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=111)
    options = parser.parse_args()
    sys.exit(not holds(options.cases))


def holds(cases: int, *, patience: float = 3600) -> bool:
    """Whether nothing was lost, doubled or different."""
    with machines(network=True) as site:
        ports = [free_port(), free_port()]
        for number, port in enumerate(ports, 1):
            web = [sys.executable, "-m", "gunicorn", "-c", "python:readerstudy.serving.gunicorn", "readerstudy.wsgi"]
            site.start(f"web-{number}", web, READERSTUDY_PORT=str(port), WEB_CONCURRENCY="1")
        slug = _filled(site, "Disturbed", cases)
        started = time.monotonic()
        for number in (1, 2, 3):
            _worker(site, number)
        jobs = _total(site, slug)
        until(lambda: _done(site, slug) >= 0.15 * jobs, patience, "some jobs are done")
        kill(site.processes["worker-2"])
        print(f"one worker was killed after {_done(site, slug)} of {jobs} jobs", flush=True)
        until(lambda: _done(site, slug) >= 0.3 * jobs, patience, "more jobs are done")
        _cut(site, off=True)
        print(f"another one was cut off after {_done(site, slug)} jobs", flush=True)
        time.sleep(2 * STALE)
        _cut(site, off=False)
        until(lambda: _is_over(site, slug), patience, "all jobs have ended")
        for port in ports:
            until(lambda port=port: _healthy(port), patience, "a web server sees the store")
        disturbed, seconds = _look(site, slug), time.monotonic() - started
        calm = _filled(site, "Undisturbed", cases)
        until(lambda: _is_over(site, calm), patience, "all jobs of the undisturbed study have ended")
        other = _look(site, calm)
    same = disturbed["found"] == other["found"]
    for name, one in (("disturbed", disturbed), ("undisturbed", other)):
        print(f"{name}: {len(one['found'])} outputs, twice {len(one['twice'])}, jobs {one['states']}, {one['kinds']}, "
              f"attempts {one['attempts']}{'; ' + str(one['errors']) if one['errors'] else ''}")  # fmt: skip
    whole = all(set(one["states"]) == {"done"} and not one["twice"] and one["found"] for one in (disturbed, other))
    line = "whose line was cut" if site.network else "which stood still"
    verdict = "every output once" if whole else "NOT EVERY OUTPUT ONCE"
    verdict += ", equal to the undisturbed" if same else ", NOT EQUAL TO THE UNDISTURBED"
    print(f"{cases} cases, 2 web servers, 3 workers, one killed, one {line}, {seconds:.0f} s: {verdict}")
    return same and whole


def _worker(site: Machines, number: int) -> None:
    site.start(f"worker-{number}", [*worker_command(), "--hostname", f"worker-{number}@here"], apart=number == 3)


def _cut(site: Machines, *, off: bool) -> None:
    if site.network:
        site.cut(off=off)
        return
    with suppress(ProcessLookupError):
        os.killpg(site.processes["worker-3"].pid, signal.SIGSTOP if off else signal.SIGCONT)


def _filled(site: Machines, title: str, cases: int) -> str:
    return site.run("-c", FILL.format(cases=cases), title).split()[0]


def _count(site: Machines, slug: str, condition: str) -> int:
    import psycopg

    with psycopg.connect(site.url) as connection:
        query = (
            f"SELECT COUNT(*) FROM jobs_job JOIN protocol_readerstudy s ON s.id = study_id WHERE slug = %s {condition}"
        )
        return connection.execute(query, [slug]).fetchone()[0]


def _total(site: Machines, slug: str) -> int:
    return _count(site, slug, "")


def _done(site: Machines, slug: str) -> int:
    return _count(site, slug, "AND jobs_job.state = 'done'")


def _is_over(site: Machines, slug: str) -> bool:
    return not _count(site, slug, "AND jobs_job.state IN ('waiting', 'running')")


def _look(site: Machines, slug: str) -> dict:
    return json.loads(site.run("-c", FOUND, slug).splitlines()[-1])


def _healthy(port: int) -> bool:
    from urllib.request import urlopen

    with suppress(OSError):
        return json.load(urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10))["store"] == "ok"
    return False


if __name__ == "__main__":
    main()
