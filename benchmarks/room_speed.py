"""How long a reader waits in the reading room: first images, whole pair, the next pair.

    python -m benchmarks.room_speed [--runs 3] [--mbit 100] [--delay 20] [--series FILE] [--peer FOLDER]
        [--checkout FOLDER]

A site runs with pairs of 30 slices of 512 × 512: those of a series, cut or repeated, else a phantom. Chromium opens the
room over a line of the given width and delay, cold (nothing kept from before) and warm (scripts kept), and goes from
pair to pair. First images: from the click to both seen; ready: until they can be rated, scrolled, windowed; whole pair:
until its last frame is unpacked; switch: from
Space to the next pair painted, all of it fetched ahead. In turn with it, on the same machine: --peer, a plain
Cornerstone3D page with the same slices as HTJ2K (`benchmarks/room_peer`), which is built in that folder; --checkout,
another checkout of this repository.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks import room_peer
from processing.pair import decode
from tests import chromium
from tests.site_process import Site

ROOT = Path(__file__).resolve().parent.parent
SESSION = "sessionid"
MAKE = """
import json
import numpy as np
from django.conf import settings
from django.test import Client
from tests import factories, pixels
if "{series}":
    from processing.series import read
    from processing.volume import Volume
    found = read("{series}")
    rows, columns = (np.resize(np.r_[:n, n - 1:-1:-1], 512) for n in found.shape[1:])
    through = np.resize(np.r_[:found.shape[0], found.shape[0] - 1:-1:-1], 30)
    real = found.array[np.ix_(through, rows, columns)]
    pixels.volume = lambda noise, seed, shape: Volume(np.roll(real, seed, axis=0), np.diag([0.5, 0.5, 4.0, 1.0]))
study = factories.make_study(subjects={cases}, readers=1, title="Speed")
study.require_all_slices = False
study.save()
study = factories.open_(pixels.with_pixels(study, (30, 512, 512)))
client = Client()
client.force_login(study.memberships.get(role="reader").user)
pair = study.pairs.first()
print(json.dumps({{"slug": study.slug, "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
                  "bytes": pair.offsets[-1]}}))
