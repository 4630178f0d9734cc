"""The divider of before and after in Chromium: by keyboard, by mouse, with the slices, without a breach of policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.enhancement import previews
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.services import create_study
from tests import factories, pixels
from tests.browser.signed_in import signed_in
from tests.material.models import make_model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    make_model(settings.MODELS_DIR)
    study = create_study(title="Models", user=factories.make_user(staff=True), model_name="own")
    factories.place_pixels(study, "FAST", pixels.volume(120, 1))
    return study


@pytest.fixture
def page(browser: Browser, live_server, study) -> Iterator[Page]:
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1280, height=720) as page:
        yield page


def at(page: Page) -> str:
    """Where the divider stands."""
    return page.evaluate("() => getComputedStyle(document.querySelector('[data-divided]')).getPropertyValue('--at')")


def test_the_divider_moves_by_keyboard_and_mouse_and_all_pictures_by_slice(page: Page, study):
    page.goto(f"/studies/{study.slug}/models/own/before-after/?arm=FAST&slice=3")
    page.get_by_role("button", name="Run own on this series").click()
    expect(page.get_by_text("own waits for a worker")).to_be_visible()
    run_job(Job.objects.get(function=previews.PREVIEW).pk)  # the page finds out by itself
    divider = page.get_by_label("Divider")
    expect(divider).to_be_visible()
    clip = "() => getComputedStyle(document.querySelector('.over')).clipPath"
    assert page.evaluate(clip) == "inset(0px 0px 0px 50%)"

    divider.focus()
    for key, share in (("ArrowRight", 51), ("ArrowLeft", 50), ("End", 100), ("Home", 0)):
        page.keyboard.press(key)
        assert at(page) == f"{share}%", key
        assert divider.input_value() == str(share)

    page.keyboard.press("ArrowUp")
    expect(page.locator("output[for=slice]")).to_have_text("4")
    assert "slice=4" in page.url
    for place in range(3):
        image = page.locator("[data-before-after] img").nth(place)
        expect(image).to_have_attribute("alt", f"{image.get_attribute('alt').rpartition(' ')[0]} 4")
        assert "slice=4" in image.get_attribute("src")
        assert image.evaluate("image => image.naturalWidth") > 100

    box = page.locator("[data-divided]").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 60)
    page.mouse.up()
    assert int(divider.input_value()) == pytest.approx(70, abs=1)
    assert at(page) == f"{divider.input_value()}%"

    page.get_by_label("Compare with").select_option("denoise")
    expect(page.get_by_role("button", name="Run denoise on this series")).to_be_visible()
    assert "slice=4" in page.url
