"""From upload to numbers: a whole study through the browser, once in peace and once with workers killed.

    python -m benchmarks.upload_to_numbers [--subjects N] [--cases N] [--kills N] [--keep DIR]

The phantom makes subjects × cases in SOC and FAST (37 × 3 = 111 cases by default). Chromium uploads the folder and
confirms it, two workers make the DL outputs, image metrics, registrations and pairs. In the second run one of the two
workers is killed (SIGKILL) at random, as often as asked. Every expected output must be there once, and equal to the
first run's: pixels, metrics and prepared frames. Prints times and the comparison; exit status 1 if they differ.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, expect

from processing.simulate.phantom.study import make_study
from readerstudy.serving.supervisor import worker_command
from tests import chromium
from tests.site_process import ROOT, Site, running_site

PASSWORD = "a long password"
WORKERS = "select worker from jobs_job where state = 'running'"
BUSY = "select count(*) from jobs_job where state in ('waiting', 'running')"
INTERRUPTED = "select count(*) from jobs_job where attempts > 1"
SERIES = """
    select c.code, a.code, s.sha256 from material_series s
    join material_case c on c.id = s.case_id join protocol_arm a on a.id = s.arm_id where s.active
"""
METRICS = """
    select c.code, r.code, t.code, m.metric, m.region, m.registered, m.value from results_metric m
    join material_case c on c.id = m.case_id
    join material_series x on x.id = m.reference_id join protocol_arm r on r.id = x.arm_id
    join material_series y on y.id = m.test_id join protocol_arm t on t.id = y.arm_id
    where x.active and y.active
"""
PAIRS = """
    select c.code, p.comparison_id, p.first_left_sha256, p.first_right_sha256 from reading_preparedpair p
    join material_case c on c.id = p.case_id
    join material_series x on x.id = p.first_id join material_series y on y.id = p.second_id
    where x.active and y.active
"""
ALIGNMENTS = """
    select c.code, l.matrix from material_alignment l
    join material_series s on s.id = l.moving_id join material_case c on c.id = s.case_id where s.active
"""


@dataclass
class Outcome:
    """What one run left: sorted rows of every kind of output, times in seconds, and what went wrong."""

    outputs: dict[str, list[tuple]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    interrupted: int = 0
    not_done: list[tuple] = field(default_factory=list)
    half_files: list[Path] = field(default_factory=list)


class Workers:
    """Two workers of a site: the supervisor's, which it restarts, and one more, which we restart."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.log = (site.var / "second-worker.log").open("ab")
        self._start()

    def _start(self) -> None:
        command = [*worker_command(), "--hostname", f"second-{time.monotonic_ns()}@%h"]
        self.second = subprocess.Popen(command, cwd=ROOT, env=self.site.env, stdout=self.log, stderr=self.log)

    def kill_one(self, chance: random.Random) -> bool:
        """SIGKILL to one of those at work, as a machine that loses power; False if none was."""
        families = [self._family(), self.site.processes("celery")]
        chance.shuffle(families)
        killed = next((family for family in families if kill_if_at_work(self.site, family)), [])
        if self.second.pid in {process.pid for process in killed}:
            self.second.wait(60)
            self._start()
        return bool(killed)

    def _family(self) -> list[psutil.Process]:
        return [psutil.Process(self.second.pid), *psutil.Process(self.second.pid).children(recursive=True)]

    def stop(self) -> None:
        self.second.terminate()
        self.second.wait(60)


def kill_if_at_work(site: Site, family: list[psutil.Process]) -> bool:
    """SIGKILL to a worker and its children if one of them runs a job. They are stopped first and then looked at: what
    was seen running a moment ago may be done."""
    for process in family:
        process.send_signal(signal.SIGSTOP)
    at_work = {int(worker.rsplit(":", 1)[1]) for (worker,) in site.rows(WORKERS)}
    by = signal.SIGKILL if at_work & {process.pid for process in family} else signal.SIGCONT
    for process in family:
        process.send_signal(by)
    return by == signal.SIGKILL


def until(site: Site, query: str, seconds: float) -> None:
    """Wait until the query counts something; RuntimeError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not number(site, query):
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{query}: nothing after {seconds} s; jobs: {site.rows('select label, state, error from jobs_job')}"
            )
        time.sleep(0.1)


def number(site: Site, query: str) -> int:
    return site.rows(query)[0][0]


@contextmanager
def site_with_study(var: Path):
    """A running site with an admin and a draft study; its material page's path."""
    var.mkdir()
    with running_site(var) as site:
        slug = site.python(
            "from readerstudy.accounts.models import User\n"
            "from readerstudy.protocol.services import create_study\n"
            f"user = User.objects.create_user('boss', password='{PASSWORD}', is_staff=True)\n"
            "print(create_study(title='Upload', user=user, model_name='denoise').slug)"
        )
        yield site, f"/studies/{slug}/material/"


