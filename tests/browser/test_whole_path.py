"""From series to tables, as people do it: an admin and one reader in Chromium, two readers over HTTP, an analyst.

Real in every part: the supervisor's Redis, worker and web server, DICOM made by the phantom, the shipped network.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.upload_to_numbers import INTERRUPTED, kill_if_at_work
from processing.simulate.phantom import acquisition
from processing.simulate.phantom.study import make_study
from readerstudy.home.simulation import SimulatedReader
from tests.site_process import ROOT, Browserless, Site, running_site, until

pytestmark = pytest.mark.slow
TITLE = "Lumbar, fast and slow"
PAIRS = 6  # two cases in three comparisons
SLICES = 6  # fewer than a spine has: how long a network computes is not looked at


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    with running_site(tmp_path_factory.mktemp("site")) as site:
        site.python(
            "from readerstudy.accounts.models import User\n"
            "User.objects.create_user('boss', password='a long password', is_staff=True)"
        )
        yield site


def sign_in(browser: Browser, site: Site, name: str, password: str) -> Page:
    page = browser.new_context(viewport={"width": 1600, "height": 900}, accept_downloads=True).new_page()
    page.goto(site.url + "/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def add_person(page: Page, study: str, name: str, role: str) -> str:
    """Invites a person, who follows the link; returns the password that the person sets."""
    page.goto(study + "people/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Role").select_option(role)
    page.get_by_label("Invite: there is no account").check()
    page.get_by_role("button", name="Add", exact=True).click()
    link, password = page.locator("#link").inner_text(), f"the password of {name}"
    theirs = page.context.browser.new_context().new_page()
    theirs.goto(link)
    for label, text in (("First name", name), ("Last name", "Ray"), ("New password", password)):
        theirs.get_by_label(label, exact=True).fill(text)
    theirs.get_by_label("New password confirmation").fill(password)
    theirs.keyboard.press("Enter")
    theirs.wait_for_url("**/login/")
    theirs.context.close()
    return password


def may_open(page: Page, study: str) -> bool:
    """Whether all is there: pairs are prepared first, and the series of other arms are made after them."""
    page.goto(f"{study}protocol/to/open/")
    return not page.get_by_text("Not ready").count()


def type_title(page: Page, study: str, step: str) -> None:
    page.goto(f"{study}protocol/to/{step}/")
    page.get_by_label("Type the study's title").fill(TITLE)
    page.locator("form button.primary").click()
    page.wait_for_url(study + "protocol/")


def read_by_keyboard(page: Page, study: str, scores: list[int]) -> None:
    """Rates every pair with keys alone: the digits, Q, W, End and Home to see every slice, Space."""
    page.goto(study + "reading/room/")
    page.get_by_role("button", name="Begin reading").click()
    for pair in range(PAIRS):
        expect(page.locator(".position")).to_contain_text(f"{pair + 1} of {PAIRS}")
        expect(page.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=30_000)
        page.wait_for_timeout(450)  # keys are ignored for 400 ms after a new pair
        if pair == 2:
            page.reload()
            expect(page.locator(".position")).to_contain_text(f"{pair + 1} of {PAIRS}")
            expect(page.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=30_000)
            page.wait_for_timeout(450)
        see_every_slice(page)
        for score in scores:
            page.keyboard.press(str(score))
        for key in ("q", "w", "Space"):
            page.keyboard.press(key)
        if pair + 1 < PAIRS:
            expect(page.locator(".position")).not_to_contain_text(f"{pair + 1} of {PAIRS}", timeout=30_000)
    expect(page.get_by_role("button", name="Go on to the questions")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(450)
    page.keyboard.press("Enter")
    for number in range(1, PAIRS + 1):
        expect(page.locator(".part")).to_have_text(f"question {number} of {PAIRS}", timeout=30_000)
        expect(page.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=30_000)
        page.wait_for_timeout(450)
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="All pairs are read")).to_be_visible(timeout=30_000)


def see_every_slice(page: Page) -> None:
    ticks = page.locator("#seam .track ol").first.locator("li")
    page.keyboard.press("Home")
    expect(ticks.first).to_have_class("now", timeout=30_000)
    for _ in range(ticks.count()):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#seam .track li:not(.seen):not(.now)")).to_have_count(0, timeout=30_000)
    expect(ticks.last).to_have_class("now", timeout=30_000)


def download(page: Page, study: str, name: str) -> bytes:
    answer = page.request.get(f"{study}results/{name}")
    assert answer.ok, f"{name}: {answer.status}"
    return answer.body()


@pytest.mark.timeout(900)  # a network restores images in it, beside whatever else the machine does
def test_from_series_to_tables(browser: Browser, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scans = tmp_path / "scans"
    for name in ("sag-t2", "sag-t1"):
        monkeypatch.setitem(acquisition.PROTOCOLS, name, replace(acquisition.PROTOCOLS[name], slices=SLICES))
    make_study(scans, subjects=2, cases=1, seed=3)
    (scans / "notes.dcm").write_text("this is no DICOM file")

    # An admin makes the study and names the readers.
    admin = sign_in(browser, site, "boss", "a long password")
    admin.goto(site.url + "/new/")
    admin.get_by_label("Title", exact=True).fill(TITLE)
    admin.get_by_label("Title for readers").fill("Lumbar spine MRI")
    admin.get_by_role("checkbox", name="lumbar spine").check()
    admin.locator("main form button.primary, form button.primary").first.click()
    admin.wait_for_url(re.compile(r"/studies/.+/protocol/"))
    study = admin.url.removesuffix("protocol/")
    passwords = {name: add_person(admin, study, name, "reader") for name in ("anna", "ben", "cleo")}
    passwords["dora"] = add_person(admin, study, "dora", "analyst")

    # Upload, sort, confirm.
    admin.goto(study + "material/")
    files = sorted(path for path in scans.rglob("*") if path.is_file())
    admin.locator("input[name=files]").set_input_files(files)
    admin.get_by_role("button", name="Send").click()
    expect(admin.get_by_role("heading", name="4 series to confirm")).to_be_visible(timeout=180_000)
    expect(admin.get_by_role("heading", name="Not used")).to_be_visible()
    admin.locator("#confirm-ticked").click()
    expect(admin.get_by_text("4 series placed.")).to_be_visible(timeout=60_000)

    # The worker makes DL outputs, metrics and pairs, and is killed at it once; then the study opens.
    until(lambda: kill_if_at_work(site, site.processes("celery")), every=0.02)
    until(lambda: may_open(admin, study), seconds=300, every=1)
    admin.goto(study + "protocol/")
    expect(admin.get_by_text(f"{PAIRS} of {PAIRS} pairs prepared")).to_be_visible()
    assert site.rows(INTERRUPTED)[0][0], "no job was interrupted"
    type_title(admin, study, "open")
    expect(admin.get_by_text("Frozen on")).to_be_visible(timeout=60_000)

    # One reader by keyboard, two over HTTP.
    reader = sign_in(browser, site, "anna", passwords["anna"])
    assert reader.request.get(study + "results/").status == 404
    read_by_keyboard(reader, study, [4, 3, 3, 3, 2, 3, 3, 5])
    base = study.removeprefix(site.url) + "reading/"
    for name in ("ben", "cleo"):
        SimulatedReader(Browserless(site.url, name, passwords[name]), base, f"7:{name}").read_all()

    analyst = sign_in(browser, site, "dora", passwords["dora"])
    analyst.goto(study + "results/")
    expect(analyst.get_by_text("Preferences stay closed until the study is closed")).to_be_visible()
    type_title(admin, study, "closed")

    # The analyst's files say what the page says.
    for name in ("ratings", "integrity", "findings", "series", "metrics"):
        (tmp_path / f"{name}.csv").write_bytes(download(analyst, study, f"tables/{name}.csv"))
    (tmp_path / "protocol.json").write_bytes(download(analyst, study, "protocol.json"))
    ratings = list(csv.DictReader(io.StringIO((tmp_path / "ratings.csv").read_text("utf-8-sig"))))
    assert len(ratings) == 3 * PAIRS * 8
    assert {row["status"] for row in ratings} == {"rated"}
    by_keyboard = [row for row in ratings if row["reader"] == "R1" and row["criterion"] == "facet_ligament"]
    assert {row["score"] for row in by_keyboard} == {"5"}

    command = [sys.executable, "-m", "analysis", "reading", tmp_path / "ratings.csv", "--json", tmp_path / "out.json"]
    command += ["--protocol", tmp_path / "protocol.json", "--integrity", tmp_path / "integrity.csv"]
    subprocess.run(command, cwd=ROOT, check=True)
    computed = json.loads((tmp_path / "out.json").read_text())
    analyst.goto(study + "results/")
    names = {c["id"]: c["name"] for c in json.loads((tmp_path / "protocol.json").read_text())["criteria"]}
    assert len(computed["comparisons"]) == 3 * 8
    for number, cell in enumerate(computed["comparisons"]):
        row = analyst.locator(
            ".pub .likert tbody tr", has=analyst.locator("th", has_text=names[cell["criterion"]])
        ).first
        shown = row.locator("td.num").nth(2 * (number // 8)).inner_text()
        assert shown == f"{cell['mean']['estimate']:.2f} ± {cell['sd']:.2f}"

    metrics = list(csv.DictReader(io.StringIO((tmp_path / "metrics.csv").read_text("utf-8-sig"))))
    compared = {(row["reference"], row["test"]) for row in metrics}
    assert compared == {("SOC", "SOC-DL"), ("FAST", "FAST-DL"), ("SOC", "FAST"), ("SOC", "FAST-DL")}
    values = [{name: row[name] for name in row if name != "value"} for row in metrics]
    assert len(values) == len({tuple(row.items()) for row in values}) == 2 * 9 * 12, "each once, though interrupted"
