"""A whole reader study through the real routes while web server, Redis and database are killed under it.

    python -m benchmarks.reading_under_fire [--subjects 61] [--cases 111] [--readers 3] [--kills 5] [--repeats 0.1]
        [--fires clock store disk] [--plant restart | clock | store | disk]

PostgreSQL, Redis, a worker and the web server run as in production; simulated readers open the reading room, fetch
frames and answer, each in a thread of its own, and send again what was not answered, as the browser does. On the way
web server, database and Redis are killed in turn (SIGKILL) and come back, and the database is restarted. Then the fires
of `benchmarks/fires.py` are lit. Afterwards every answer must be there once and in the order of the schedule, sides
balanced to ±1, the log unbroken, no request answered by 500. Exit status 1 if not.

With --plant the site has a fault that the fire of this name must find: exit status 0 if it does.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
if not apps.ready:
    django.setup()

from benchmarks import fires
from readerstudy.home.simulation import SimulatedReader
from tests import postgresql
from tests.site_process import Answer, Browserless, Site

PASSWORD = "a long password"
PATIENCE = 120  # seconds for which one request is sent again
TARGETS = ("web", "database", "redis", "restart")
FIRES = ("clock", "store", "disk")

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
small = factories.open_(with_pixels(factories.make_study(subjects=1, title="Small")))
draft = factories.make_study(subjects=0, title="Draft")
names = lambda study, role: study.memberships.get(role=role).user.username
people = {{"draft": draft.slug, "admin": names(draft, "admin"), "small": small.slug, "reader": names(small, "reader")}}
made = {{"slug": study.slug, "readers": list(readers), "pairs": study.presentations.count(), "people": people}}
print(json.dumps(made))
"""
LOOK = """
import json
from collections import Counter
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
from readerstudy.reading.planning import plan
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
        self.person, self.again, self.broken, self.longest = person, 0, 0, 0.0

    def _until_answered(self, method: str, *arguments, **named) -> Answer:
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                answer = getattr(self.person, method)(*arguments, **named)
                if answer.status_code < 500:
                    self.longest = max(self.longest, time.monotonic() - began)
                    return answer
                problem = str(answer.status_code)
                self.broken += answer.status_code == 500
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
    """SIGKILL, or for `restart` an orderly end; web server and Redis are started again by the supervisor, the database
    by us. Processes ended."""
    if target == "restart":
        database.stop()
        database.start()
        return 1
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


def run(
    *,
    subjects: int,
    cases: int,
    readers: int,
    kills: int,
    repeats: float,
    lit: Sequence[str] = FIRES,
    plant: str = "",
    say: Callable[[str], object] = print,
) -> dict:
    """Numbers of what was found afterwards; every key but those in lower case words of fact should be 0."""
    with tempfile.TemporaryDirectory() as folder, postgresql.server() as database, ExitStack() as stack:
        places = {name: Path(folder, name) for name in ("var", "checkout", *FIRES)}
        for place in places.values():
            place.mkdir()
        has_disk = "disk" in lit and stack.enter_context(fires.small_disk(places["var"]))
        site = Site(places["var"])
        site.env["DATABASE_URL"] = database.url
        if plant:
            site.root = fires.planted(places["checkout"], plant)
        began = time.monotonic()
        site.start()
        try:
            code = MAKE.format(subjects=subjects, cases=cases, readers=readers, repeats=repeats)
            made = fires.said(site, code)
            say(f"{made['pairs']:,} pairs scheduled after {time.monotonic() - began:.0f} s")
            threads, killed = read(site, database, made, kills, say)
            found: dict = {}
            if "clock" in lit:
                found |= fires.clock_ahead(site, made["people"]["draft"], places["clock"])
            if "store" in lit:
                found |= fires.second_store(site, made["people"]["draft"], places["store"])
            if has_disk:
                found |= fires.full_disk(site, made["people"], PASSWORD)
            elif "disk" in lit:
                say("No disk was filled: this account may not mount one.")
            found |= fires.said(site, LOOK.format(slug=made["slug"]))
            say(site.manage("verify_audit", made["slug"]).strip())
        finally:
            site.stop()
    return {
        **found,
        "kills left over": kills - len(killed),
        "requests answered by 500": sum(thread.client.broken for thread in threads),
        "readers that gave up": sum(bool(thread.error) for thread in threads),
        "errors": [thread.error for thread in threads if thread.error],
        "killed": killed,
    }


def read(site: Site, database: postgresql.Server, made: dict, kills: int, say: Callable[[str], object]):
    """All readers at work, while one thing after another is ended under them; their threads, and what was ended."""
    began = time.monotonic()
    threads = [Reading(site, made["slug"], name) for name in made["readers"]]
    for thread in threads:
        thread.start()
    at = [made["pairs"] * (n + 1) / (kills + 1) for n in range(kills)]
    killed: list[str] = []
    while any(thread.is_alive() for thread in threads):
        if at and sum(thread.confirmed for thread in threads) >= at[0]:
            at.pop(0)
            target = TARGETS[len(killed) % len(TARGETS)]
            count = kill(target, site, database)
            killed.append(target)
            say(f"{time.monotonic() - began:.0f} s: {target} ended ({count} processes)")
        time.sleep(0.1)
    again = sum(thread.client.again for thread in threads)
    longest = max(thread.client.longest for thread in threads)
    seconds = time.monotonic() - began
    say(f"read in {seconds:.0f} s; {again} requests sent again, the longest wait for an answer {longest:.1f} s")
    return threads, killed


FACTS = {"ratings", "errors", "killed"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=61)
    parser.add_argument("--cases", type=int, default=111)
    parser.add_argument("--readers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--repeats", type=float, default=0.1)
    parser.add_argument("--fires", dest="lit", nargs="*", choices=FIRES, default=FIRES)
    parser.add_argument("--plant", choices=fires.PLANTS, default="")
    options = vars(parser.parse_args())
    found = run(**options, say=lambda text: print(text, flush=True))
    for name, value in found.items():
        print(f"{name}: {value}")
    wrong = any(value for name, value in found.items() if name not in FACTS)
    return int(wrong != bool(options["plant"]))


if __name__ == "__main__":
    sys.exit(main())
