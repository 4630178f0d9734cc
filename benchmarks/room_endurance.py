"""Whether the reading room stays small and quick over an evening: its heap, and linked scrolling.

    python -m benchmarks.room_endurance [--pairs 100] [--slices 12] [--leak]

Chromium reads pair after pair of 512 × 512 pixels by keyboard. Every fifth pair its memory is measured, after the
garbage was collected. From the twentieth pair on its objects may rise by 10 kB a pair (slope of Theil and Sen), and its
buffers, in which pixels lie, never hold more than five pairs: the one on screen, the one before, three ahead. Then
single steps through both stacks are asked for as fast as they are painted: at least 40 a second, and never one side
without the other. Exit status 1 if anything does not hold. --leak plants what does not: the page keeps a slice of each
pair, and 20 kB of objects.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from itertools import combinations

from playwright.sync_api import CDPSession, Page

from benchmarks.room_speed import KEYS, ROOT, Room
from tests import chromium

MAKE = """
import json
from functools import cache
from django.conf import settings
from django.test import Client
from tests import factories, pixels
# One case's pairs for all: what is looked for does not depend on what they show.
volume, make_pair, made = pixels.volume, pixels.make_pair, {{}}
volume_of_arm = cache(lambda noise, number, shape: volume(noise, number, shape))
pixels.volume = lambda noise, seed, shape: volume_of_arm(noise, seed % 10, shape)
pixels.make_pair = lambda one, other: made.get((id(one), id(other))) or made.setdefault(
    (id(one), id(other)), make_pair(one, other))
study = factories.make_study(subjects={cases}, readers=1, title="Endurance")
study.require_all_slices = False
study.save()
study = factories.open_(pixels.with_pixels(study, ({slices}, 512, 512)))
client = Client()
client.force_login(study.memberships.get(role="reader").user)
print(json.dumps({{"slug": study.slug, "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
                  "bytes": study.pairs.first().offsets[-1]}}))
"""
# The worker's answers hold the slices.
LEAK = """
window.kept = [];
const { addEventListener } = Worker.prototype;
Worker.prototype.addEventListener = function (name, listener) {
  let count = 0;
  addEventListener.call(this, name, (event) => {
    if (event.data?.frame && count++ %% %d === 0) {
      window.kept.push(event.data.frame.left, Array.from({ length: 2500 }, Math.random));
    }
    listener.call(this, event);
  });
};
"""
# Steps up and down the stack, one after the other is painted; how long they took, and how often one side was alone.
SCROLL = """(steps) => new Promise((done) => {
  const panes = ["left", "right"].map((side) => document.getElementById(`pane-${side}`));
  const last = Number(document.querySelector(".pos span").textContent) - 1;
  const press = (key) => window.dispatchEvent(new KeyboardEvent("keydown", { key, code: key, cancelable: true }));
  let down = true;
  let painted = 0;
  let alone = 0;
  const began = performance.now();
  const step = () => {
    const at = Number(panes[0].dataset.slice);
    if (at === last) down = false;
    else if (at === 0) down = true;
    press(down ? "ArrowDown" : "ArrowUp");
  };
  const watch = new MutationObserver((changes) => {
    const both = new Set(changes.map(({ target }) => target)).size === 2;
    if (!both || panes[0].dataset.slice !== panes[1].dataset.slice) alone += 1;
    painted += 1;
    if (painted < steps) return step();
    watch.disconnect();
    done([(performance.now() - began) / 1000, alone]);
  });
  for (const pane of panes) watch.observe(pane, { attributes: true, attributeFilter: ["data-slice"] });
  step();
})"""
FIRST, EVERY = 20, 5  # pairs before memory counts; between two measurements
STEPS, PER_SECOND = 240, 40
PAIRS, RISE = 5, 10_000  # in buffers; bytes of objects a pair


class EnduranceRoom(Room):
    """A room with many pairs, which are the same few files."""

    make = MAKE

    def read(self, page: Page) -> None:
        """Answer the pair on screen and go to the next, when that is there as a whole."""
        for key in KEYS:
            page.keyboard.press(key)
        page.wait_for_timeout(450)  # a new pair does not hear Space at once
        count = page.evaluate("() => window.painted.length")
        page.keyboard.press("Space")
        page.wait_for_function("(count) => window.painted.length > count", arg=count, timeout=60_000)


def memory(session: CDPSession) -> tuple[int, int]:
    """Bytes of the page's objects, and of the buffers in which its pixels lie."""
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")
    return round(used["usedSize"]), round(used["backingStorageSize"])


def rise(objects: dict[int, int]) -> float:
    """Bytes a pair, by number of the pair: the median of the slopes between any two measurements."""
    return statistics.median((b - a) / (m - n) for (n, a), (m, b) in combinations(objects.items(), 2))


def run(*, pairs: int, slices: int, leak: bool, say=print) -> bool:
    """Whether all holds."""
    with chromium.launched(chromium.find() or "chromium") as browser:
        room = EnduranceRoom(ROOT, browser, mbit=0, delay=0, cases=-(-(pairs + 5) // 3), slices=slices)
        try:
            context = room.context()
            if leak:
                context.add_init_script(LEAK % slices)
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("HeapProfiler.enable")
            page.goto(f"{room.site.url}/studies/{room.made['slug']}/reading/room/")
            page.wait_for_function("() => window.painted.length > 0", timeout=120_000)
            objects, buffers = {}, []
            for number in range(1, pairs + 1):
                room.read(page)
                if number % EVERY == 0:
                    room.until_ahead(page)
                    now = memory(session)
                    say(f"{number:4} pairs read: objects {now[0] / 1e6:.2f} MB, buffers {now[1] / 1e6:.1f} MB")
                    if number >= FIRST:
                        objects[number] = now[0]
                        buffers.append(now[1])
            seconds, alone = page.evaluate(SCROLL, STEPS)
        finally:
            room.close()
    rising, most = rise(objects), max(buffers) / (slices * 2 * 2 * 512 * 512)
    say(f"objects rise by {rising / 1e3:.1f} kB a pair, {RISE / 1e3:.0f} allowed")
    say(f"buffers hold {most:.1f} pairs at most, {PAIRS} allowed")
    say(f"{STEPS / seconds:.0f} steps a second through both stacks, {PER_SECOND} wanted; one side alone {alone} times")
    return rising <= RISE and most <= PAIRS and seconds <= STEPS / PER_SECOND and not alone


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--leak", action="store_true")
    return 0 if run(**vars(parser.parse_args()), say=lambda text: print(text, flush=True)) else 1


if __name__ == "__main__":
    sys.exit(main())
