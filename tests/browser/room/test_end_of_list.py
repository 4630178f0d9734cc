"""Beyond rating: pairs that cannot be read, practice, the question on blinding, signing, hours without a network."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from readerstudy.audit.models import Event
from readerstudy.material.models import Case
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Guess, Presentation, Rating, Signature
from tests import factories
from tests.browser.room.actions import confirm, current, press, see_all, until_fetched, until_saved, until_shown

pytestmark = pytest.mark.django_db(transaction=True)


def answer(page: Page) -> None:
    press(page, *"33333333", "q", "w")
    see_all(page)
    confirm(page)


def test_a_pair_with_a_technical_problem_comes_again_at_the_end(page, reader):
    skipped = current(reader)
    press(page, "4")
    page.wait_for_timeout(450)
    press(page, "t")
    expect(page.get_by_role("dialog", name="A technical problem")).to_be_visible()
    press(page, "Escape")
    page.locator(".chip.trouble").click()
    press(page, "2")
    expect(page.locator(".position")).to_have_text("2 of 6")
    until_saved(page)
    skipped.refresh_from_db()
    assert (skipped.state, skipped.skip_reason) == ("scheduled", "The images look broken")
    assert Event.objects.filter(action="pair skipped", data__position=1).exists()
    for presentation in Presentation.objects.filter(reader=reader, position__gt=1).order_by("position"):
        factories.read_pair(presentation)
    page.reload()
    expect(page.locator(".position")).to_have_text("1 of 6")
    expect(page.locator(".part")).to_contain_text("skipped before")
    expect(page.locator(".scale.done")).to_have_count(1)


def test_slices_seen_before_a_reload_count_as_seen(page, reader):
    with page.expect_response("**/time/"):
        see_all(page)
    page.reload()
    until_shown(page)
    slices = int(page.inner_text(".pos span"))
    assert current(reader).seen == {side: list(range(slices)) for side in ("left", "right")}
    press(page, *"33333333", "q", "w")
    confirm(page)
    expect(page.locator(".position")).to_have_text("2 of 6")


def test_four_pairs_are_read_without_a_connection(page, context, reader):
    until_fetched(page, reader, pairs=4)
    context.set_offline(True)
    for number in range(1, 5):
        expect(page.locator(".position")).to_have_text(f"{number} of 6")
        until_shown(page)
        answer(page)
    expect(page.locator(".ask")).to_contain_text("No connection")
    context.set_offline(False)
    until_saved(page)
    expect(page.locator(".position")).to_have_text("5 of 6")
    assert Presentation.objects.filter(reader=reader, state="confirmed").count() == 4
    assert Rating.objects.values("presentation", "criterion").distinct().count() == Rating.objects.count() == 32


def test_practice_is_followed_by_its_feedback(page, reader):
    case = current(reader).case
    Presentation.objects.filter(pk=current(reader).pk).update(kind="training")
    Case.objects.filter(pk=case.pk).update(feedback="The disc at L4/5 is hard to see on the left.")
    page.reload()
    until_shown(page)
    expect(page.locator(".part")).to_contain_text("practice, not counted")
    answer(page)
    cover = page.get_by_role("alertdialog", name="About this practice pair")
    expect(cover).to_contain_text("hard to see on the left")
    press(page, "Enter")
    expect(page.locator(".position")).to_have_text("2 of 6")


def test_after_the_list_it_is_asked_which_image_was_which_and_the_reading_is_signed(page, reader, live_server, study):
    ReaderStudy.objects.update(guesses=3)
    factories.read_all(reader)
    page.reload()
    expect(page.locator("#calm")).to_contain_text("Going on closes the way back")
    page.wait_for_timeout(450)
    press(page, "Enter")
    for number, key in enumerate(("ArrowLeft", "0", "ArrowRight"), 1):
        expect(page.locator(".part")).to_have_text(f"question {number} of 3")
        until_shown(page)
        press(page, "3", "q", "Space")  # nothing that could rate or confirm
        press(page, "ArrowDown")
        page.wait_for_timeout(450)
        press(page, key)
    expect(page.locator("#calm")).to_contain_text("All pairs are read")
    assert sorted(Guess.objects.values_list("side", flat=True)) == ["left", "right", "unknown"]
    assert Rating.objects.filter(revision__gt=1).count() == 0

    page.get_by_role("link", name="Sign your reading").click()
    for password, words in (("wrong", "not your password"), ("a long password", "Signed. Thank you.")):
        page.get_by_label("Your password").fill(password)
        page.get_by_role("button", name="Sign", exact=True).click()
        expect(page.get_by_text(words)).to_be_visible()
    assert Signature.objects.get().sha256 == Event.objects.get(action="reading signed").data["sha256"]
    page.goto(live_server.url + reverse("reading", args=[study.slug]))
    expect(page.get_by_role("link", name="To your home page")).to_be_visible()
    expect(page.get_by_role("link", name="Sign your reading")).to_have_count(0)
