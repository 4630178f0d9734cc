"""A sheet is imported in Chromium by keyboard; no step breaches a rule of accessibility or of the content policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.results import imported_tables
from tests import factories
from tests.browser.axe import AXE, violations
from tests.browser.signed_in import signed_in
from tests.results.test_imported import SHEET, here  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def press(page: Page, field: str, key: str, text: str | None = None) -> None:
    """A key at a field, with the focus there still once the answer has come."""
    with page.expect_response(re.compile("imported/new")):
        if text is not None:
            page.locator(field).fill(text)
        page.locator(field).press(key)
    expect(page.locator("#import")).not_to_have_class(re.compile("htmx-request"))
    expect(page.locator(field)).to_be_focused()


def test_a_sheet_is_imported_by_keyboard(browser: Browser, live_server, settings, tmp_path, here):  # noqa: F811
    study, settings.VAR_DIR = factories.make_study(subjects=1, readers=1), tmp_path
    admin = study.memberships.get(role="admin").user.username
    (tmp_path / "sheet.csv").write_bytes(SHEET)
    with signed_in(browser, live_server.url, admin, width=1152, height=720) as page:
        page.goto(f"/studies/{study.slug}/results/imported/new/", wait_until="networkidle")
        with page.expect_response(re.compile("imported/new")):
            page.set_input_files("input[type=file]", tmp_path / "sheet.csv")
        expect(page.get_by_text("Proposed from the names and values")).to_be_visible()
        expect(page.get_by_text("24 ratings · 2 readers")).to_be_visible()
        with page.expect_download() as saved:
            page.locator("#save-map").click()
        assert saved.value.suggested_filename == "map.yaml"
        assert Path(saved.value.path()).read_text() == page.locator("#map-text").input_value()
        with page.expect_response(re.compile("imported/new")):
            page.locator("#separator").select_option(",")
        expect(page.get_by_text("separated by commas")).to_be_visible()
        page.get_by_text("The map as text").click()
        with page.expect_response(re.compile("imported/new")):
            page.locator("#map-text").fill("design: pairs")  # begun anew
            page.locator("#map-text").blur()
        expect(page.get_by_text("not told yet")).to_have_count(7)
        press(page, "#column-0", "Enter")
        press(page, "#always", "Enter", "R9")  # no column is taken for the one that was meant
        assert "columns: {subject: Patient}\nalways: {reader: R9}" in page.locator("#map-text").input_value()
        page.locator("#column-0").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        for column in (3, 4, 2, 5, 6):
            press(page, f"#column-{column}", "Enter")
        for number, side in ((0, "right"), (1, "left")):
            with page.expect_response(re.compile("imported/new")):
                page.locator(f"#side-{number}").select_option(side)
        expect(page.get_by_text("24 ratings · 1 reader")).to_be_visible()
        page.evaluate(AXE.read_text())
        assert violations(page) == []
        page.locator("#title").fill("By keyboard")
        page.locator("#codes").focus()
        page.keyboard.press("Space")
        page.locator("#analyse").press("Enter")
        expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
    assert [table.title for table in imported_tables.tables(study)] == ["By keyboard"]
