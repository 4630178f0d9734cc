"""How long a reader waits in the reading room: first images, whole pair, the next pair.

    python -m benchmarks.room_speed [--runs 3] [--mbit 100] [--delay 20] [--noise 25] [--checkout FOLDER]

A site runs with pairs of 30 slices of 512 × 512, a phantom with noise. Chromium opens the room over a line of the given
width and delay, cold (nothing kept from before) and warm (scripts kept), and goes from pair to pair. First images: from
the click to both painted; whole pair: until its last frame has arrived; switch: from Space to the next pair painted,
all of it fetched ahead. --checkout: another checkout of this repository, in turn with this one on the same machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

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
pixels.NOISE = {{name: {noise} * (1 + at / 4) for at, name in enumerate(pixels.NOISE)}}
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
# Both panes painted, by the page's clock; of each time that they are, after each Space.
WATCH = """
window.painted = [];
window.spaced = [];
addEventListener("keydown", (event) => event.key === " " && window.spaced.push(performance.now()), true);
document.addEventListener("DOMContentLoaded", () => {
  const panes = ["left", "right"].map((side) => document.getElementById(`pane-${side}`));
  let before = false;
  new MutationObserver(() => {
    const now = panes.every((pane) => pane.dataset.ready === "true");
    if (now && !before) window.painted.push(performance.now());
    before = now;
  }).observe(document.getElementById("room"), { attributes: true, subtree: true, attributeFilter: ["data-ready"] });
});
performance.setResourceTimingBufferSize(2000);
"""
FRAMES = """(token) => performance.getEntriesByType("resource").filter((one) => one.name.includes(`/${token}/frames/`))
  .map((one) => one.responseEnd)"""
KEYS = (*"33333333", "q", "w")


class Room:
    """The room of one checkout, in a browser on a slow line."""

    def __init__(
        self, checkout: Path, browser: Browser, *, mbit: float, delay: float, noise: float, cases: int
    ) -> None:
        self.browser, self.mbit, self.delay = browser, mbit, delay
        self.folder = tempfile.TemporaryDirectory()
        self.site = Site(Path(self.folder.name))
        self.site.root = checkout
        self.site.start()
        made = MAKE.format(noise=noise, cases=cases)
        self.made = json.loads(self.site.python(made).splitlines()[-1])

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
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        rate = self.mbit * 1e6 / 8
        line.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": self.delay, "downloadThroughput": rate, "uploadThroughput": rate},
        )
        page.goto(f"{self.site.url}/studies/{self.made['slug']}/reading/room/")
        page.wait_for_function("() => window.painted.length > 0", timeout=120_000)
        token = page.evaluate(
            """() => performance.getEntriesByType("resource").find((one) => one.name.includes("/frames/"))
            .name.split("/").at(-4)"""
        )
        page.wait_for_function(f"(token) => ({FRAMES})(token).length >= 30", arg=token, timeout=120_000)
        ends = page.evaluate(FRAMES, token)
        return page, {"first images": page.evaluate("() => window.painted[0]") / 1e3, "whole pair": max(ends) / 1e3}

    def switch(self, page: Page) -> float:
        """Answer the pair on screen, wait for all that is fetched ahead, and go to the next; in seconds."""
        frames = "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/frames/')).length"
        before, still = -1, 0
        while still < 4:  # nothing more comes
            now = page.evaluate(frames)
            still = still + 1 if now == before else 0
            before = now
            page.wait_for_timeout(250)
        for key in KEYS:
            page.keyboard.press(key)
        page.wait_for_timeout(700)
        count = page.evaluate("() => window.painted.length")
        page.keyboard.press("Space")
        page.wait_for_function("(count) => window.painted.length > count", arg=count, timeout=60_000)
        painted, spaced = page.evaluate("() => [window.painted.at(-1), window.spaced.at(-1)]")
        return (painted - spaced) / 1e3


def run(checkouts: list[Path], *, runs: int, switches: int, say=print, **line: float) -> None:
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    with chromium.launched(chromium.find() or "chromium") as browser:
        cases = -(-(switches + 4) // 3)
        rooms = {checkout.name: Room(checkout, browser, cases=cases, **line) for checkout in checkouts}
        try:
            for _ in range(runs):
                for name, room in rooms.items():
                    context = room.context()
                    for kind in ("cold", "warm"):
                        page, took = room.open(context)
                        for what, seconds in took.items():
                            waits[name, f"{what}, {kind}"].append(seconds)
                        page.close()
                    context.close()
            pages = {name: room.open(room.context())[0] for name, room in rooms.items()}
            for _ in range(switches):
                for name, room in rooms.items():
                    waits[name, "switch"].append(room.switch(pages[name]))
        finally:
            for room in rooms.values():
                room.close()
    for name, room in rooms.items():
        script = subprocess.run(
            ["gzip", "-c", room.site.root / "static/viewer/room.js"], capture_output=True, check=True
        )
        say(f"{name}: a pair {room.made['bytes'] / 1e6:.2f} MB, script {len(script.stdout) / 1e3:.0f} kB gzip")
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
    parser.add_argument("--noise", type=float, default=25)
    parser.add_argument("--checkout", type=Path, action="append", default=[])
    given = vars(parser.parse_args())
    run([ROOT, *given.pop("checkout")], **given, say=lambda text: print(text, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
