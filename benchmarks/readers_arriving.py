"""Many readers arrive at once: how long do they wait for their pair, and for an answer to be kept?

    python -m benchmarks.readers_arriving [--readers 200] [--seconds 60] [--cases 20] [--shape 30 512 512]
        [--mbit 1000] [--checkout FOLDER]

PostgreSQL, Redis and the web server run as in production, on the cores that are here, which the readers below use too.
Readers who are signed in arrive evenly within the given time. Each opens the reading room, asks for the current pair,
fetches its frames four at a time, the middle one first, and then the three next pairs two frames at a time, of which it
says that they may wait, as the browser does; meanwhile it rates a criterion every second and a half and confirms. All
frames go through one line of the given width, as the server's own would be. Every answer must be there once in the
end, and the log unbroken; exit status 1 if not. --checkout: serve another checkout of this repository, to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from pathlib import Path

import psutil

from tests import postgresql
from tests.site_process import ROOT, Site

BETWEEN_ANSWERS = 1.5  # seconds
WIDTH = {"frame": 4, "frame ahead": 2}  # frontend/src/room/room.js
LATER = "Priority: u=6\r\n"  # frontend/src/room/api.js
CSRF = "c" * 32

MAKE = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from readerstudy.accounts.models import User
from readerstudy.accounts.services import add_member
from tests import factories
from tests.pixels import with_pixels
study = factories.make_study(subjects={cases}, readers=1, title="Arrival")
case = study.cases.first()
study.cases.exclude(pk=case.pk)
one = study.memberships.get(role="reader").user
for number in range(1, {readers}):
    # The first one's password: 200 hashes would take minutes.
    user = User.objects.create(username=f"arriving-{{number}}", password=one.password)
    add_member(study=study, user=user, role="reader")
class First:  # the pixels of one case serve all: what is asked for is a matter of rows
    pk, cases, events = study.pk, study.cases.filter(pk=case.pk), study.events
from unittest import mock
with mock.patch("tests.pixels.log_as_is"):
    with_pixels(First, {shape})
for pair in study.pairs.exclude(case=case):
    same = study.pairs.get(case=case, comparison=pair.comparison)
    for name in ("geometry", "order", "offsets", "first_left_sha256", "first_right_sha256"):
        setattr(pair, name, getattr(same, name))
    pair.save()
study = factories.open_(study)
sessions = {{}}
for member in study.memberships.filter(role="reader").select_related("user"):
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session.update({{SESSION_KEY: str(member.user_id), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: member.user.get_session_auth_hash()}})
    session.save()
    sessions[member.code] = session.session_key
print(json.dumps({{"slug": study.slug, "sessions": sessions, "pairs": study.presentations.count()}}))
"""
LOOK = """
import json
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
study = ReaderStudy.objects.get(slug="{slug}")
ratings = Rating.objects.filter(presentation__study=study)
print(json.dumps({{
    "keys": [str(key) for key in ratings.values_list("key", flat=True)],
    "confirmed": study.presentations.filter(state="confirmed").count(),
}}))
"""


class Cable:
    """What all frames share: each takes its time on it, one after the other."""

    def __init__(self, mbit: float) -> None:
        self.seconds_per_byte, self.free_at = 8 / (mbit * 1e6), 0.0

    async def carry(self, count: int) -> None:
        now = time.perf_counter()
        self.free_at = max(now, self.free_at) + count * self.seconds_per_byte
        await asyncio.sleep(self.free_at - now)


class Line:
    """One connection of a browser, kept open while the server keeps it."""

    def __init__(self, port: int, session: str, code: str) -> None:
        self.port, self.reader, self.writer = port, None, None
        cookies = f"sessionid={session}; csrftoken={CSRF}"
        self.head = f"Host: 127.0.0.1\r\nCookie: {cookies}\r\nX-CSRFToken: {CSRF}\r\nX-Reader: {code}\r\n"

    async def ask(self, method: str, path: str, body: dict | None = None, more: str = "") -> tuple[int, bytes]:
        content = json.dumps(body).encode() if body is not None else b""
        more += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        request = f"{method} {path} HTTP/1.1\r\n{self.head}{more}\r\n".encode() + content
        for _ in range(2):
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**21)
            try:
                self.writer.write(request)
                head = await self.reader.readuntil(b"\r\n\r\n")
                break
            except (asyncio.IncompleteReadError, ConnectionError):  # closed while nothing was asked
                self.close()
        else:
            raise ConnectionError(f"{method} {path}: no answer")
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        said = await self.reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self.close()
        return int(head.split(b" ", 2)[1]), said

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


