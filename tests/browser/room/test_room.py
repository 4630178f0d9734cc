"""The reading room in Chromium: what a reader sees, presses and cannot lose."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Page, expect

from processing.pair import decode
from readerstudy.accounts import gate
from readerstudy.archive.store import read
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Finding, Presentation, Rating
from readerstudy.reading.selectors import answers, frames_sha256, prepared_pair
from tests import factories
from tests.browser.room.actions import (
    confirm,
    current,
    press,
    see_all,
    until_fetched,
    until_saved,
    until_shown,
)
from tests.telling import tells

pytestmark = pytest.mark.django_db(transaction=True)


def shown_pixels(page: Page, side: str, rows: int, columns: int) -> np.ndarray:
    """Grey values of a pane at the centres of its image's pixels, rows × columns."""
    grey = page.evaluate(
        """([side, rows, columns]) => {
            const canvas = document.querySelector(`#pane-${side} canvas.cornerstone-canvas`);
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            const scale = Math.min(height / rows, width / columns);
            const place = (n, count, size) => Math.floor((n + 0.5 - count / 2) * scale + size / 2);
            const at = (j, i) => data[4 * (place(j, rows, height) * width + place(i, columns, width))];
            return Array.from({ length: rows * columns }, (_, n) => at(Math.floor(n / columns), n % columns));
        }""",
        [side, rows, columns],
    )
    return np.array(grey, dtype=float).reshape(rows, columns)


def stored_pixels(presentation: Presentation, index: int) -> dict[str, np.ndarray]:
    """Grey values that the panes should show: the stored frame in its window."""
    pair = prepared_pair(presentation)
    frame = read(frames_sha256(presentation, pair), pair.offsets[index], pair.offsets[index + 1])
    sides = decode(frame, pair.geometry)
    upper = pair.geometry["window"]["upper"]
    return {name: np.clip(side / upper, 0, 1) * 255 for name, side in zip(("left", "right"), sides, strict=True)}


def test_each_pane_shows_its_own_side_of_the_stored_frame(page, reader):
    press(page, "ArrowDown")
    middle = prepared_pair(current(reader)).order[0]
    expect(page.locator("#pane-left")).to_have_attribute("data-slice", str(middle + 1))
    stored = stored_pixels(current(reader), middle + 1)
    for side, other in (("left", "right"), ("right", "left")):
        shown = shown_pixels(page, side, *stored[side].shape)
        own = np.abs(shown - stored[side]).mean()
        assert own < 3  # a canvas pixel lies a fraction beside the centre
        assert own < 0.2 * np.abs(shown - stored[other]).mean()


def test_both_panes_are_always_drawn_in_the_same_animation_frame(page):
    for key in ("ArrowDown", "ArrowUp", "Home", "i", "+", "Shift+Digit2", "z"):
        drawn = page.evaluate("() => window.drawn.length")
        press(page, key)
        page.wait_for_function("(drawn) => window.drawn.length > drawn", arg=drawn)
    expect(page.locator(".window")).to_have_text("window 100 % · level 50 %")
    frames: dict[float, set[str]] = {}
    for frame, pane in page.evaluate("() => window.drawn"):
        frames.setdefault(frame, set()).add(pane)
    assert len(frames) > 4
    assert all(panes == {"pane-left", "pane-right"} for panes in frames.values())


