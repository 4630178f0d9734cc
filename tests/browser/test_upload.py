"""A folder goes up from Chromium piece by piece; a reload or a lost line sends only what is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from readerstudy.archive import quarantine
from readerstudy.intake.models import Piece, Upload
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.browser.room.actions import sign_in
from tests.once import put_back

pytestmark = pytest.mark.django_db(transaction=True)
LARGE = 17 << 20  # more than one piece
SMALL = 60  # files in each of two folders
FILES = 2 * SMALL + 1


@put_back
def study() -> ReaderStudy:
    return factories.make_study(subjects=0)


@pytest.fixture
def page(browser: Browser, live_server, study) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 900}, base_url=live_server.url)
    page = context.new_page()
    sign_in(context, study.memberships.get(role="admin"), live_server.url)
    page.goto(reverse("material", args=[study.slug]))
    yield page
    context.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders of small files and one large one."""
    return fill(tmp_path / "in", small=SMALL, large=LARGE)


def fill(folder: Path, *, small: int, large: int) -> Path:
    for name in ("anna/FAST", "anna/SOC"):
        (folder / name).mkdir(parents=True)
        for number in range(small):
            (folder / name / f"{number:04d}.dcm").write_bytes(f"{name} {number}".encode() * 20)
    (folder / "large.nii").write_bytes(os.urandom(large))
    return folder


@pytest.fixture
def held(page: Page) -> Iterator[list[Route]]:
    """Requests that wait; let go at the end, for a browser does not close on what it waits for."""
    routes: list[Route] = []
    yield routes
    for route in routes:
        route.abort()


def choose(page: Page, folder: Path) -> None:
    page.locator("[data-folder] input").set_input_files(folder)
    page.get_by_role("button", name="Send").click()


def plain(upload: Upload, target: Path) -> dict[str, bytes]:
    target.mkdir()
    files = quarantine.unseal_upload(upload.pk, upload.salt, target, progress=lambda done, total: None)
    return {name: file.path.read_bytes() for name, file in files.items()}


def originals(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder.parent)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def arrived(page: Page) -> Upload:
    expect(page.get_by_text("Upload waits for a worker")).to_be_visible(timeout=60_000)
    return Upload.objects.get()


def test_every_file_arrives_whole_under_its_path(page, folder, tmp_path):
    choose(page, folder)
    upload = arrived(page)
    assert (upload.files, upload.state) == (FILES, "sorting")
    assert plain(upload, tmp_path / "plain") == originals(folder)


def test_after_a_reload_only_what_is_missing_is_sent(page, folder, tmp_path, monkeypatch):
    batches, reloaded = [], False

    def only_the_first(route: Route) -> None:
        batches.append(route)
        if len(batches) == 1 or reloaded:
            route.continue_()  # the others never get an answer

    page.route("**/pieces/", only_the_first)
    choose(page, folder)
    page.wait_for_function("() => document.querySelector('[data-say]').textContent.includes('/s')")
    for _ in range(600):
        if there := Piece.objects.count():
            break
        page.wait_for_timeout(100)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    reloaded = True
    expect(page.get_by_text(f"An upload of {FILES} files was broken off")).to_be_visible()
    received: list[str] = []
    begin = quarantine.QuarantineWriter.begin

    def noted(writer: quarantine.QuarantineWriter, name: str, **part: int) -> str:
        received.append(name)
        return begin(writer, name, **part)

    monkeypatch.setattr(quarantine.QuarantineWriter, "begin", noted)
    choose(page, folder)
    upload = arrived(page)
    assert 0 < there < FILES + 1  # the large one is two pieces
    assert len(received) == FILES + 1 - there
    assert plain(upload, tmp_path / "plain") == originals(folder)


def test_a_lost_line_is_said_and_waited_for(page, folder, tmp_path):
    lost = []

    def twice(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route)
            route.abort()
        else:
            route.continue_()

    page.route("**/pieces/", twice)
    choose(page, folder)
    expect(page.get_by_text(re.compile("The line is lost. Nothing is lost; next try in"))).to_be_visible(timeout=30_000)
    assert plain(arrived(page), tmp_path / "plain") == originals(folder)


def test_cancelling_leaves_nothing(page, folder, held):
    page.route("**/pieces/", lambda route: held.append(route))
    choose(page, folder)
    page.wait_for_function("() => document.querySelector('[data-say]').textContent.includes('/s')")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    expect(page.locator("[data-sending]")).to_be_hidden()
    page.wait_for_timeout(300)
    assert not Upload.objects.exists()


def test_the_page_stays_free_while_a_folder_is_read(page, tmp_path, held):
    folder = fill(tmp_path / "in", small=300, large=40 << 20)
    page.evaluate(
        """() => {
          window.longest = 0;
          let last = performance.now();
          const tick = (now) => {
            window.longest = Math.max(window.longest, now - last);
            last = now;
            requestAnimationFrame(tick);
          };
          requestAnimationFrame(tick);
        }"""
    )
    page.route("**/pieces/", lambda route: held.append(route))
    choose(page, folder)
    page.wait_for_function("() => document.querySelector('[data-say]').textContent.includes('/s')")
    assert page.evaluate("() => window.longest") < 1500


def test_names_of_files_that_are_not_used_are_known_to_the_tab_that_sent_them(page, tmp_path):
    folder = tmp_path / "muster"
    for name in ("letter.dcm", "scan/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"Dear colleague, {name}")
    (folder / "large.bin").write_bytes(os.urandom(LARGE))
    choose(page, folder)
    arrived(page)
    run_job(Job.objects.get(function="intake.sort").pk)
    page.reload()
    not_used = page.locator("[data-not-used]")
    not_used.get_by_text("3 names, known to this tab alone").click()
    for name in ("muster/letter.dcm", "muster/scan/notes.txt", "muster/large.bin"):
        expect(not_used.get_by_text(name)).to_be_visible()
    elsewhere = page.context.new_page()
    elsewhere.goto(page.url)
    expect(elsewhere.locator("[data-not-used]")).to_contain_text("This is not a DICOM file")
    expect(elsewhere.locator("[data-not-used]")).not_to_contain_text("letter")
