"""Drawing in Chromium: what is under the pointer is the voxel that is kept, a draft outlasts the page, a stale save is
refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from processing.volume import Volume
from readerstudy.material import volumes
from readerstudy.material.models import VolumeOfInterest
from readerstudy.material.volumes_of_interest import load_mask
from readerstudy.protocol.services import create_study
from tests import factories
from tests.browser.axe import AXE, violations
from tests.browser.signed_in import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
# Stored with rows and slices mirrored, pixels of 0.9 × 1.2 mm: nothing of it is as on the screen.
AFFINE = np.array([[0.0, 0.0, -4.0, 8.0], [0.9, 0.0, 0.0, 5.0], [0.0, 1.2, 0.0, -30.0], [0.0, 0.0, 0.0, 1.0]])


def click(page: Page, shape: tuple[int, ...], row: int, column: int) -> None:
    """On the middle of a pixel of the picture, which lies as large as it fits in the middle of the canvas."""
    box = page.locator("#canvas").bounding_box()
    assert box
    height, width = shape[1] * 1.2, shape[2] * 0.9  # mm
    scale = min(box["height"] / height, box["width"] / width)
    x = box["x"] + box["width"] / 2 + scale * ((column + 0.5) * 0.9 - width / 2)
    y = box["y"] + box["height"] / 2 + scale * ((row + 0.5) * 1.2 - height / 2)
    page.mouse.click(x, y)


def test_what_is_drawn_is_kept_voxel_for_voxel_and_nothing_is_lost(browser: Browser, live_server):
    study = create_study(title="Drawn", user=factories.make_user(staff=True), model_name="m")
    rng = np.random.default_rng(1)
    array = rng.integers(0, 500, (5, 20, 16))
    bright = {(1, 3, 2), (1, 3, 3), (1, 17, 14), (4, 0, 0), (4, 10, 15)}
    for place in bright:
        array[place] = 3000
    series = factories.place_pixels(study, "SOC", Volume(array, AFFINE))
    image = volumes.load_cached(series)
    shown = [tuple(map(int, place)) for place in np.argwhere(image.array == 3000)]
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1280, height=720) as page:
        page.goto(f"/studies/{study.slug}/material/sites/")
        page.get_by_role("button", name="Lesion 1 to 5").click()
        page.get_by_role("link", name="Draw").click()
        expect(page.locator("#drawn")).to_have_text("0 of 5 saved")
        with page.expect_response("**/voxels.bin?slice=4"):
            page.reload()
        page.keyboard.press("b")
        for _ in range(14):
            page.keyboard.press("-")
        for k, row, column in shown:
            page.keyboard.press("Home")
            for _ in range(k):
                page.keyboard.press("ArrowDown")
            click(page, image.shape, row, column)
        click(page, image.shape, 5, 5)
        page.keyboard.press("z")
        expect(page.locator("#kept")).to_have_text("draft kept in this browser")
        page.reload()
        expect(page.locator("[data-site='Lesion 1']")).to_contain_text("not saved")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_have_text("Lesion 1: version 1 is saved.")
        expect(page.locator("#drawn")).to_have_text("1 of 5 saved")
        kept = VolumeOfInterest.objects.get()
        assert {tuple(map(int, place)) for place in np.argwhere(load_mask(kept).array)} == {
            tuple(map(int, place)) for place in np.argwhere(volumes.load(series).array == 3000)
        }
        page.evaluate(AXE.read_text())
        assert violations(page) == []

        # Somebody else removes it meanwhile: the draft is not put over that without a word.
        page.keyboard.press("1")
        page.keyboard.press("Shift+ArrowDown")
        VolumeOfInterest.objects.update(removed_at=kept.created_at)
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Lesion 1 was removed meanwhile.")
        assert VolumeOfInterest.objects.count() == 1