def test_a_pair_is_read_with_eleven_strokes_and_the_wheel(page, reader):
    first = current(reader)
    expect(page.locator(".position")).to_have_text("1 of 6")
    press(page, *"43215343", "q", "w")
    expect(page.locator(".go")).to_contain_text("4 slices unseen" if prepared_pair(first).order[0] == 2 else "unseen")
    see_all(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    until_saved(page)
    scores = Rating.objects.filter(presentation=first).order_by("criterion__place").values_list("score", flat=True)
    assert list(scores) == [4, 3, 2, 1, 5, 3, 4, 3]
    given = answers(first)
    assert (given["integrity"], given["diagnostic"]) == ("none", "both")
    first.refresh_from_db()
    assert first.state == "confirmed"
    assert first.seconds > 0


def test_confirming_names_what_is_missing_and_goes_there(page, reader):
    press(page, *"333")
    confirm(page)
    expect(page.locator(".ask")).to_contain_text("7 to go")
    expect(page.locator(".ask")).to_contain_text("Cord delineation")
    expect(page.locator(".scale.now .name")).to_have_text("Cord delineation")
    assert current(reader).state == "in_progress"


def test_a_new_pair_ignores_confirmation_for_a_moment(page, reader):
    page.evaluate(
        """() => {
            const pane = document.querySelector("#pane-left");
            window.saidTooEarly = null;
            new MutationObserver(() => {
                if (pane.dataset.ready !== "true" || window.saidTooEarly !== null) return;
                dispatchEvent(new KeyboardEvent("keydown", { key: " ", code: "Space" }));
                window.saidTooEarly = document.querySelector(".ask").textContent;
            }).observe(pane, { attributes: true });
        }"""
    )
    press(page, *"33333333", "q", "w")
    see_all(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    assert "to go" not in page.evaluate("() => window.saidTooEarly")


def test_a_digit_too_many_changes_nothing(page, reader):
    press(page, *"3" * 10)
    expect(page.locator(".integrity")).to_have_class("chips integrity now")
    until_saved(page)
    assert answers(current(reader))["integrity"] is None
    assert Rating.objects.count() == 8


def test_keys_overwrite_clear_and_cannot_judge_as_new_revisions(page, reader):
    press(page, "4", "ArrowLeft", "5", "Backspace", "x", "2")
    until_saved(page)
    rows = Rating.objects.order_by("pk").values_list("criterion__code", "revision", "status", "score")
    assert list(rows) == [
        ("snr", 1, "rated", 4),
        ("snr", 2, "rated", 5),
        ("snr", 3, "missing", None),
        ("snr", 4, "cannot_judge", None),
        ("resolution", 1, "rated", 2),
    ]


def test_a_finding_keeps_kind_side_words_and_the_voxel_that_was_clicked(page, reader):
    geometry = prepared_pair(current(reader)).geometry
    box = page.locator("#pane-right").bounding_box()
    press(page, "a", "3")
    page.mouse.click(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    expect(page.locator("#pane-right .ring")).to_have_count(1)
    page.keyboard.type("drawn margin")
    press(page, "Enter")
    until_saved(page)
    found = Finding.objects.get()
    assert (found.kind, found.side, found.remark) == ("alteration", "right", "drawn margin")
    assert (found.i, found.j, found.k) == (geometry["columns"] // 2, geometry["rows"] // 2, geometry["slices"] // 2)
    assert answers(current(reader))["integrity"] == "findings"
    press(page, "a", "Escape")
    assert Finding.objects.count() == 1


def test_a_finding_is_taken_back_before_and_after_it_was_sent(page, context, reader):
    press(page, "a", "1", "ArrowLeft", "Enter")
    until_saved(page)
    context.set_offline(True)
    press(page, "a", "2", "ArrowDown", "Enter", "Backspace")
    context.set_offline(False)
    until_saved(page)
    # It may have been on its way when it was taken back; then it arrives and is withdrawn.
    standing = Finding.objects.filter(withdrawn_at=None).values_list("kind", flat=True)
    for _ in range(50):
        if list(standing.all()) == ["loss"]:
            break
        page.wait_for_timeout(100)
    assert list(standing.all()) == ["loss"]
    assert answers(current(reader))["integrity"] == "findings"
    press(page, "a")
    page.click("text=take back")
    press(page, "Escape")
    until_saved(page)
    given = answers(current(reader))
    assert (given["findings"], given["integrity"]) == ([], None)


def test_unlinked_stacks_scroll_apart_and_keep_their_offset_when_linked_again(page):
    middle = int(page.get_attribute("#pane-left", "data-slice"))
    page.hover("#pane-right")
    press(page, "l")
    page.mouse.wheel(0, 120)
    expect(page.locator("#pane-right")).to_have_attribute("data-slice", str(middle + 1))
    expect(page.locator("#pane-left")).to_have_attribute("data-slice", str(middle))
    press(page, "l", "ArrowUp")
    expect(page.locator("#pane-left")).to_have_attribute("data-slice", str(middle - 1))
    expect(page.locator("#pane-right")).to_have_attribute("data-slice", str(middle))
    expect(page.locator(".seam .off")).to_have_text("+1")
    press(page, "z")
    expect(page.locator("#pane-right")).to_have_attribute("data-slice", str(middle - 1))


def test_zoom_and_window_start_afresh_with_each_pair(page):
    press(page, "+", "+", "i", "Shift+Digit2", *"33333333", "q", "w")
    expect(page.locator(".zoom")).to_have_text("zoom 1.6")
    see_all(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    expect(page.locator(".zoom")).to_have_text("zoom 1.0")
    expect(page.locator(".window")).to_have_text("window 100 % · level 50 %")


def test_answers_wait_for_the_connection_and_then_arrive_in_order(page, context, reader):
    context.set_offline(True)
    press(page, *"452")
    expect(page.locator(".save")).to_have_text("offline · 3 kept here")
    context.set_offline(False)
    until_saved(page)
    assert list(Rating.objects.order_by("pk").values_list("score", flat=True)) == [4, 5, 2]


def test_answers_given_without_a_server_survive_a_reload(page, reader):
    page.route("**/ratings/**", lambda route: route.abort())
    press(page, *"24")
    expect(page.locator(".save")).to_have_text("offline · 2 kept here")
    page.unroute("**/ratings/**")
    page.reload()
    until_shown(page)
    until_saved(page)
    assert list(Rating.objects.order_by("pk").values_list("score", flat=True)) == [2, 4]
    expect(page.locator(".scale.done")).to_have_count(2)
    expect(page.locator(".scale.now .name")).to_have_text("Artifacts")


def test_a_locked_page_keeps_answers_and_goes_on_by_the_password_where_it_was(page, context, reader):
    cookies = {one["name"]: one["value"] for one in context.cookies()}
    session = SessionStore(cookies[settings.SESSION_COOKIE_NAME])
    gate.lock(session)
    session.save()
    press(page, "2")
    expect(page.get_by_role("dialog", name="Locked")).to_be_visible()
    expect(page.locator("#pane-left")).to_be_hidden()
    assert not reader.presentations.filter(ratings__isnull=False).exists()
    page.keyboard.type("1")  # of the password, no answer
    page.keyboard.press("Backspace")
    page.keyboard.type("a long password")
    page.keyboard.press("Enter")
    expect(page.locator("#pane-left")).to_be_visible()
    until_saved(page)
    assert [rating.score for rating in current(reader).ratings.all()] == [2]


def test_the_pair_fetched_ahead_can_be_read_without_a_connection(page, context, reader):
    first = current(reader)
    press(page, *"33333333", "q", "w")
    see_all(page)
    until_saved(page)
    until_fetched(page, reader, pairs=2)
    context.set_offline(True)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    press(page, "5")
    context.set_offline(False)
    until_saved(page)
    first.refresh_from_db()
    assert first.state == "confirmed"
    assert answers(current(reader))["ratings"].popitem()[1]["score"] == 5


def test_the_older_of_two_tabs_stops(page, context, address):
    second = context.new_page()
    second.goto(address)
    until_shown(second)
    expect(page.locator("#cover")).to_contain_text("This reading goes on in another tab")
    press(page, "3")
    until_saved(second)
    assert Rating.objects.count() == 0


def test_the_pair_before_can_be_changed_and_the_list_goes_on(page, reader):
    first = current(reader)
    press(page, *"33333333", "q", "w")
    see_all(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    press(page, "Shift+Backspace")
    expect(page.locator(".position")).to_have_text("1 of 6")
    until_shown(page)
    press(page, "ArrowLeft", "ArrowLeft", "ArrowLeft", "5")
    until_saved(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_saved(page)
    assert sorted(r["revision"] for r in answers(first)["ratings"].values()) == [1] * 7 + [2]


def test_the_end_of_the_list_is_said_calmly(page, reader, context):
    ReaderStudy.objects.update(guesses=0)
    for presentation in Presentation.objects.filter(reader=reader).order_by("position")[:5]:
        factories.read_pair(presentation)
    page.reload()
    expect(page.locator(".position")).to_have_text("6 of 6")
    until_shown(page)
    press(page, *"33333333", "q", "w")
    see_all(page)
    confirm(page, "Enter")
    expect(page.locator("#calm")).to_contain_text("All pairs are read")
    expect(page.locator("#calm")).to_contain_text("6 of 6 pairs read")


def test_nothing_that_the_browser_holds_names_an_arm_or_a_series(page, study):
    page.route("**/ratings/**", lambda route: route.abort())
    press(page, *"24")
    expect(page.locator(".save")).to_contain_text("kept here")
    kept = page.evaluate(
        """async () => {
            const opening = indexedDB.open("reading");
            const database = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
            const reading = database.transaction("answers").objectStore("answers").getAll();
            const records = await new Promise((done) => { reading.onsuccess = () => done(reading.result); });
            return JSON.stringify([records, { ...localStorage }, { ...sessionStorage }, document.title]);
        }"""
    )
    assert {key for record in json.loads(kept)[0] for key in record} == {
        "id",
        "base",
        "what",
        "method",
        "path",
        "body",
        "on",
        "position",
        "reader",
    }
    held = page.content() + kept
    words = [arm.code for arm in study.arms.all()] + [one.sha256 for one in study.series.all()]
    words += [case.code for case in study.cases.all()] + [c.code for c in study.comparisons.all()]
    assert tells(words, held) == []
