"""What was confirmed is taken back in the browser, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.material.models import Case
from tests.browser.signed_in import signed_in
from tests.confirmed import make_confirmed_study
from tests.once import put_back

pytestmark = pytest.mark.django_db(transaction=True)


@put_back
def study():
    return make_confirmed_study()


@pytest.fixture
def page(browser: Browser, live_server, study) -> Iterator[Page]:
    """Signed in as the study's admin; fails on errors and on breaches of the content policy."""
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1600, height=900) as page:
        yield page


def case_page(study) -> str:
    case = Case.objects.get(study=study, subject__code="S01")
    return f"/studies/{study.slug}/material/cases/{case.pk}/"


def test_a_series_goes_back_to_be_confirmed_by_keyboard_alone(page: Page, study):
    page.goto(case_page(study))
    page.get_by_role("link", name="Back to confirm…").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 prepared pairs")).to_be_visible()
    page.get_by_role("button", name="Back to confirm").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 series to confirm")).to_be_visible()
    assert study.series.count() == 6


def test_a_case_is_set_aside_looked_at_on_the_map_and_removed(page: Page, study):
    page.goto(case_page(study))
    page.get_by_label("Reason for setting the case aside").fill("FAST was broken off")
    page.get_by_role("button", name="Set aside").click()
    expect(page.get_by_text("This case is set aside and not read or counted: FAST was broken off")).to_be_visible()
    page.goto(f"/studies/{study.slug}/material/")
    expect(page.locator(".map a.cell.aside")).to_have_count(4)
    page.locator(".map a.cell.aside").first.click()
    page.get_by_role("link", name="Remove this case…").click()
    page.get_by_role("button", name="Take out; its series wait to be confirmed").click()
    expect(page.get_by_role("heading", name="2 series to confirm")).to_be_visible()


def test_a_draft_is_removed(page: Page, study):
    page.goto(f"/studies/{study.slug}/")
    page.get_by_role("link", name="Remove the study…").click()
    page.get_by_label("Why, without naming a person").fill("a trial")
    page.get_by_role("button", name="Remove the study").click()
    expect(page.get_by_role("heading", name="Removed studies")).to_be_visible()