def sign_in(browser: Browser, site: Site) -> Page:
    page = browser.new_context(viewport={"width": 1600, "height": 900}, base_url=site.url).new_page()
    page.goto("/login/")
    page.get_by_label("User name").fill("boss")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def run(browser: Browser, folder: Path, var: Path, *, kills: int, picture: Path | None = None) -> Outcome:
    """Upload, confirm, wait until nothing is left to do; kill a worker so many times on the way."""
    chance, outcome, patience = random.Random(kills), Outcome(), 180_000
    with site_with_study(var) as (site, material):
        workers = Workers(site)
        try:
            page = sign_in(browser, site)
            page.goto(material)
            began = time.monotonic()
            page.locator("[data-folder] input").set_input_files(folder)
            page.get_by_role("button", name="Send").click()
            until(site, "select count(*) from intake_upload where state in ('sorting', 'sorted')", 3600)
            outcome.seconds["upload"] = time.monotonic() - began
            until(site, "select count(*) from intake_upload where state = 'sorted'", 3600)
            expect(page.get_by_role("heading", name="series to confirm")).to_be_visible(timeout=30_000)
            outcome.seconds["sorting"] = time.monotonic() - began - outcome.seconds["upload"]
            everything = page.get_by_role("button", name="Confirm all")
            (everything if everything.count() else page.locator("#confirm-ticked")).click(timeout=patience)
            expect(page.get_by_text("series placed")).to_be_visible(timeout=patience)
            outcome.seconds["until confirmed"] = time.monotonic() - began
            _work(site, workers, chance, kills)
            outcome.seconds["until all is done"] = time.monotonic() - began
            if picture:
                page.goto(material)
                page.screenshot(path=picture)
        finally:
            workers.stop()
        kinds = {"series": SERIES, "metrics": METRICS, "pairs": PAIRS, "alignments": ALIGNMENTS}
        outcome.outputs = {kind: sorted(site.rows(query)) for kind, query in kinds.items()}
        outcome.interrupted = number(site, INTERRUPTED)
        outcome.not_done = site.rows("select label, state, error from jobs_job where state != 'done'")
    outcome.half_files = [path for path in (var / "archive").rglob(".*") if path.is_file()]
    return outcome


def _work(site: Site, workers: Workers, chance: random.Random, kills: int) -> None:
    """Wait until no job is left; the kills are spread at random over the first two thirds of the work: among the last
    few jobs, which are short, one may come too late to interrupt any."""
    left = number(site, BUSY)
    at = sorted((chance.randrange(max(1, left // 3), max(2, left)) for _ in range(kills)), reverse=True)
    quiet = 0
    while quiet < 3 or at:
        left = number(site, BUSY)
        due = at and left <= at[0]
        if due and left and workers.kill_one(chance):
            at.pop(0)
        elif at and not left:
            break
        quiet = 0 if left else quiet + 1
        time.sleep(0.02 if due else 0.3)


def differences(peace: Outcome, killed: Outcome) -> list[str]:
    """What is missing, there twice or not the same, in words."""
    found = [f"not done: {row}" for row in peace.not_done + killed.not_done]
    found += [f"half a file: {path}" for path in peace.half_files + killed.half_files]
    for kind, rows_ in peace.outputs.items():
        again = killed.outputs[kind]
        keys = [row[:-1] for row in again] if kind == "metrics" else [row[:2] for row in again]
        found += (
            [f"{kind}: {len(keys) - len(set(keys))} are there more than once"] if len(keys) > len(set(keys)) else []
        )
        found += [f"{kind}: {len(set(rows_) ^ set(again))} rows differ"] if rows_ != again else []
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=37)
    parser.add_argument("--cases", type=int, default=3, help="per subject")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="where pictures of the page are left")
    options = parser.parse_args()
    path = chromium.find()
    if path is None:
        sys.exit("There is no Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, chromium.launched(path) as browser:
        scans = Path(folder, "scans")
        make_study(scans, subjects=options.subjects, cases=options.cases, seed=11, processes=os.cpu_count() or 1)
        files = [file for file in scans.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        print(f"{options.subjects * options.cases} cases, {len(files):,} files, {size / 1e6:,.0f} MB", flush=True)
        outcomes = []
        for name, kills in (("in peace", 0), (f"with {options.kills} kills", options.kills)):
            picture = options.keep / f"material-{kills}.png" if options.keep else None
            outcome = run(browser, scans, Path(folder, str(kills)), kills=kills, picture=picture)
            outcomes.append(outcome)
            counts = ", ".join(f"{len(rows_):,} {kind}" for kind, rows_ in outcome.outputs.items())
            times = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in outcome.seconds.items())
            rate = size / 1e6 / outcome.seconds["upload"]
            print(
                f"{name}: {times} ({rate:.0f} MB/s upload); {counts}; {outcome.interrupted} jobs interrupted",
                flush=True,
            )
        found = differences(*outcomes)
        print("\n".join(found) or "Every output is there once, and equal in both runs.")
        return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
