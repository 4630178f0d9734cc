"""Where the room and the server could part: late answers, a second browser, another reader, a study that pauses."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, expect

from readerstudy.accounts.models import Membership
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Presentation, Rating
from readerstudy.reading.selectors import answers
from readerstudy.states import State
from tests import factories
from tests.browser.room.actions import (
    confirm,
    current,
    leave,
    press,
    see_all,
    sign_in,
    until_fetched,
    until_saved,
    until_shown,
)

# Notes every pair that comes on screen, however briefly.
WATCH_POSITION = """() => {
  const node = document.querySelector(".position");
  window.positions = [node.textContent];
  const note = () => node.textContent !== window.positions.at(-1) && window.positions.push(node.textContent);
  new MutationObserver(note).observe(node, { childList: true, characterData: true, subtree: true });
}"""

pytestmark = pytest.mark.django_db(transaction=True)


def answer(page: Page, digits: str = "33333333") -> None:
    press(page, *digits, "q", "w")
    see_all(page)


def another(study: ReaderStudy) -> Membership:
    """One more reader of the study, with nothing to read."""
    return Membership.objects.create(study=study, user=factories.make_user(), role="reader", code="R9")


def scores(presentation: Presentation) -> list[tuple[int, int]]:
    """Revision and score of everything stored on a pair, in the order of arrival."""
    return list(Rating.objects.filter(presentation=presentation).order_by("pk").values_list("revision", "score"))


@pytest.fixture
def second(browser, live_server, reader, address) -> Iterator[Page]:
    """The same reader at another machine, with the same pair on screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(15_000)
    sign_in(context, reader, live_server.url)
    page = context.new_page()
    page.goto(address)
    until_shown(page)
    yield page
    leave(context)


# -- no answer lands on another pair -------------------------------------------------------------------------------


