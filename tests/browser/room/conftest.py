"""The reading room with its first pair on screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import numpy as np
import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page

from processing.pair import make_pair
from processing.volume import Volume
from readerstudy.archive.store import put_bytes
from readerstudy.reading.models import PreparedPair
from tests import factories
from tests.browser.room.actions import leave, sign_in, until_shown
from tests.once import put_back
from tests.wire import WATCH_DRAWING

SHAPES = {"S01": (5, 64, 48), "S02": (7, 48, 64)}  # slices, rows, columns


def volumes(shape: tuple[int, int, int]) -> tuple[Volume, Volume]:
    """A smooth pattern that differs in every slice, and the same with noise."""
    k, j, i = np.indices(shape).astype(float)
    smooth = 400 + 250 * np.sin(j / 9 + k) * np.cos(i / 7) + 40 * k
    noisy = np.abs(smooth + np.random.default_rng(0).normal(0, 120, shape))
    # Columns run to posterior, rows to the feet, slices to the left: sagittal.
    affine = np.array([[0, 0, 4.0, 0], [0.9, 0, 0, 0], [0, -0.9, 0, 0], [0, 0, 0, 1.0]])
    return Volume(smooth.astype(np.float32), affine), Volume(noisy.astype(np.float32), affine)


@put_back
def study():
    if not (settings.BASE_DIR / "static/viewer/room.js").exists():
        pytest.skip("the viewer is not built: cd frontend && npm ci && npm run build")
    made = factories.make_study(subjects=2, readers=1)
    for row in PreparedPair.objects.filter(study=made).select_related("case__subject"):
        pair = make_pair(*volumes(SHAPES[row.case.subject.code]))
        row.geometry, row.order = pair.geometry, pair.order
        row.offsets = list(accumulate(map(len, pair.frames["first_left"]), initial=0))
        row.first_left_sha256 = put_bytes(b"".join(pair.frames["first_left"]))
        row.first_right_sha256 = put_bytes(b"".join(pair.frames["second_left"]))
        row.save()
    return factories.open_(made)


@pytest.fixture
def reader(study):
    return study.memberships.get(role="reader")


@pytest.fixture
def address(live_server, study) -> str:
    return live_server.url + reverse("reading", args=[study.slug])


@pytest.fixture
def context(browser: Browser, live_server, reader) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(15_000)
    context.add_init_script(WATCH_DRAWING)
    sign_in(context, reader, live_server.url)
    yield context
    leave(context)


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The reading room with its first pair on screen; fails on errors and on breaches of the content policy."""
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto(address)
    until_shown(page)
    yield page
    assert errors == []
