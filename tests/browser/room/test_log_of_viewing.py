"""The log of viewing, from what a reader does in Chromium to what is kept of it."""

import pytest

from analysis.viewing import dwell, time_to_first_answer, toggles
from analysis.viewing_log import read_visit
from readerstudy.reading.models import Presentation
from readerstudy.viewing.models import LogPart
from tests.browser.room.actions import confirm, current, press, see_all

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_log_of_a_pair_leads_to_what_was_on_screen_at_its_end(page, reader):
    first = current(reader)
    page.wait_for_timeout(600)
    see_all(page)
    page.wait_for_timeout(300)
    page.keyboard.down("v")
    page.wait_for_timeout(600)
    page.keyboard.up("v")
    press(page, *"33333333", "q", "w", "Home", "+")
    page.wait_for_timeout(300)
    with page.expect_response("**/viewing/"):
        confirm(page)
    part = LogPart.objects.get(presentation=first)
    visit = read_visit({part.number: part.entries}, end=part.end, checksum=part.checksum)
    assert visit.whole
    assert visit.agrees
    last = visit.samples[-1].view
    assert (last.left, last.right, last.answers, last.linked) == (0, 0, 10, True)
    assert last.zoom > 100
    stayed = dwell([visit])
    seen = Presentation.objects.get(pk=first.pk).seen
    assert all(set(stayed[side]) <= set(seen[side]) for side in ("left", "right"))
    assert sum(stayed["left"].values()) != sum(stayed["right"].values())  # V showed one in both places
    assert toggles([visit]) == 1
    answered = time_to_first_answer([visit])
    assert answered is not None
    assert 1 < answered < visit.samples[-1].seconds
    told = " ".join([part.entries, part.end])
    assert set(told) <= set("0123456789 ;,-svkwizcetfnlr")
