"""What the wire tells of a whole study: every pair in both orders, and a guesser that sees everything but pixels.

    python -m benchmarks.blinding [--pairs 300]

A site runs with a study of that many pairs. Chromium opens each pair twice, with its sides swapped in the database
between; its network log must be the same but for pixels, padding, tokens and moments. Then logistic regression and
the best single threshold guess, from the sizes, order and timing of one order of each pair, on which side the first
arm stands, cross-validated by pair; the exact interval of the share of correct guesses must hold 0.5. The same guesser
is given the sizes that the two images would have had as files of their own, to show that it can find what is there.
Exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from analysis.statistics.proportions import binomial
from processing.pair import decode
from tests import chromium
from tests.site_process import Site, running_site
from tests.telling import tells
from tests.wire import WATCH_DRAWING, Received, Wire

PASSWORD = "a long password"
MAKE = """
import json
from tests import factories
from tests.pixels import with_pixels
study = factories.make_study(subjects={cases}, readers=1, title="Blinding")
study = factories.open_(with_pixels(study))
rows = study.presentations.order_by("position").values_list("pk", "token", "first_side")
words = [arm.code for arm in study.arms.all()] + list(study.series.values_list("sha256", flat=True))
reader = study.memberships.get(role="reader").user.username
print(json.dumps({{"slug": study.slug, "reader": reader, "rows": list(rows), "words": words}}))
"""


def sign_in(page: Page, name: str) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def look(page: Page, wire: Wire, path: str, token: str) -> list[Received]:
    """Open the room and wait until both images and all frames are there; what was received for this pair.

    A busy machine's browser now and then loses an event of its log: then the pair is opened again.
    """
    for _ in range(3):
        if received := _look(page, wire, path, token):
            return received
    raise RuntimeError(f"The frames of {token} did not arrive: {wire.urls}")


def _look(page: Page, wire: Wire, path: str, token: str) -> list[Received]:
    wire.start_afresh()
    page.goto(path)
    page.wait_for_selector("#pane-left[data-ready=true]", timeout=60_000)
    count = page.evaluate("() => Number(document.querySelector('.pos span').textContent)")
    deadline = time.monotonic() + 15
    while wire.frames(token) < count:
        if time.monotonic() > deadline:
            return []
        page.wait_for_timeout(10)
    return wire.of(token)


def set_row(site: Site, pk: int, **values: str) -> None:
    """Change one presentation in the database, past the site."""
    sets = ", ".join(f"{name} = ?" for name in values)
    with sqlite3.connect(site.var / "db.sqlite3", timeout=60) as connection:
        connection.execute(f"UPDATE reading_presentation SET {sets} WHERE id = ?", (*values.values(), pk))


def features(received: list[Received]) -> np.ndarray:
    """Sizes, places in the order and times of every answer, in the order of asking."""
    frames = [one for one in received if "/frames/" in one.address]
    began = received[0].asked_at
    rows = [len(received), sum(one.body_bytes for one in frames), frames[-1].last_at - began]
    for place, one in enumerate(received):
        rows += [place, one.header_bytes, one.body_bytes, one.answered_at - one.asked_at, one.last_at - began]
    return np.array(rows, float)


def separate_sizes(page: Page, base: str, token: str) -> np.ndarray:
    """Sizes of the two images of each frame, each compressed as a file of its own."""
    body = page.request.get(f"{base}current/").json()
    sizes = []
    for index in body["order"]:
        frame = page.request.get(f"{base}{token}/frames/{index}/").body()
        left, right = decode(frame, body["geometry"])
        sizes += [len(zlib.compress(np.diff(side, axis=1).tobytes())) for side in (left, right)]
    return np.array(sizes, float)


def logistic(x: np.ndarray, y: np.ndarray, new: np.ndarray, *, ridge: float = 1.0, steps: int = 25) -> np.ndarray:
    """Ridge logistic regression by Newton steps; which of the new rows are of class 1."""
    centre, spread = x.mean(axis=0), x.std(axis=0) + 1e-12
    one, other = ((np.column_stack([np.ones(len(rows)), (rows - centre) / spread])) for rows in (x, new))
    weights = np.zeros(one.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(one @ weights, -30, 30)))
        slope = one.T @ (p - y) + ridge * weights
        curve = (one * (p * (1 - p))[:, None]).T @ one + ridge * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    return other @ weights > 0


def stump(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The one feature and threshold that tell the classes apart best."""
    best = (0.0, 0, 0.0, True)
    for column in range(x.shape[1]):
        for threshold in np.unique(np.quantile(x[:, column], np.linspace(0.05, 0.95, 19))):
            share = float(((x[:, column] > threshold) == y).mean())
            best = max(best, (share, column, threshold, True), (1 - share, column, threshold, False))
    _, column, threshold, above = best
    return (new[:, column] > threshold) == above


