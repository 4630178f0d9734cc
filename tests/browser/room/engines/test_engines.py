"""The reading room in every engine that a hospital has: three pairs by keyboard and mouse, and a line that is cut."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from readerstudy.reading.models import Finding, Presentation, Rating
from tests.browser.room.engines.drivers import ENGINES, Chromium, CommandError, Driver, missing
from tests.browser.room.engines.line import Line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
WAIT_S = 60


@pytest.fixture(params=["chromium", *ENGINES])
def driver(request, tmp_path) -> Iterator[Driver]:
    if request.param == "chromium":
        chromium = Chromium(request.getfixturevalue("browser"))
        yield chromium
        chromium.close()
        return
    if packages := missing(request.param):
        pytest.skip(f"there is no {request.param}: apt-get install {packages}")
    start, *_ = ENGINES[request.param]
    folder = tmp_path / "profile"
    folder.mkdir()
    with start(folder) as remote:
        yield remote


@pytest.fixture
def line(live_server) -> Iterator[Line]:
    site = urlsplit(live_server.url)
    with Line(site.hostname, site.port) as line:
        yield line


def until(driver: Driver, condition: str, *arguments: Any) -> None:
    """Wait until the page has what this expression asks for."""
    end = time.monotonic() + WAIT_S
    while True:
        with contextlib.suppress(CommandError):  # between two pages
            if driver.run(f"return Boolean({condition})", *arguments):
                return
        assert time.monotonic() < end, f"{condition} {arguments}: {driver.run('return document.body.innerText')[:600]}"
        time.sleep(0.1)


def until_text(driver: Driver, selector: str, text: str) -> None:
    until(driver, "(document.querySelector(arguments[0])?.textContent ?? '').includes(arguments[1])", selector, text)


def until_shown(driver: Driver, position: str) -> None:
    until_text(driver, ".position", position)
    until(driver, "document.querySelectorAll('.pane[data-ready=true]').length === 2")


def until_saved(driver: Driver) -> None:
    until(driver, "document.querySelector('.save.saved')?.dataset.kept === '0'")


def click(driver: Driver, selector: str, at: int = 0) -> None:
    middle = """
        const box = document.querySelectorAll(arguments[0])[arguments[1]].getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    """
    driver.click(*driver.run(middle, selector, at))


def confirm(driver: Driver) -> None:
    """See the rest, then confirm after the moment in which a new pair ignores it."""
    slices = int(driver.run("return document.querySelector('.pos span').textContent"))
    driver.press("Home", *["ArrowDown"] * (slices - 1))
    until(driver, "document.querySelector('.go').classList.contains('ready')")
    time.sleep(0.5)
    driver.press("Space")


def test_three_pairs_are_read_by_keys_and_mouse_with_a_reload_and_a_line_that_is_cut(driver, line, reader, study):
    address = f"http://localhost:{line.port}{reverse('reading', args=[study.slug])}"
    driver.go(address)
    click(driver, "[name=username]")
    driver.press(*reader.user.username, "Tab", *"a long password", "Enter")
    until_shown(driver, "1 of 6")

    driver.press("4", "3")
    click(driver, ".scale:nth-child(3) .pt", 1)
    driver.press(*"15343", "q", "w")
    confirm(driver)
    until_shown(driver, "2 of 6")

    driver.press("a", "3")
    click(driver, "#pane-right")
    driver.press(*"L4 gone", "Enter")
    driver.press(*"333")
    until_saved(driver)
    driver.go(address)
    until_shown(driver, "2 of 6")
    until(driver, "document.querySelectorAll('.scale.done').length === 3")
    driver.press(*"33333", "w")
    confirm(driver)
    until_shown(driver, "3 of 6")

    until_saved(driver)
    line.cut()
    driver.press(*"45", *"333333", "q", "w")
    until_text(driver, ".save", "offline · 10 kept here")
    line.mend()
    until_saved(driver)
    confirm(driver)
    until_shown(driver, "4 of 6")
    until_saved(driver)

    read = Presentation.objects.filter(reader=reader, state="confirmed").order_by("position")
    scores = [
        list(
            Rating.objects.filter(presentation=one)
            .order_by("criterion__place", "revision")
            .values_list("score", "revision")
        )
        for one in read
    ]
    assert scores == [[(int(score), 1) for score in given] for given in ("43215343", "33333333", "45333333")]
    found = Finding.objects.get()
    assert (found.presentation, found.kind, found.side, found.remark) == (read[1], "alteration", "right", "L4 gone")
    assert found.i is not None