"""
# By the page's clock: the animation frame in which something visible is on both sides, looked at alike on every page;
# each time that the room can be read in; each Space.
WATCH = """
window.firstSeen = null;
window.painted = [];
window.spaced = [];
const glance = new OffscreenCanvas(4, 4).getContext("2d", { willReadFrequently: true });
const isDrawn = (canvas) => {
  if (!canvas.width || !canvas.checkVisibility({ visibilityProperty: true })) return false;
  glance.clearRect(0, 0, 4, 4);
  glance.drawImage(canvas, 0, 0, 4, 4);
  return glance.getImageData(0, 0, 4, 4).data.some((value, at) => at % 4 < 3 && value > 0);
};
const look = () => {
  const sides = ["left", "right"].map((side) => [...document.querySelectorAll(`[id$=${side}] canvas`)]);
  if (sides.every((side) => side.some(isDrawn))) window.firstSeen = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
window.unpacked = [];
const { addEventListener: listen } = Worker.prototype;
Worker.prototype.addEventListener = function (name, listener) {
  listen.call(this, name, (event) => {
    listener.call(this, event);
    if (event.data?.frame) window.unpacked.push(performance.now());
  });
};
addEventListener("keydown", (event) => event.key === " " && window.spaced.push(performance.now()), true);
document.addEventListener("DOMContentLoaded", () => {
  const panes = ["left", "right"].map((side) => document.getElementById(`pane-${side}`));
  if (!panes[0]) return;
  let before = false;
  new MutationObserver(() => {
    const now = panes.every((pane) => pane.dataset.ready === "true");
    if (now && !before) window.painted.push(performance.now());
    before = now;
  }).observe(document.getElementById("room"), { attributes: true, subtree: true, attributeFilter: ["data-ready"] });
});
performance.setResourceTimingBufferSize(10000);
"""
KEYS = (*"33333333", "q", "w")


def on_line(context: BrowserContext, mbit: float, delay: float) -> Page:
    """A new page on a line of this width and delay in ms."""
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    rate = {"downloadThroughput": mbit * 1e6 / 8, "uploadThroughput": mbit * 1e6 / 8}
    line.send("Network.emulateNetworkConditions", {"offline": False, "latency": delay, **rate})
    return page


def seconds(page: Page, wanted: dict[str, str]) -> dict[str, float]:
    """What the page noted in ms, by name."""
    return {name: page.evaluate(place) / 1e3 for name, place in wanted.items()}


class Peer:
    """The plain page with the slices of a room's first pair."""

    def __init__(self, folder: Path, room: Room) -> None:
        built = room_peer.build(folder)
        frames = [room.frame(number) for number in range(30)]
        size = room_peer.write_slices(built, [decode(frame, room.pair["geometry"]) for frame in frames])
        self.room, self.server = room, room_peer.serve(built)
        scripts = sum(len(gzip.compress(path.read_bytes())) for path in (built / "assets").glob("index-*.js"))
        self.says = f"a pair {size / 1e6:.2f} MB, script {scripts / 1e3:.0f} kB gzip"

    def close(self) -> None:
        self.server.shutdown()

    def context(self) -> BrowserContext:
        context = self.room.browser.new_context(viewport={"width": 1280, "height": 720})
        context.add_init_script(WATCH)
        return context

    def open(self, context: BrowserContext) -> tuple[Page, dict[str, float]]:
        page = on_line(context, self.room.mbit, self.room.delay)
        page.goto(f"http://127.0.0.1:{self.server.server_port}/")
        page.wait_for_function("() => window.loaded?.length > 0", timeout=120_000)
        return page, seconds(page, {"first images": "window.firstSeen", "whole pair": "window.loaded[0]"})


class Room:
    """The room of one checkout, in a browser on a slow line. made_of: what `make` has places for."""

    make = MAKE

    def __init__(self, checkout: Path, browser: Browser, *, mbit: float, delay: float, **made_of: object) -> None:
        self.browser, self.mbit, self.delay = browser, mbit, delay
        self.folder = tempfile.TemporaryDirectory()
        self.site = Site(Path(self.folder.name))
        self.site.root = checkout
        self.site.start()
        self.made = json.loads(self.site.python(self.make.format(**made_of)).splitlines()[-1])
        script = (checkout / "static/viewer/room.js").read_bytes()
        self.says = f"a pair {self.made['bytes'] / 1e6:.2f} MB, script {len(gzip.compress(script)) / 1e3:.0f} kB gzip"

    def _get(self, path: str) -> bytes:
        address = f"{self.site.url}/studies/{self.made['slug']}/reading/{path}"
        with urlopen(Request(address, headers={"Cookie": f"{SESSION}={self.made['session']}"})) as answer:
            return answer.read()

    @cached_property
    def pair(self) -> dict:
        return json.loads(self._get("current/"))

    def frame(self, number: int) -> bytes:
        return self._get(f"{self.pair['token']}/frames/{number}/")

    def close(self) -> None:
        self.site.stop()
        self.folder.cleanup()

    def context(self) -> BrowserContext:
        context = self.browser.new_context(viewport={"width": 1280, "height": 720})
        context.add_init_script(WATCH)
        context.add_cookies([{"name": SESSION, "value": self.made["session"], "url": self.site.url}])
        return context

    def open(self, context: BrowserContext) -> tuple[Page, dict[str, float]]:
        """The room, and what opening it took, in seconds."""
        page = on_line(context, self.mbit, self.delay)
        page.goto(f"{self.site.url}/studies/{self.made['slug']}/reading/room/")
        page.wait_for_function("() => window.firstSeen && window.painted.length > 0", timeout=120_000)
        # The first that are unpacked: the next pair is not asked for before.
        page.wait_for_function("() => window.unpacked.length >= 30", timeout=120_000)
        wanted = {"first images": "window.firstSeen", "ready": "window.painted[0]", "whole pair": "window.unpacked[29]"}
        return page, seconds(page, wanted)

    def until_ahead(self, page: Page) -> None:
        """Wait for all that is fetched ahead."""
        frames = "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/frames/')).length"
        before, still = -1, 0
        while still < 4:  # nothing more comes
            now = page.evaluate(frames)
            still = still + 1 if now == before else 0
            before = now
            page.wait_for_timeout(250)

    def switch(self, page: Page) -> float:
        """Answer the pair on screen, of which the next ones are there, and go to the next; in seconds."""
        self.until_ahead(page)
        for key in KEYS:
            page.keyboard.press(key)
        page.wait_for_timeout(700)
        count = page.evaluate("() => window.painted.length")
        page.keyboard.press("Space")
        page.wait_for_function("(count) => window.painted.length > count", arg=count, timeout=60_000)
        painted, spaced = page.evaluate("() => [window.painted.at(-1), window.spaced.at(-1)]")
        return (painted - spaced) / 1e3


def run(checkouts: list[Path], *, runs: int, switches: int, peer: Path | None, say=print, **line) -> None:
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    with chromium.launched(chromium.find() or "chromium") as browser:
        cases = -(-(switches + 4) // 3)
        rooms = {checkout.name: Room(checkout, browser, cases=cases, **line) for checkout in checkouts}
        pages: dict[str, Room | Peer] = {**rooms}
        if peer:
            pages["peer"] = Peer(peer, next(iter(rooms.values())))
        try:
            for _ in range(runs):
                for name, one in pages.items():
                    context = one.context()
                    for kind in ("cold", "warm"):
                        page, took = one.open(context)
                        for what, seconds in took.items():
                            waits[name, f"{what}, {kind}"].append(seconds)
                        page.close()
                    context.close()
            open_rooms = {name: room.open(room.context())[0] for name, room in rooms.items()}
            for _ in range(switches):
                for name, room in rooms.items():
                    waits[name, "switch"].append(room.switch(open_rooms[name]))
        finally:
            for one in pages.values():
                one.close()
    for name, one in pages.items():
        say(f"{name}: {one.says}")
        for (whose, what), some in waits.items():
            if whose == name:
                p90 = sorted(some)[int(0.9 * (len(some) - 1))]
                say(f"  {what:20} median {statistics.median(some):.3f} s, 90th percentile {p90:.3f} s, n {len(some)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--switches", type=int, default=8)
    parser.add_argument("--mbit", type=float, default=100)
    parser.add_argument("--delay", type=float, default=20)
    parser.add_argument("--series", default="")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--checkout", type=Path, action="append", default=[])
    given = vars(parser.parse_args())
    run([ROOT, *given.pop("checkout")], **given, say=lambda text: print(text, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