def guess(x: np.ndarray, y: np.ndarray, *, seed: int = 0, folds: int = 10) -> dict[str, int]:
    """Correct guesses of each guesser, cross-validated."""
    order = np.random.default_rng(seed).permutation(len(y))
    hits = dict.fromkeys(("logistic regression", "best threshold"), 0)
    for fold in range(folds):
        out = order[fold::folds]
        rest = np.setdiff1d(order, out)
        for name, guesser in zip(hits, (logistic, stump), strict=True):
            hits[name] += int((guesser(x[rest], y[rest], x[out]) == y[out]).sum())
    return hits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=300)
    pairs = parser.parse_args().pairs
    path = chromium.find()
    if path is None:
        sys.exit("There is no Chromium: apt-get install chromium")
    chance = random.Random(0)
    differing, named, apart, drawn, seen, alone, sides = [], set(), 0, 0, [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_site(Path(folder)) as site,
        chromium.launched(path) as browser,
    ):
        made = json.loads(site.python(MAKE.format(cases=-(-pairs // 3))).splitlines()[-1])
        base = f"/studies/{made['slug']}/reading/"
        context = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=site.url)
        context.add_init_script(WATCH_DRAWING)
        page = context.new_page()
        sign_in(page, made["reader"])
        page.goto(f"{base}room/")  # the browser's cache holds the static files from here on
        wire = Wire(page)
        for number, (pk, token, first_side) in enumerate(made["rows"][:pairs]):
            both = {}
            for side in chance.sample(["left", "right"], 2):
                set_row(site, pk, first_side=side)
                both[side] = look(page, wire, f"{base}room/", token)
                text = "".join(one.body for one in both[side]) + page.content()
                named |= set(tells(made["words"], text))
                frames: dict[float, set[str]] = {}
                for frame, pane in page.evaluate("() => window.drawn"):
                    frames.setdefault(frame, set()).add(pane)
                drawn += len(frames)
                apart += sum(len(panes) != 2 for panes in frames.values())
            if [one.tells for one in both["left"]] != [one.tells for one in both["right"]]:
                differing.append(number + 1)
            set_row(site, pk, first_side=first_side)
            seen.append(features(both[first_side]))
            alone.append(separate_sizes(page, site.url + base, token))
            sides.append(first_side == "left")
            set_row(site, pk, state="confirmed", confirmed_at="2026-01-01 00:00:00")
            if (number + 1) % 50 == 0:
                print(f"{number + 1} pairs", flush=True)
        context.close()
    y = np.array(sides)
    print(f"{pairs} pairs in both orders: {len(differing)} differ in anything but pixels, padding, tokens and moments")
    print(f"names of arms or hashes of series received: {sorted(named) or 'none'}")
    print(f"{drawn} animation frames drew a pane; {apart} drew one side without the other")
    failed = bool(differing or named or apart)
    for what, rows, wanted in (("the wire", seen, False), ("images as files of their own", alone, True)):
        for name, hits in guess(np.array(rows), y).items():
            result = binomial(hits, len(y))
            low, high = result.ci
            print(f"{what}, {name}: {hits} of {len(y)} correct ({hits / len(y):.3f}; 95 % {low:.3f} to {high:.3f})")
            failed |= not wanted and not low <= 0.5 <= high
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
