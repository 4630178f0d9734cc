"""Simulated readers: they open the reading room, fetch frames and rate through the real routes, and see no more
than a person does.

For the demonstration, for trying out a protocol, and as a test of the whole path. Their preferences come from
the pixels that they are served, with a reader's own threshold and slips.
"""

import json
import math
import random
import re
import uuid
import zlib
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from processing.pair import decode
from processing.simulate.observer import evidence
from readerstudy.accounts.models import Membership

# How much a criterion follows noise and sharpness; the rest is chance.
WEIGHTS = {"SNR": (1.0, 0.0), "Resolution": (0.05, 0.4), "Artifacts": (0.4, 0.0)}
OTHER = (0.12, 0.2)
AXES = {"i": "columns", "j": "rows", "k": "slices"}
# What a pair begins with on screen but for its slice (`analysis/viewing_log.py`).
SCREEN = "v- k1 w100,50 i0 z100,0,0 c0 e- t- f1"


class SimulatedReader:
    """Reads one study at `base` (/studies/<slug>/reading/) through `client`: Django's test client, or anything
    with the same get, put and post. The seed makes its taste and its slips reproducible."""

    def __init__(self, client, base: str, seed: str) -> None:
        self.client, self.base = client, base
        self.random = random.Random(seed)  # noqa: S311  reproducible on purpose
        self.threshold = self.random.uniform(0.4, 0.55)
        self.on: dict | None = None  # state and revision of the pair, as the server said last
        self._take_briefing()
        page = self.client.get(self.base + "room/")
        if page.status_code != 200:
            raise RuntimeError(f"The reading room does not open: {page.status_code}.")
        config = re.search(r'<script id="config" type="application/json">(.*?)</script>', page.content.decode(), re.S)
        if config is None:
            raise RuntimeError("The reading room opens without its configuration.")
        self.config = json.loads(config[1])
        self.names = {criterion["id"]: criterion["name"] for criterion in self.config["criteria"]}

    def _take_briefing(self) -> None:
        """Say that it has read what people read first."""
        page = self.client.get(self.base + "briefing/")
        if version := re.search(r'name="version" value="(\w+)"', page.content.decode()):
            self.client.post(self.base + "briefing/", {"version": version[1]})

    @classmethod
    def of(cls, member: Membership, *, seed: int) -> "SimulatedReader":
        """The reader behind a membership, signed in without a password, in this process."""
        client = Client(headers={"host": "localhost"})
        client.force_login(member.user)
        base = reverse("current", args=[member.study.slug]).removesuffix("current/")
        return cls(client, base, f"{seed}:{member.code}")

    def read_all(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Rate every pair that is left. Returns how many."""
        body = self.client.get(self.base + "current/").json()
        count = 0
        while not body.get("finished"):
            if body.get("briefing"):
                self._take_briefing()
                body = self.client.get(self.base + "current/").json()
                continue
            if body.get("last_look"):
                body = self._send("post", "finish/")
                continue
            self.on = body["on"]
            body = self._guess(body) if "guess" in body else self._read(body)
            count += 1
            if progress:
                progress(body["confirmed"], body["total"])
        return count

    def _send(self, method: str, path: str, **data) -> dict:
        data["key"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        data["on"] = self.on
        answer = getattr(self.client, method)(self.base + path, data, content_type="application/json")
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content[:200]!r}")
        said = answer.json()
        self.on = said.get("on", self.on)
        return said

    def _read(self, body: dict) -> dict:
        token, geometry = body["token"], body["geometry"]
        # The middle slice comes first; a person looks longer, a model observer needs no more.
        answer = self.client.get(f"{self.base}{token}/frames/{body['order'][0]}/")
        if answer.status_code != 200:
            raise RuntimeError(f"An image does not come: {answer.status_code} {answer.content[:200]!r}")
        frame = answer.content
        noise, edges = self._look(*decode(frame, geometry))
        for criterion in body["criteria"]:
            if str(criterion) not in body["answers"]["ratings"]:
                score = self._score(self.names[criterion], noise, edges)
                self._send("put", f"{token}/ratings/{criterion}/", score=score, status="rated")
        self._answer_whole(body["answers"], token, geometry)
        seconds = round(self.random.lognormvariate(3.4, 0.35), 1)
        self._send("post", f"{token}/time/", seconds=seconds)
        self._leave_log(body, seconds)
        every = list(range(body["frames"]))  # it says that it saw what it had no need to fetch
        return self._send("post", f"{token}/confirm/", seen={"left": every, "right": every})

    def _leave_log(self, body: dict, seconds: float) -> None:
        """Tell of a look through the stack, up and down once, and of the answers after it, as the room does."""
        middle, last = body["order"][0], body["frames"] - 1
        path = [*range(middle - 1, -1, -1), *range(1, last + 1)]
        asked = len(body["criteria"]) + self.config["ask_integrity"] + self.config["ask_diagnostic"]
        step = max(1, round(4 * seconds / (len(path) + asked)))
        changes = [*(f"s{at}" for at in path), *(f"n{count + 1}" for count in range(asked))]
        entries = ";".join([f"0 s{middle} {SCREEN} n0", *(f"{step} {change}" for change in changes)])
        said = {
            "visit": str(uuid.uuid5(uuid.NAMESPACE_OID, body["token"])),
            "number": 0,
            "entries": entries,
            "end": f"s{(path or [middle])[-1]} {SCREEN} n{asked}",
            "checksum": zlib.crc32(f"{entries}\n".encode()),
        }
        answer = self.client.post(f"{self.base}{body['token']}/viewing/", said, content_type="application/json")
        if answer.status_code >= 300:
            raise RuntimeError(f"The log is refused: {answer.status_code} {answer.content[:200]!r}")

    def _look(self, left, right) -> tuple[float, float]:
        """How much less noise and how much sharper edges the right image has."""
        return evidence(left, right)

    def _guess(self, body: dict) -> dict:
        side = self.random.choices(["left", "right", "unknown"], [1, 1, 2])[0]
        return self._send("post", f"{body['token']}/guess/", side=side)

    def _score(self, name: str, noise: float, edges: float) -> int:
        # Sensation grows more slowly than its cause (Stevens): twice the difference is not felt twice as strong.
        felt = self.random.gauss(0, 0.22)
        for weight, cause in zip(WEIGHTS.get(name, OTHER), (noise, edges), strict=True):
            felt += weight * math.copysign(math.sqrt(abs(cause)), cause)
        steps = [-2.8 * self.threshold, -self.threshold, self.threshold, 2.8 * self.threshold]
        return 1 + sum(felt > step for step in steps)

    def _answer_whole(self, answers: dict, token: str, geometry: dict) -> None:
        if self.config["ask_integrity"] and not answers["integrity"]:
            found = self.random.random() < 0.02
            if found:
                place = {name: self.random.randrange(geometry[size]) for name, size in AXES.items()}
                kind, side = self.random.choice(["loss", "alteration"]), self.random.choice(["left", "right"])
                self._send("post", f"{token}/findings/", kind=kind, side=side, remark="simulated", **place)
            self._send("put", f"{token}/integrity/", value="findings" if found else "none")
        if self.config["ask_diagnostic"] and not answers["diagnostic"]:
            self._send("put", f"{token}/diagnostic/", value="both")


class ChanceReader(SimulatedReader):
    """Answers by chance and does not look: what it says tells nothing of the images, only that the way works."""

    def _look(self, left, right) -> tuple[float, float]:
        return self.random.uniform(-0.6, 0.6), self.random.uniform(-0.6, 0.6)
