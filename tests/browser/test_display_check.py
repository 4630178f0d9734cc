"""The display check in Chromium: patterns in the screen's own pixels, by keyboard and mouse, and what is kept."""

import base64
import os
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from readerstudy.viewing.models import DisplayCheck
from tests import factories
from tests.browser.room.actions import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

FIND = """name => {
  const canvas = document.querySelector(`canvas[data-pattern=${name}]`);
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const shown = canvas.getBoundingClientRect();
  return { width, height, shown: [shown.width * devicePixelRatio, shown.height * devicePixelRatio],
    grey: btoa(data.filter((_, at) => at % 4 === 0).reduce((text, value) => text + String.fromCharCode(value), "")) };
}"""


def pixels(page: Page, name: str) -> np.ndarray:
    """The grey values of a pattern; each is one pixel of the screen."""
    found = page.evaluate(FIND, name)
    assert np.allclose(found["shown"], [found["width"], found["height"]], atol=0.02)
    return np.frombuffer(base64.b64decode(found["grey"]), np.uint8).reshape(found["height"], found["width"])


def quarter_of(page: Page, name: str) -> str:
    """Where an observer who makes no mistake finds the square or the disc: the quarter whose middle differs."""
    field, size = pixels(page, name).astype(float), 4
    rows, columns = field.shape
    if name == "discs":
        radius = "cell => parseInt(cell.closest('table').rows[0].cells[cell.cellIndex].textContent) / 2"
        size = int(page.locator("#map td.now").evaluate(radius))
    y, x = np.indices(field.shape) + 0.5
    middles = [(x - columns * a / 4, y - rows * b / 4) for b in (1, 3) for a in (1, 3)]
    means = np.array([field[np.hypot(*middle) < size].mean() for middle in middles])
    return str(int(np.argmax(means if name == "discs" else np.abs(means - np.median(means)))) + 1)


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_reader_checks_the_display_from_home_to_the_readings(browser, live_server, settings):
    if not (settings.BASE_DIR / "static/js/display_check.js").exists():
        pytest.skip("the scripts are not built: cd frontend && npm ci && npm run build")
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, device_scale_factor=1.25, base_url=live_server.url
    )
    sign_in(context, study.memberships.get(role="reader"), live_server.url)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto("/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Is this screen fit for reading?")).to_be_visible()
    expect(page.locator("[data-border]")).to_have_count(17)  # drawn
    assert list(np.unique(pixels(page, "steps"))) == [round(255 * step / 17) for step in range(18)]
    shoot(page, "steps")
    border = page.get_by_role("button", name="the border between 0 % and 6 % is not seen")
    border.click()
    expect(border).to_have_attribute("aria-pressed", "true")
    border.click()  # seen after all
    page.locator("h1").click()
    page.keyboard.press("Enter")
    for name, values in (("dark", {0, 13}), ("bright", {242, 255})):
        assert set(np.unique(pixels(page, name))) == values
        page.keyboard.press(quarter_of(page, name))
    expect(page.locator("[data-look=patches] .state")).to_have_text("both found")
    for number in range(12):
        expect(page.locator("[data-look=discs] .state")).to_have_text(f"disc {number + 1} of 12")
        if number == 6:
            shoot(page, "discs")
        page.keyboard.press(quarter_of(page, "discs"))
    expect(page.locator("#verdict")).to_have_text("Fit for reading")
    expect(page.locator("#words")).to_contain_text("18 of 18 steps, both patches")
    shoot(page, "done")
    check = DisplayCheck.objects.get()
    assert (check.missed, check.dark, check.bright) == ([], True, True)
    assert (check.window_width, check.window_height, check.device_pixel_ratio) == (1440, 900, 1.25)
    assert "Chrome" in check.browser
    assert check.passed
    page.keyboard.press("Enter")
    expect(page).to_have_url(live_server.url + reverse("reading", args=[study.slug]))
    assert errors == []
    context.close()
