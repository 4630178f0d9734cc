"""Simulated readers: they sign in, fetch frames and rate through the real routes, and see no more than a person.

For the demonstration, for trying out a protocol, and as a test of the whole path. Their preferences come from
the pixels that they are served, with a reader's own threshold and slips.
"""

import random
import uuid
from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from processing.pair import decode_frame

from processing.observer import evidence
from readerstudy.accounts.models import Membership

# How much a criterion follows noise and sharpness; the rest is chance.
WEIGHTS = {
    "snr": (1.0, 0.0),
    "resolution": (0.15, 0.8),
    "artifacts": (0.5, 0.0),
}
OTHER = (0.25, 0.3)


class SimulatedReader:
    """One reader of one open study. `client` may be Django's, or anything with the same get, put and post."""

    def __init__(self, member: Membership, seed: int, client: Client | None = None) -> None:
        self.member = member
        self.random = random.Random(f"{seed}:{member.code}")  # noqa: S311  reproducible on purpose
        self.threshold = self.random.uniform(0.28, 0.45)
        if client is None:
            client = Client(headers={"host": "localhost"})
            client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
        self.client = client
        self.base = reverse("current", args=[member.study.slug]).removesuffix("current/")

    def _send(self, method: str, path: str, **data) -> dict:
        data["key"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        answer = getattr(self.client, method)(self.base + path, data, content_type="application/json")
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content[:200]!r}")
        return answer.json()

    def read_all(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Rate every pair that is left. Returns how many."""
        page = self.client.get(self.base + "room/")
        if page.status_code != 200:
            raise RuntimeError(f"The reading room does not open: {page.status_code}.")
        body = self.client.get(self.base + "current/").json()
        count = 0
        while not body.get("finished"):
            body = self._read(body)
            count += 1
            if progress:
                progress(body["confirmed"], body["total"])
        return count

    def _read(self, body: dict) -> dict:
        token, geometry = body["token"], body["geometry"]
        for index in range(body["frames"]):
            frame = self.client.get(f"{self.base}{token}/frames/{index}/").content
            if index == 0:  # the middle slice comes first; a person looks longer, a model needs no more
                noise, edges = evidence(*decode_frame(frame, geometry["rows"], geometry["columns"]))
        codes = {c.pk: c.code for c in self.member.study.criteria.all()}
        for criterion in body["criteria"]:
            if str(criterion) not in body["answers"]["ratings"]:
                score = self._score(codes[criterion], noise, edges)
                self._send("put", f"{token}/ratings/{criterion}/", score=score, status="rated")
        self._answer_whole(body, token, geometry)
        self._send("post", f"{token}/time/", seconds=round(self.random.lognormvariate(3.4, 0.35), 1))
        return self._send("post", f"{token}/confirm/")

    def _score(self, code: str, noise: float, edges: float) -> int:
        weight_noise, weight_edges = WEIGHTS.get(code, OTHER)
        felt = weight_noise * noise + weight_edges * edges + self.random.gauss(0, 0.12)
        steps = [-3 * self.threshold, -self.threshold, self.threshold, 3 * self.threshold]
        return 1 + sum(felt > step for step in steps)

    def _answer_whole(self, body: dict, token: str, geometry: dict) -> None:
        room = self.member.study
        if room.ask_integrity and not body["answers"]["integrity"]:
            found = self.random.random() < 0.02
            if found:
                place = {name: self.random.randrange(geometry[size]) for name, size in AXES.items()}
                kind, side = self.random.choice(["loss", "alteration"]), self.random.choice(["left", "right"])
                self._send("post", f"{token}/findings/", kind=kind, side=side, remark="simulated", **place)
            self._send("put", f"{token}/integrity/", value="findings" if found else "none")
        if room.ask_diagnostic and not body["answers"]["diagnostic"]:
            self._send("put", f"{token}/diagnostic/", value="both")


AXES = {"i": "columns", "j": "rows", "k": "slices"}
