"""Keys in the browser: on another keyboard, bound by the reader, and without a meaning."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.reading.models import Finding, Rating
from tests.browser.room.actions import press, sign_in, until_saved, until_shown

pytestmark = pytest.mark.django_db(transaction=True)


def strike(page: Page, key: str, code: str, *, shift: bool = False) -> None:
    """A key as another keyboard's layout writes it."""
    line = page.context.new_cdp_session(page)
    more = {"key": key, "code": code, "text": key, "modifiers": 8 if shift else 0}
    line.send("Input.dispatchKeyEvent", {"type": "keyDown", **more})
    line.send("Input.dispatchKeyEvent", {"type": "keyUp", **more})


def test_a_pair_is_read_on_a_french_and_on_a_russian_keyboard(page, reader):
    strike(page, "a", "KeyQ")  # by value: A is where others have Q
    expect(page.locator("#finding")).to_be_visible()
    press(page, "Escape")
    strike(page, "&", "Digit1")
    strike(page, "2", "Digit2", shift=True)
    strike(page, "j", "KeyJ")
    expect(page.locator(".ask")).to_contain_text("J does nothing here")
    strike(page, "ф", "KeyA")
    strike(page, '"', "Digit3")
    press(page, "ArrowRight")
    page.keyboard.type("L4")
    press(page, "Enter")
    until_saved(page)
    rated = Rating.objects.order_by("pk").values_list("criterion__code", "score")
    assert list(rated) == [("snr", 1), ("resolution", 2)]
    assert list(Finding.objects.values_list("kind", "side", "remark")) == [("alteration", "right", "L4")]
    strike(page, "8", "Digit8")
    expect(page.locator(".ask")).to_contain_text("8 does nothing here")


def test_keys_bound_here_are_bound_on_another_machine(page, address, reader, browser: Browser, live_server):
    press(page, "?")
    page.click("text=Change keys")
    page.get_by_role("button", name="comment: M").click()
    press(page, "q")
    expect(page.locator("#keys .clash").first).to_be_visible()
    page.get_by_role("button", name="comment: Q").click()
    press(page, "j")
    page.get_by_role("button", name="zoom: right drag").click()
    page.locator("#keys h1").click()
    page.get_by_role("button", name="window and level: left drag").click()
    page.locator("#keys h1").click(button="right")
    page.click("#keys .save-keys")
    expect(page.locator("#keys")).to_contain_text("Saved with your account.")
    expect(page.locator(".chip.comment")).to_have_text("comment J")

    elsewhere = browser.new_context()
    sign_in(elsewhere, reader, live_server.url)
    other = elsewhere.new_page()
    other.goto(address)
    until_shown(other)
    expect(other.locator(".chip.comment")).to_have_text("comment J")
    box = other.locator("#pane-left").bounding_box()
    other.mouse.move(box["x"] + 200, box["y"] + 200)
    other.mouse.down()
    other.mouse.move(box["x"] + 200, box["y"] + 100)
    other.mouse.up()
    expect(other.locator(".zoom")).not_to_have_text("zoom 1.0")
    press(other, "j")
    expect(other.locator("#comment")).to_be_visible()
    elsewhere.close()


def test_one_run_of_the_cine_or_a_held_arrow_shows_every_slice(page):
    unseen, left = page.locator(".unseen"), page.locator("#pane-left")
    expect(unseen).to_be_visible()
    press(page, *"....", "c")
    expect(page.locator(".ask")).to_contain_text("24 slices a second")
    expect(unseen).to_be_hidden()
    press(page, "c", "Home")
    expect(left).to_have_attribute("data-slice", "0")
    last = int(page.inner_text(".pos span")) - 1
    for _ in range(last):  # a key that is held comes again and again
        page.keyboard.down("ArrowDown")
    page.keyboard.up("ArrowDown")
    expect(left).to_have_attribute("data-slice", str(last))


def test_images_in_turn_one_large_and_named_windows(page):
    there = page.locator("#pane-left .here")
    press(page, "b")
    expect(there).to_have_text("right image here")
    expect(there).to_be_hidden()
    expect(there).to_be_visible()
    press(page, "n")
    expect(there).to_be_hidden()
    expect(page.locator(".ask")).to_contain_text("Window: cord")
    press(page, "e")
    expect(page.locator("#room")).to_have_class("room large")
    press(page, "e")
    expect(page.locator("#room")).to_have_class("room")
    page.emulate_media(reduced_motion="reduce")
    press(page, "b")
    expect(there).to_be_visible()
    page.wait_for_timeout(900)
    expect(there).to_be_visible()
    press(page, "b")
    expect(there).to_be_hidden()