class Arriving:
    """One reader, from the door to the first confirmed pair."""

    def __init__(self, site: Site, slug: str, code: str, session: str, cable: Cable, waits: dict) -> None:
        self.base, self.cable, self.waits, self.keys, self.on = f"/studies/{slug}/reading/", cable, waits, [], None
        lines = asyncio.Queue()
        for _ in range(5):  # of six that a browser has
            lines.put_nowait(Line(site.port, session, code))
        self.lines = lines

    async def ask(self, what: str, method: str, path: str, body: dict | None = None) -> bytes:
        began = time.perf_counter()
        line = await self.lines.get()
        try:
            status, said = await line.ask(method, self.base + path, body, LATER if what == "frame ahead" else "")
            if what.startswith("frame"):
                await self.cable.carry(len(said))
        finally:
            self.lines.put_nowait(line)
        self.waits[what].append(time.perf_counter() - began)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {said[:200]!r}")
        return said

    async def read(self, delay: float) -> None:
        await asyncio.sleep(delay)
        began = time.perf_counter()
        await self.ask("room", "GET", "room/")
        pair = json.loads(await self.ask("current", "GET", "current/"))
        self.on = pair["on"]
        await self.ask("frame", "GET", f"{pair['token']}/frames/{pair['order'][0]}/")
        self.waits["first image"].append(time.perf_counter() - began)
        answering = asyncio.create_task(self.answer(pair))
        await self.stack("frame", pair, pair["order"][1:])
        self.waits["whole pair"].append(time.perf_counter() - began)
        for token in pair["next"]:
            ahead = json.loads(await self.ask("pair ahead", "GET", f"{token}/"))
            await self.stack("frame ahead", ahead, ahead["order"])
        await answering

    async def stack(self, what: str, pair: dict, order: list[int]) -> None:
        left = list(order)

        async def some() -> None:
            while left:
                await self.ask(what, "GET", f"{pair['token']}/frames/{left.pop(0)}/")

        await asyncio.gather(*(some() for _ in range(WIDTH[what])))

    async def write(self, what: str, method: str, path: str, **said: object) -> str:
        key = str(uuid.uuid4())
        self.on = json.loads(await self.ask(what, method, path, {**said, "key": key, "on": self.on})).get("on", self.on)
        return key

    async def answer(self, pair: dict) -> None:
        token = pair["token"]
        for criterion in pair["criteria"]:
            await asyncio.sleep(BETWEEN_ANSWERS)
            self.keys.append(
                await self.write("rating", "PUT", f"{token}/ratings/{criterion}/", score=3, status="rated")
            )
        await self.write("rating", "PUT", f"{token}/integrity/", value="none")
        await self.write("rating", "PUT", f"{token}/diagnostic/", value="both")
        every = list(range(pair["frames"]))
        await self.write("confirmation", "POST", f"{token}/confirm/", seen={"left": every, "right": every})


async def arrive(
    site: Site, made: dict, seconds: float, cable: Cable
) -> tuple[dict[str, list[float]], list[str], list[str]]:
    """Waits by what was asked for, keys of the ratings that were answered, what went wrong."""
    waits: dict[str, list[float]] = defaultdict(list)
    readers = [Arriving(site, made["slug"], *one, cable, waits) for one in made["sessions"].items()]
    step = seconds / len(readers)
    found = await asyncio.gather(*(one.read(place * step) for place, one in enumerate(readers)), return_exceptions=True)
    return waits, [key for one in readers for key in one.keys], [repr(each) for each in found if each is not None]


def processor(site: Site, database: postgresql.Server) -> dict[str, float]:
    """Seconds of processor that each has used."""
    main = psutil.Process(database.process.pid)
    who = {
        "web server": site.processes("gunicorn"),
        "database": [main, *main.children(recursive=True)],
        "readers": [psutil.Process()],
    }
    return {name: sum(sum(each.cpu_times()[:2]) for each in some) for name, some in who.items()}


def at(waits: list[float], share: float) -> float:
    return sorted(waits)[min(len(waits) - 1, int(share * len(waits)))]


def run(
    *, readers: int, seconds: float, cases: int, shape: tuple[int, ...], mbit: float, checkout: Path, say=print
) -> bool:
    """Whether nothing was lost; says the rest."""
    with tempfile.TemporaryDirectory() as folder, postgresql.server() as database:
        site = Site(Path(folder))
        site.env["DATABASE_URL"], site.root = database.url, checkout
        site.start()
        try:
            made = json.loads(site.python(MAKE.format(readers=readers, cases=cases, shape=shape)).splitlines()[-1])
            say(f"{readers} readers, {made['pairs']:,} pairs")
            before, began = processor(site, database), time.perf_counter()
            waits, keys, errors = asyncio.run(arrive(site, made, seconds, Cable(mbit)))
            took, after = time.perf_counter() - began, processor(site, database)
            found = json.loads(site.python(LOOK.format(slug=made["slug"])).splitlines()[-1])
            say(site.manage("verify_audit", made["slug"]).strip())
        finally:
            site.stop()
    for what, some in waits.items():
        median, p95 = at(some, 0.5), at(some, 0.95)
        say(f"{what:13} {len(some):6,} median {median:7.3f} s  p95 {p95:7.3f} s  most {max(some):7.3f} s")
    used = {name: after[name] - before[name] for name in after}
    each = used["web server"] / sum(map(len, waits.values())) * 1e3
    by = ", ".join(f"{name} {some:.1f} s" for name, some in used.items())
    say(f"{took:.0f} s; processor: {by}; web server {each:.2f} ms a request")
    lost, twice = set(keys) - set(found["keys"]), len(found["keys"]) - len(set(found["keys"]))
    say(f"ratings answered {len(keys)}, lost {len(lost)}, twice {twice}; confirmed {found['confirmed']}")
    say(f"errors {errors[:3]}")
    return not lost and not twice and not errors and found["confirmed"] == readers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--shape", type=int, nargs=3, default=(30, 512, 512), metavar=("SLICES", "ROWS", "COLUMNS"))
    parser.add_argument("--mbit", type=float, default=1000)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    given = vars(parser.parse_args())
    return int(not run(**given | {"shape": tuple(given["shape"])}, say=lambda text: print(text, flush=True)))


if __name__ == "__main__":
    sys.exit(main())
