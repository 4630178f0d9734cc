"""A reader is briefed before the first pair, reaches the briefing from any pair, and reads it again when it changes."""

from django.urls import reverse
from playwright.sync_api import expect

from readerstudy.protocol import briefing
from readerstudy.reading.models import Rating
from tests.browser.room.actions import confirm, current, press, see_all, until_shown


def test_the_briefing_lies_over_the_pair_and_comes_back_when_it_changes(page, study, reader):
    page.locator("#pane-left").focus()
    press(page, "?")
    expect(page.locator("#keys")).to_be_visible()
    press(page, "Enter")
    sheet = page.locator("#briefing")
    expect(sheet).to_be_visible()
    expect(page.locator("#keys")).to_be_hidden()
    for criterion in study.criteria.all():
        expect(sheet.get_by_text(criterion.asks, exact=True)).to_be_visible()
    expect(sheet.locator(".anchors li")).to_have_text([f"{n}{a}" for n, a in enumerate(criterion.anchors, start=1)])
    page.wait_for_function("() => [...document.querySelectorAll('#briefing img')].some((one) => one.naturalWidth > 0)")
    press(page, "4", "q", "w", "Space")
    press(page, "Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator("#pane-left")).to_be_focused()
    assert not Rating.objects.filter(presentation=current(reader)).exists()

    words = briefing.words_of(briefing.in_force(study)) | {"notes": "Ask Dr Weber."}
    briefing.write(study=study, words=words, actor=None, reason="A question came up.")
    press(page, *"33333333", "q", "w")
    see_all(page)
    confirm(page)
    page.wait_for_url("**/briefing/")
    expect(page.get_by_text("A question came up.")).to_be_visible()
    expect(page.get_by_text("Ask Dr Weber.")).to_be_visible()
    for width, height in ((1152, 720), (1280, 720), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator(".way-on button").bounding_box()
        assert box["x"] + box["width"] <= width, f"the way on is off screen at {width}"
        assert box["y"] + box["height"] <= height
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page, "Enter")  # one that was meant for the pair
    page.wait_for_timeout(700)
    assert page.url.endswith(reverse("briefing", args=[study.slug]))
    press(page, "Enter")
    until_shown(page)
    expect(page.locator(".position")).to_have_text("2 of 6")
    read = study.events.filter(action="briefing read").order_by("number")
    assert [line.data["number"] for line in read] == [1, 2]


def test_the_wording_of_each_criterion_stands_in_the_strip_at_every_width(page, study):
    for width, height in ((1920, 1080), (1440, 900), (1280, 720), (1152, 720)):
        page.set_viewport_size({"width": width, "height": height})
        for criterion in study.criteria.all():
            said = page.locator(".prompt .ask em")
            expect(said).to_have_text(criterion.better)
            expect(said).to_be_visible()
            cut = said.evaluate("(one) => one.scrollWidth - one.clientWidth")
            assert cut <= 1, f"{criterion.name} at {width}: {cut} px are cut off"
            press(page, "ArrowRight")
        press(page, *["ArrowLeft"] * study.criteria.count())
