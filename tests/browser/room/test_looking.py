"""Measuring and looking, in Chromium: the screen's own pixels with and without WebGL, and tools on both images."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from readerstudy.reading.selectors import prepared_pair
from tests.browser.room.actions import confirm, current, press, see_all, sign_in, until_shown
from tests.browser.room.test_room import stored_pixels

pytestmark = pytest.mark.django_db(transaction=True)

# Chromium without a graphics card names a software rasteriser, in whose place the room takes the processor.
SAYS_IT_HAS_A_CARD = """
window.contexts = [];
for (const kind of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const said = kind.prototype.getParameter;
    kind.prototype.getParameter = function (name) {
        const value = said.call(this, name);
        return typeof value === "string" && /swiftshader|llvmpipe/i.test(value) ? "a card" : value;
    };
}
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (...asked) {
    const context = get.apply(this, asked);
    if (context instanceof WebGL2RenderingContext && !contexts.includes(context)) contexts.push(context);
    return context;
};
"""
# Those that draw; others only ask what there is.
ALIVE = "() => contexts.filter((each) => each.canvas.width > 300 && !each.isContextLost())"


def middle_of_pane(page: Page, side: str, rows: int, columns: int) -> np.ndarray:
    """Grey values in the middle of a pane, in pixels of its canvas, rows × columns."""
    grey = page.evaluate(
        """([side, rows, columns]) => {
            const canvas = document.querySelector(`#pane-${side} canvas.cornerstone-canvas`);
            const [x, y] = [(canvas.width - columns) >> 1, (canvas.height - rows) >> 1];
            const { data } = canvas.getContext("2d").getImageData(x, y, columns, rows);
            return Array.from({ length: rows * columns }, (_, n) => data[4 * n]);
        }""",
        [side, rows, columns],
    )
    return np.array(grey, float).reshape(rows, columns)


def off(page: Page, reader) -> float:
    """The largest difference between a pixel on screen and the pixel of the image that should be there."""
    stored = stored_pixels(current(reader), int(page.get_attribute("#pane-left", "data-slice") or 0))
    return max(np.abs(middle_of_pane(page, side, *image.shape) - image).max() for side, image in stored.items())


def canvas_scale(page: Page) -> list[float]:
    """Pixels of a canvas to each CSS pixel."""
    return page.evaluate(
        """() => {
            const canvas = document.querySelector("#pane-right canvas");
            const { width, height } = canvas.getBoundingClientRect();
            return [canvas.width / width, canvas.height / height];
        }"""
    )


def test_a_pixel_of_the_image_is_one_of_the_screen_with_webgl_without_and_with_it_again(
    browser: Browser, live_server, address, reader
):
    for script in ("", SAYS_IT_HAS_A_CARD):
        context = browser.new_context(viewport={"width": 900, "height": 700}, device_scale_factor=2)
        context.add_init_script(script)
        sign_in(context, reader, live_server.url)
        page = context.new_page()
        page.goto(address)
        until_shown(page)
        press(page, "p")
        page.wait_for_timeout(300)
        assert canvas_scale(page) == [2, 2]
        assert off(page, reader) < 1
        press(page, "+")
        page.wait_for_timeout(300)
        assert off(page, reader) > 50  # what a fifth more would look like
        if script:
            press(page, "p")
            assert page.evaluate(f"({ALIVE})().length") == 1
            page.evaluate(f'({ALIVE})()[0].getExtension("WEBGL_lose_context").loseContext()')
            page.wait_for_timeout(300)
            assert page.evaluate(f"({ALIVE})().length") == 0
            assert off(page, reader) < 1  # the processor goes on
            page.wait_for_function(f"() => ({ALIVE})().length === 1")
            left = page.locator("#pane-left")
            slice_below = int(left.get_attribute("data-slice") or 0) + 1
            press(page, "i", "i", "ArrowDown")
            expect(left).to_have_attribute("data-slice", str(slice_below))
            assert off(page, reader) < 1
        context.close()


def test_measures_are_on_both_images_and_go_with_the_reset_and_with_the_pair(page: Page):
    def ruler() -> None:
        press(page, "d")
        page.mouse.move(200, 150)
        page.mouse.down()
        page.mouse.move(260, 230)
        page.mouse.up()

    rules = page.locator("polyline.rule")
    ruler()
    expect(rules).to_have_count(2)
    words = page.locator("text.length").all_text_contents()
    assert words[0] == words[1]
    assert words[0].endswith(" mm")
    press(page, "d", "z")
    expect(rules).to_have_count(0)
    press(page, ";")
    expect(page.locator(".ask")).to_contain_text("this protocol does not show them")
    see_all(page)
    ruler()
    press(page, "d", *"33333333", "q", "w")
    confirm(page)
    expect(page.locator(".position")).to_contain_text("2 of")
    until_shown(page)
    expect(page.locator(".bar")).to_have_count(2)
    expect(rules).to_have_count(0)


def grey_values(page: Page, side: str, canvas: str) -> np.ndarray:
    """Grey values of a whole canvas, rows × columns."""
    width, grey = page.evaluate(
        """([side, canvas]) => {
            const found = document.querySelector(`#pane-${side} ${canvas}`);
            const { width, height } = found;
            const { data } = found.getContext("2d").getImageData(0, 0, width, height);
            const grey = Uint8Array.from({ length: width * height }, (_, n) => data[4 * n]);
            return [width, grey.join(" ")];
        }""",
        [side, canvas],
    )
    return np.array(grey.split(), float).reshape(-1, width)


def test_the_first_images_come_before_the_room_and_stay_as_they_are_when_it_comes(
    context: BrowserContext, address: str, reader
):
    page, asked, held = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url) if "/frames/" in request.url else None)
    page.route("**/viewer/room*.js", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    expect(page.locator(".first")).to_have_count(2)
    strip = page.locator("#strip")
    expect(strip).to_have_attribute("inert", "")
    assert page.get_attribute("#pane-left", "data-ready") == "false"
    early = {side: grey_values(page, side, ".first") for side in ("left", "right")}
    assert np.abs(early["left"] - early["right"]).mean() > 5, "the test's images must differ"
    held[0].continue_()
    until_shown(page)
    expect(page.locator(".first")).to_have_count(0)
    expect(strip).not_to_have_attribute("inert", "")
    for side, picture in early.items():
        room = grey_values(page, side, ".cornerstone-canvas")
        assert room.shape == picture.shape
        assert np.abs(room - picture).max() <= 1
    middle = f"/{current(reader).token}/frames/{prepared_pair(current(reader)).order[0]}/"
    assert sum(url.endswith(middle) for url in asked) == 1

    # Not of a pair on which answers wait: it may have been confirmed.
    page.unroute("**/viewer/room*.js")
    page.route("**/ratings/**", lambda route: held.append(route))
    press(page, "3")
    expect(page.locator(".save")).to_have_attribute("data-kept", "1")
    page.reload()
    expect(page.locator(".first")).to_have_count(0)
    assert page.get_attribute("#pane-left", "data-ready") == "false"
