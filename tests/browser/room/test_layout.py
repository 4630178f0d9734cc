"""The room on every screen that readers have: everything in sight, nothing over another, nothing too small."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from readerstudy.reading.models import Presentation, Rating
from readerstudy.reading.selectors import answers
from tests.browser.axe import AXE, violations
from tests.browser.room.actions import current, leave, press, sign_in, until_saved, until_shown

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = Path(__file__).with_name("fits.js").read_text()
LANDSCAPE = [
    (1152, 720),
    (1280, 720),
    (1440, 900),
    (1600, 900),
    (1920, 1080),
    (3840, 2160),
    (1180, 820),
    (1121, 640),
    (720, 450),
]
SIZES = [*LANDSCAPE, (820, 1180)]
# Keys that lead to each state of the strip, and back.
STATES = {
    "the first criterion": (["ArrowLeft"] * 10, []),
    "a finding": (["a", "5", "ArrowUp"], ["Escape"]),
    "a comment": (["m"], ["Escape"]),
    "a problem": (["t"], ["Escape"]),
    "collapsed": (["r"], ["r"]),
    "collapsed, a finding": (["r", "a"], ["Escape", "r"]),
    "seen from afar": (["i", "+"], ["z"]),
    "diagnostic quality": (["ArrowRight"] * 10 + ["s"], ["s"]),
}


def faults(page: Page) -> list[str]:
    return page.evaluate(FAULTS)


def test_everything_is_in_its_place_at_every_size_and_in_every_state(page: Page):
    page.wait_for_timeout(450)  # in which a new pair ignores that there is a problem
    press(page, *"4321534", "a", "5", "ArrowUp", "Enter", "l", "ArrowDown")
    found = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        room = page.locator("#pane-left").bounding_box()
        for state, (there, back) in STATES.items():
            press(page, *there)
            if wrong := faults(page):
                found[f"{width} x {height}, {state}"] = wrong
            # No dialog moves or covers the images that it is about.
            if "collapsed" not in state and page.locator("#pane-left").bounding_box() != room:
                found[f"{width} x {height}, {state}, images"] = ["moved"]
            press(page, *back)
    assert found == {}

    # The list of keys lies over the images, and not over what is asked.
    press(page, "?")
    for width, height in ((1440, 900), (1152, 720)):
        page.set_viewport_size({"width": width, "height": height})
        listed, asked = (page.locator(each).bounding_box() for each in ("#keys", ".prompt"))
        assert listed["y"] + listed["height"] <= asked["y"]
    press(page, "Escape")

    # The same eyes see what was wrong before.
    for breach, word in [
        ("document.querySelector('.close').style.minWidth = '1500px'", "is not on the screen"),
        ("document.querySelector('.trouble').style.marginRight = '-60px'", "lies over"),
        ("document.querySelector('.save').style.fontSize = '9px'", "is written at 9 px"),
        ("document.querySelector('.strip').style.top = '-200px'", "covers the images"),
    ]:
        page.set_viewport_size({"width": 1152, "height": 720})
        page.evaluate(breach)
        assert any(word in fault for fault in faults(page)), breach


def test_the_room_breaches_no_rule_of_wcag(page: Page):
    if not AXE.exists():
        pytest.skip("axe is not installed: cd frontend && npm ci")
    page.evaluate(AXE.read_text())
    page.wait_for_timeout(450)
    press(page, "4")
    assert violations(page) == []
    for there, back in [("a", "Escape"), ("m", "Escape"), ("t", "Escape"), ("?", "Escape")]:
        press(page, there)
        assert violations(page) == [], there
        press(page, back)
    page.context.clear_cookies()
    press(page, "5")
    expect(page.get_by_role("alertdialog", name="Your session has ended")).to_be_visible()
    assert violations(page) == []
    # Tab stays with what covers the room.
    for _ in range(3):
        press(page, "Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#cover')")


def test_forced_colours_keep_the_slice_track_and_the_answer(page: Page):
    press(page, "4", "ArrowDown")
    page.emulate_media(forced_colors="active")
    ticks = [".track li.now", ".track li.seen:not(.now)", ".track li:not(.seen, .now)"]
    # As painted: what the browser forces is not in the computed style.
    painted = [Image.open(BytesIO(page.locator(tick).first.screenshot())).convert("RGB") for tick in ticks]
    assert len({image.getpixel((image.width // 2, image.height // 2)) for image in painted}) == 3
    chosen = page.locator(".scale:not(.now) .pt.sel").evaluate("node => getComputedStyle(node).outlineStyle")
    assert chosen == "solid"


def test_type_grows_with_the_screen(page: Page):
    sizes = []
    for width, height in [(1152, 720), (1440, 900), (1920, 1080), (3840, 2160)]:
        page.set_viewport_size({"width": width, "height": height})
        sizes.append(round(page.evaluate("parseFloat(getComputedStyle(document.querySelector('.strip')).fontSize)")))
    assert sizes == [12, 13, 15, 25]


@pytest.fixture
def tablet(browser: Browser, live_server, reader, address: str) -> Iterator[Page]:
    """The room on a tablet: fingers, no mouse, two device pixels to one."""
    context = browser.new_context(
        viewport={"width": 1180, "height": 820}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    sign_in(context, reader, live_server.url)
    page = context.new_page()
    page.goto(address)
    until_shown(page)
    yield page
    leave(context)


def test_a_pair_is_read_with_fingers(tablet: Page, reader):
    assert tablet.evaluate("matchMedia('(pointer: coarse)').matches")
    for width, height in [(820, 1180), (1180, 820)]:
        tablet.set_viewport_size({"width": width, "height": height})
        assert faults(tablet) == []
        targets = tablet.locator(".pt, .chip, .go, .help, .link").locator("visible=true")
        boxes = [target.bounding_box() for target in targets.all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 24
    tablet.locator("[data-finding]").tap()
    assert faults(tablet) == []
    controls = tablet.locator("#finding").locator("button, input").all()
    assert min(control.bounding_box()["height"] for control in controls) >= 36
    tablet.locator("#finding .leave").tap()
    fingers = tablet.context.new_cdp_session(tablet)
    box = tablet.locator("#pane-left").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, spread in [("touchStart", 40), ("touchMove", 60), ("touchMove", 80)]:
        points = [{"x": x - spread, "y": y, "id": 1}, {"x": x + spread, "y": y, "id": 2}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(tablet.locator(".zoom")).to_have_text("zoom 2.0")
    tablet.wait_for_timeout(500)  # within less than a hand needs, the browser takes a tap for a part of the gesture
    for number, scale in enumerate(tablet.locator(".scale").all(), start=1):
        scale.locator(".pt").nth(3).tap()
        expect(tablet.locator(".scale.done")).to_have_count(number)
    tablet.locator("[data-none]").tap()
    tablet.locator("[data-value=both]").tap()
    until_saved(tablet)
    first = current(reader)
    assert list(Rating.objects.values_list("score", flat=True)) == [4] * 8
    assert answers(first)["diagnostic"] == "both"
    track = tablet.locator(".track").bounding_box()
    slices = int(tablet.inner_text(".pos span"))
    for index in range(slices):
        tablet.touchscreen.tap(track["x"] + track["width"] / 2, track["y"] + track["height"] * (index + 0.5) / slices)
        expect(tablet.locator("#pane-left")).to_have_attribute("data-slice", str(index))
    tablet.locator(".go").tap()
    expect(tablet.locator(".position")).to_have_text("2 of 6")
    until_saved(tablet)
    assert Presentation.objects.get(pk=first.pk).state == "confirmed"
