"""A whole reader study through the real routes while web server, Redis and database are killed under it.

    python -m benchmarks.reading_under_fire [--subjects 61] [--cases 111] [--readers 3] [--kills 5] [--repeats 0.1]

PostgreSQL, Redis, a worker and the web server run as in production; simulated readers open the reading room, fetch
frames and answer, each in a thread of its own, and send again what was not answered, as the browser does. On the way
web server, Redis and database are killed in turn (SIGKILL) and come back. Afterwards every answer must be there once
and in the order of the schedule, sides balanced to ±1, the log unbroken. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from http.client import HTTPException
from pathlib import Path

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
if not apps.ready:
    django.setup()

from readerstudy.home.simulation import SimulatedReader
from tests import postgresql
from tests.site_process import Answer, Browserless, Site

PASSWORD = "a long password"
PATIENCE = 120  # seconds for which one request is sent again
TARGETS = ("web", "database", "redis")

MAKE = """
import json
from tests import factories
from tests.pixels import with_pixels
study = factories.make_study(subjects=0, readers={readers}, title="Under fire")
for number in range({subjects}):
    for weighting in ("T1", "T2", "STIR")[: {cases} // {subjects} + (number < {cases} % {subjects})]:
        factories.make_case(study, f"S{{number + 1:03d}}", weighting)
study.repeat_share = "{repeats}"
study.save()
study = factories.open_(with_pixels(study))
readers = study.memberships.filter(role="reader").order_by("code").values_list("user__username", flat=True)
print(json.dumps({{"slug": study.slug, "readers": list(readers), "pairs": study.presentations.count()}}))
"""
LOOK = """
import json
from collections import Counter
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
from readerstudy.reading.services import plan
study = ReaderStudy.objects.get(slug="{slug}")
rows = list(study.presentations.select_related("reader", "comparison__first", "comparison__second", "repeat_of"))
asked = set(study.criteria.values_list("pk", flat=True))
ratings = list(Rating.objects.filter(presentation__study=study).values_list(
    "presentation", "criterion", "revision", "status", "rated_at", "key"))
given = Counter(row[:2] for row in ratings)
sides = Counter((p.reader.code, p.comparison.code, p.first_side) for p in rows if p.kind == "main")
order = {{}}
for p in sorted(rows, key=lambda p: (p.reader.code, p.position)):
    order.setdefault(p.reader.code, []).append(p.confirmed_at)
position = {{p.pk: (p.reader.code, p.position) for p in rows}}
times = {{}}
for row in sorted(ratings, key=lambda row: row[4]):
    reader, place = position[row[0]]
    times.setdefault(reader, []).append(place)
print(json.dumps({{
    "not confirmed": sum(p.state != "confirmed" for p in rows),
    "ratings": len(ratings),
    "missing": sum((p.pk, c) not in given for p in rows for c in asked),
    "twice": sum(count > 1 for count in given.values()),
    "revised": sum(row[2] != 1 or row[3] != "rated" for row in ratings),
    "same key twice": len(ratings) - len({{(row[0], row[5]) for row in ratings}}),
    "pairs out of order": sum(b < a for times_ in order.values() for a, b in zip(times_, times_[1:])),
    "answers out of order": sum(b < a for places in times.values() for a, b in zip(places, places[1:])),
    "events per pair not one": sum(count != 1 for count in Counter(
        (event.data["reader"], event.data["position"]) for event in study.events.filter(action="pair confirmed")
    ).values()),
    "repeats on the same side": sum(p.kind == "repeat" and p.first_side == p.repeat_of.first_side for p in rows),
    "sides off balance": sum(abs(sides[r, c, "left"] - sides[r, c, "right"]) > 1 for r, c, _ in sides),
    "schedule not regenerated": int(plan(study).sha256 != study.schedule_sha256),
}}, default=str))
"""


class Patient:
    """A signed-in reader whose browser sends again what got no answer, or one that says the server is down."""

    def __init__(self, person: Browserless) -> None:
        self.person, self.again, self.longest = person, 0, 0.0

    def _until_answered(self, method: str, *arguments, **named) -> Answer:
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                answer = getattr(self.person, method)(*arguments, **named)
                if answer.status_code < 500:
                    self.longest = max(self.longest, time.monotonic() - began)
                    return answer
                problem = str(answer.status_code)
            except (OSError, HTTPException) as error:
                problem = repr(error)
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"{method} {arguments[0]}: {problem} for {PATIENCE} s")
            self.again += 1
            time.sleep(pause)
            pause = min(2 * pause, 3)

    def get(self, *arguments, **named) -> Answer:
        return self._until_answered("get", *arguments, **named)

    def put(self, *arguments, **named) -> Answer:
        return self._until_answered("put", *arguments, **named)

    def post(self, *arguments, **named) -> Answer:
        return self._until_answered("post", *arguments, **named)


class Reading(threading.Thread):
    """One simulated reader at work."""

    def __init__(self, site: Site, slug: str, name: str) -> None:
        super().__init__(daemon=True, name=name)
        self.client = Patient(Browserless(site.url, name, PASSWORD))
        self.reader = SimulatedReader(self.client, f"/studies/{slug}/reading/", name)
        self.confirmed, self.error = 0, ""

    def run(self) -> None:
        try:
            self.reader.read_all(lambda confirmed, total: setattr(self, "confirmed", confirmed))
        except Exception as error:
            self.error = repr(error)


def kill(target: str, site: Site, database: postgresql.Server) -> int:
    """SIGKILL; web server and Redis are started again by the supervisor, the database by us. Processes killed."""
    if target == "database":
        database.kill()
        time.sleep(1)
        database.start()
        return 1
    word = {"web": "gunicorn", "redis": "redis-server"}[target]
    found = site.processes(word)
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
    return len(found)


def run(*, subjects: int, cases: int, readers: int, kills: int, repeats: float, say=print) -> dict:
    """Numbers of what was found afterwards; every key but those in lower case words of fact should be 0."""
    with tempfile.TemporaryDirectory() as folder, postgresql.server() as database:
        site = Site(Path(folder))
        site.env["DATABASE_URL"] = database.url
        began = time.monotonic()
        site.start()
        try:
            made = json.loads(
                site.python(MAKE.format(subjects=subjects, cases=cases, readers=readers, repeats=repeats)).splitlines()[
                    -1
                ]
            )
            say(f"{made['pairs']:,} pairs scheduled after {time.monotonic() - began:.0f} s")
            began = time.monotonic()
            threads = [Reading(site, made["slug"], name) for name in made["readers"]]
            for thread in threads:
                thread.start()
            at = [made["pairs"] * (n + 1) / (kills + 1) for n in range(kills)]
            killed = []
            while any(thread.is_alive() for thread in threads):
                if at and sum(thread.confirmed for thread in threads) >= at[0]:
                    at.pop(0)
                    target = TARGETS[len(killed) % len(TARGETS)]
                    count = kill(target, site, database)
                    killed.append(target)
                    say(f"{time.monotonic() - began:.0f} s: {target} killed ({count} processes)")
                time.sleep(0.1)
            seconds = time.monotonic() - began
            errors = [thread.error for thread in threads if thread.error]
            found = json.loads(site.python(LOOK.format(slug=made["slug"])).splitlines()[-1])
            audit = site.manage("verify_audit", made["slug"])
        finally:
            site.stop()
    say(audit.strip())
    again = sum(thread.client.again for thread in threads)
    longest = max(thread.client.longest for thread in threads)
    say(f"read in {seconds:.0f} s; {again} requests sent again, the longest wait for an answer {longest:.1f} s")
    return {
        **found,
        "kills left over": len(at),
        "readers that gave up": len(errors),
        "errors": errors,
        "killed": killed,
    }


FACTS = {"ratings", "errors", "killed"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=61)
    parser.add_argument("--cases", type=int, default=111)
    parser.add_argument("--readers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--repeats", type=float, default=0.1)
    found = run(**vars(parser.parse_args()), say=lambda text: print(text, flush=True))
    for name, value in found.items():
        print(f"{name}: {value}")
    return int(any(value for name, value in found.items() if name not in FACTS))


if __name__ == "__main__":
    sys.exit(main())