@pytest.mark.parametrize("confirmed", [2, 3])
def test_confirmations_that_waited_do_not_throw_the_reader_back(page, context, reader, confirmed):
    pairs = list(Presentation.objects.filter(reader=reader).order_by("position"))
    until_fetched(page, reader, pairs=4)
    context.set_offline(True)
    for number in range(1, confirmed + 1):
        expect(page.locator(".position")).to_have_text(f"{number} of 6")
        until_shown(page)
        answer(page)
        confirm(page)
    here = page.locator(".position")
    expect(here).to_have_text(f"{confirmed + 1} of 6")
    until_shown(page)
    press(page, "1")

    def slowly(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/confirm/", slowly)
    page.evaluate(WATCH_POSITION)
    context.set_offline(False)
    for key in "2452345":  # while the confirmations are on their way
        press(page, key)
        page.wait_for_timeout(150)
        expect(here).to_have_text(f"{confirmed + 1} of 6")
    until_saved(page)
    expect(here).to_have_text(f"{confirmed + 1} of 6")
    assert page.evaluate("() => window.positions") == [f"{confirmed + 1} of 6"]
    for pair in pairs[:confirmed]:
        pair.refresh_from_db()
        assert pair.state == "confirmed"
        assert scores(pair) == [(1, 3)] * 8
    assert scores(pairs[confirmed]) == [(1, int(digit)) for digit in "12452345"]
    assert Rating.objects.filter(revision__gt=1).count() == 0


def test_the_answer_to_a_confirmation_that_was_lost_on_its_way_comes_again(page, context, reader):
    first = current(reader)
    until_fetched(page, reader, pairs=3)
    answer(page)
    lost = []

    def lose(route: Route) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/confirm/", lose)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    press(page, "5", "1")
    until_saved(page)
    assert lost == [200]
    expect(page.locator(".position")).to_have_text("2 of 6")
    assert scores(current(reader)) == [(1, 5), (1, 1)]
    first.refresh_from_db()
    assert (first.state, first.revision) == ("confirmed", 11)


# -- a second browser ----------------------------------------------------------------------------------------------


def test_a_second_browser_overwrites_nothing_and_the_reader_chooses_the_servers(page, second, reader):
    pair = current(reader)
    press(page, "2")
    until_saved(page)
    press(second, "5", "4")
    cover = second.get_by_role("alertdialog", name="Two versions of pair 1")
    expect(cover).to_be_visible()
    expect(cover.locator("tr.differs th")).to_have_text(["SNR", "Resolution"])
    expect(cover.locator("tr.differs td:nth-child(2)")).to_have_text(["2 · left slightly better", "–"])
    expect(cover.locator("tr.differs td:nth-child(3)")).to_have_text(
        ["5 · right markedly better", "4 · right slightly better"]
    )
    press(second, "Space", "Enter", "3")  # nothing that could choose by chance
    expect(cover).to_be_visible()
    assert scores(pair) == [(1, 2)]
    second.wait_for_timeout(450)
    press(second, "k")
    expect(cover).to_be_hidden()
    expect(second.locator(".scale.done")).to_have_count(1)
    expect(second.locator(".refused")).to_have_text("2 not accepted")
    press(second, "1")
    until_saved(second)
    assert scores(pair) == [(1, 2), (1, 1)]
    second.click(".refused")
    expect(second.locator("#cover tbody tr")).to_have_count(2)
    second.wait_for_timeout(450)
    with second.expect_download() as download:
        press(second, "f")
    assert re.search(r'"score": 5.*"score": 4', download.value.path().read_text(), re.DOTALL)
    second.wait_for_timeout(450)
    press(second, "r")
    expect(second.locator(".refused")).to_be_hidden()


def test_the_reader_may_choose_what_was_answered_here_with_the_confirmation(page, second, context, reader):
    pair = current(reader)
    until_fetched(page, reader, pairs=3)
    context.set_offline(True)
    answer(page, "55555555")
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    answer(second, "11111111")
    until_saved(second)
    context.set_offline(False)
    expect(page.locator(".ask")).to_contain_text("Pair 1 was changed in another place")
    answer(page)
    expect(page.locator(".save")).to_contain_text("kept here")
    expect(page.locator(".position")).to_have_text("2 of 6")
    assert scores(pair) == [(1, 1)] * 8
    confirm(page)
    cover = page.get_by_role("alertdialog", name="Two versions of pair 1")
    expect(cover.locator("tr.differs")).to_have_count(9)  # eight scores, and that it is confirmed
    page.wait_for_timeout(450)
    press(page, "u")
    until_saved(page)
    assert scores(pair) == [(1, 1)] * 8 + [(2, 5)] * 8
    pair.refresh_from_db()
    assert pair.state == "confirmed"
    expect(page.locator(".position")).to_have_text("2 of 6")
    confirm(page)
    expect(page.locator(".position")).to_have_text("3 of 6")


def test_a_pair_confirmed_in_another_browser_is_not_answered_again(page, second, reader):
    ReaderStudy.objects.update(allow_back=False)
    pair = current(reader)
    answer(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_saved(page)
    press(second, "1")
    cover = second.get_by_role("alertdialog", name="Pair 1 is confirmed")
    expect(cover).to_contain_text("1 answer given here stays in this browser")
    second.wait_for_timeout(450)
    press(second, "k")
    expect(second.locator(".position")).to_have_text("2 of 6")
    until_shown(second)
    expect(second.locator(".refused")).to_have_text("1 not accepted")
    assert scores(pair) == [(1, 3)] * 8


def test_a_confirmation_that_is_refused_stays_and_says_so(page, context, reader):
    pairs = list(Presentation.objects.filter(reader=reader).order_by("position"))
    until_fetched(page, reader, pairs=3)
    context.set_offline(True)
    answer(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    refusal = {"detail": "Not everything is answered.", "missing": ["SNR"], "code": "missing"}
    page.route("**/confirm/", lambda route: route.fulfill(status=422, json=refusal), times=1)
    context.set_offline(False)
    expect(page.locator(".refused")).to_have_text("1 not accepted")
    expect(page.locator(".ask")).to_contain_text("Pair 1 is not confirmed")
    expect(page.locator(".position")).to_have_text("2 of 6")
    answer(page)
    confirm(page)
    cover = page.get_by_role("alertdialog", name="Pair 1 is not confirmed")
    expect(cover).to_contain_text("SNR")
    page.wait_for_timeout(450)
    press(page, "Enter")
    expect(page.locator(".position")).to_have_text("1 of 6")
    until_shown(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    until_saved(page)
    expect(page.locator(".refused")).to_be_hidden()
    expect(page.locator(".scale.done")).to_have_count(8)
    assert [scores(pair) for pair in pairs[:2]] == [[(1, 3)] * 8] * 2


def test_the_next_pair_does_not_wait_for_the_server_and_a_refusal_leads_back_on_the_readers_key(page, reader):
    pairs = list(Presentation.objects.filter(reader=reader).order_by("position"))
    until_fetched(page, reader, pairs=3)
    answer(page)
    until_saved(page)
    held = []
    page.route("**/confirm/", lambda route: held.append(route), times=1)
    with page.expect_request("**/confirm/"):
        confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    press(page, "3")
    assert scores(pairs[1]) == []
    pairs[0].refresh_from_db()
    assert pairs[0].state == "in_progress"
    held[0].fulfill(status=422, json={"detail": "Not everything is answered.", "missing": ["SNR"], "code": "missing"})
    expect(page.locator(".ask")).to_contain_text("Pair 1 is not confirmed")
    expect(page.locator(".position")).to_have_text("2 of 6")
    press(page, "Shift+Backspace")
    expect(page.locator(".position")).to_have_text("1 of 6")
    until_shown(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_shown(page)
    until_saved(page)
    assert [scores(pair) for pair in pairs[:2]] == [[(1, 3)] * 8, [(1, 3)]]


# -- what was seen, and the last look ------------------------------------------------------------------------------


def test_what_was_seen_without_a_connection_travels_with_the_confirmation(page, context, reader):
    pairs = list(Presentation.objects.filter(reader=reader).order_by("position"))
    until_fetched(page, reader, pairs=3)
    page.route("**/time/", lambda route: route.fulfill(json={"seconds": 0}))
    answer(page)
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_saved(page)
    pairs[0].refresh_from_db()
    slices = len(pairs[0].seen["left"])
    assert pairs[0].seen == {side: list(range(slices)) for side in ("left", "right")}
    assert slices > 3


def test_where_the_protocol_does_not_ask_for_all_slices_the_room_does_not(page, reader):
    ReaderStudy.objects.update(require_all_slices=False)
    page.reload()
    until_shown(page)
    press(page, *"33333333", "q", "w")
    expect(page.locator(".go")).to_contain_text("Enter")
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")


def test_the_last_look_goes_back_or_closes_the_way_back(page, reader):
    ReaderStudy.objects.update(guesses=1)
    pairs = list(Presentation.objects.filter(reader=reader).order_by("position"))
    for pair in pairs[:5]:
        factories.read_pair(pair)
    page.reload()
    until_shown(page)
    answer(page)
    confirm(page, "Enter")
    calm = page.locator("#calm")
    expect(calm).to_contain_text("All pairs are read")
    expect(calm).to_contain_text("Going on closes the way back")
    page.wait_for_timeout(450)
    press(page, "Space", "3", "Shift+Backspace")
    expect(page.locator(".position")).to_have_text("6 of 6")
    until_shown(page)
    press(page, "ArrowLeft", "ArrowLeft", "ArrowLeft", "5")
    until_saved(page)
    confirm(page)
    expect(calm).to_be_visible()
    expect(calm).to_contain_text("Going on closes the way back")
    page.wait_for_timeout(450)
    press(page, "Enter")
    expect(page.locator(".part")).to_have_text("question 1 of 1")
    until_shown(page)
    press(page, "Shift+Backspace")
    expect(page.locator(".part")).to_have_text("question 1 of 1")
    pairs[5].refresh_from_db()
    assert sorted(r["revision"] for r in answers(pairs[5])["ratings"].values()) == [1] * 7 + [2]


# -- sessions and states -------------------------------------------------------------------------------------------


def test_somebody_else_signs_in_and_the_reader_comes_back(page, context, reader, live_server, study):
    other = another(study)
    pair = current(reader)
    context.set_offline(True)  # else the first answer's refusal may come before the second is given
    press(page, "4", "2")
    expect(page.locator(".save")).to_contain_text("2 kept here")
    sign_in(context, other, live_server.url)
    context.set_offline(False)
    cover = page.get_by_role("alertdialog", name="Somebody else has signed in")
    expect(cover).to_contain_text("2 answers kept in this browser")
    expect(cover).to_contain_text(reader.code)
    page.wait_for_timeout(500)
    assert Rating.objects.count() == 0
    sign_in(context, reader, live_server.url)
    expect(cover).to_be_hidden(timeout=10_000)  # by itself
    until_saved(page)
    press(page, "5")
    until_saved(page)
    assert scores(pair) == [(1, 4), (1, 2), (1, 5)]


def test_what_one_reader_left_in_a_browser_waits_for_that_reader(page, context, reader, live_server, study, address):
    other = another(study)
    pair = current(reader)
    page.route("**/ratings/**", lambda route: route.abort())
    press(page, "4", "2")
    expect(page.locator(".save")).to_contain_text("2 kept here")
    page.goto("about:blank")
    page.unroute("**/ratings/**")
    sign_in(context, other, live_server.url)
    page.goto(address)
    expect(page.locator("#calm")).to_be_visible()  # an empty list
    page.wait_for_timeout(300)
    assert Rating.objects.count() == 0
    sign_in(context, reader, live_server.url)
    page.goto(address)
    until_shown(page)
    until_saved(page)
    assert scores(pair) == [(1, 4), (1, 2)]


def test_an_expired_session_goes_on_by_itself(page, context, reader, live_server):
    pair = current(reader)
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    press(page, "4")
    cover = page.locator("#cover")
    expect(cover).to_contain_text("Your session has ended")
    with page.expect_response(lambda response: response.status == 401, timeout=2000):
        page.click("text=Try again")
    expect(cover).to_contain_text("1 answer kept in this browser")
    sign_in(context, reader, live_server.url)
    expect(cover).to_be_hidden(timeout=10_000)
    until_saved(page)
    assert scores(pair) == [(1, 4)]


@pytest.mark.parametrize(
    ("state", "words"),
    [("paused", "goes on by itself"), ("closed", "takes no answers any more"), ("locked", "takes no answers any more")],
)
def test_a_study_that_takes_no_answers_says_so_and_loses_none(page, reader, study, state, words):
    pair = current(reader)
    ReaderStudy.objects.update(state=state)
    press(page, "4")
    cover = page.get_by_role("alertdialog", name=f"The study is {state}")
    expect(cover).to_contain_text("1 answer kept in this browser")
    expect(cover).to_contain_text(words)
    ReaderStudy.objects.update(state=State.OPEN)
    expect(cover).to_be_hidden(timeout=10_000)
    until_saved(page)
    assert scores(pair) == [(1, 4)]


# -- the mouse -----------------------------------------------------------------------------------------------------


def click_as_webkit(page: Page, scale: int, score: int) -> None:
    """A mouse click on a score whose radio takes the focus afterwards."""
    label = page.locator(".scale").nth(scale).locator(".pt").nth(score - 1)
    box = label.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label.locator("input").evaluate("radio => new Promise(done => setTimeout(() => { radio.focus(); done(); }, 20))")


def test_a_score_given_by_mouse_keeps_its_place_whenever_the_focus_comes(page, reader):
    pair = current(reader)
    click_as_webkit(page, 0, 4)
    press(page, "2")
    until_saved(page)
    assert scores(pair) == [(1, 4), (1, 2)]
    expect(page.locator(".scale.now .name")).to_have_text("Artifacts")
    press(page, *"333333", "q", "w")
    see_all(page)
    click_as_webkit(page, 3, 5)
    confirm(page, "Space")
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_saved(page)
    assert sorted(r["score"] for r in answers(pair)["ratings"].values()) == [2, 3, 3, 3, 3, 3, 4, 5]


def test_the_cursor_still_follows_tab(page):
    page.locator(".scale").nth(0).locator("input").first.focus()
    press(page, "Tab", "Tab")
    expect(page.locator(".scale.now")).to_have_count(1)
    name = page.evaluate("() => document.activeElement.closest('.scale')?.querySelector('.name').textContent")
    expect(page.locator(".scale.now .name")).to_have_text(name)
