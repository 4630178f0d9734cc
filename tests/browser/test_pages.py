"""The admin's pages in Chromium: sign-in, map, upload, confirm; nothing breaks the content policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.intake.models import Candidate, Upload
from readerstudy.material.models import Case
from tests import factories
from tests.browser.signed_in import signed_in
from tests.once import put_back

pytestmark = pytest.mark.django_db(transaction=True)


@put_back
def study():
    return factories.make_study(subjects=2, readers=1)


@pytest.fixture
def page(browser: Browser, live_server, study) -> Iterator[Page]:
    """Signed in as the study's admin; fails on errors and on breaches of the content policy."""
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1600, height=900) as page:
        yield page


def material(study) -> str:
    return f"/studies/{study.slug}/material/"


def test_no_page_breaks_the_content_policy(page: Page, study):
    case = Case.objects.first()
    paths = ["", "protocol/", "protocol/criteria/", "people/", "material/", "material/?view=table", "jobs/", "reading/"]
    paths += ["models/", "models/denoise/", "models/denoise/before-after/"]
    for path in [*paths, "log/", f"material/cases/{case.pk}/", "images/", "images/radiomics/", "images/scan-times/"]:
        answer = page.goto(f"/studies/{study.slug}/{path}")
        assert answer is not None
        assert answer.ok, path
    page.context.clear_cookies()
    page.goto("/login/")
    page.get_by_label("User name").fill(study.memberships.get(role="admin").user.username)
    page.get_by_label("Password").fill("a long password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()


def test_enter_on_the_home_page_does_the_first_thing(page: Page, study):
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{study.slug}/protocol/")


def test_the_arrow_keys_walk_the_map_and_the_readout_follows(page: Page, study):
    page.goto(material(study))
    assert page.locator(".map a.cell[tabindex='0']").count() == 1
    page.locator(".map a.cell[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("[data-readout]")).to_contain_text("S02 sagittal T2, FAST")
    expect(page.locator("[data-readout]")).to_contain_text("there")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="S02 sagittal T2")).to_be_visible()


def test_a_folder_is_sent_with_the_paths_below_it(page: Page, study, tmp_path: Path):
    folder = tmp_path / "delivery"
    for name in ("a/1.dcm", "b/1.dcm"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"x" * 1000)
    page.goto(material(study))
    page.locator("input[webkitdirectory]").set_input_files(folder)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Upload waits for a worker")).to_be_visible()
    assert (Upload.objects.get().files, Upload.objects.get().bytes) == (2, 2000)


def test_sending_nothing_is_answered_beside_the_button(page: Page, study):
    page.goto(material(study))
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-error]")).to_have_text("Choose a folder or files first.")


def test_choosing_an_arm_ticks_the_row(page: Page, study):
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    facts = factories.series_facts("new") | {"rows": 64, "columns": 64}
    Candidate.objects.create(
        study=study,
        upload=upload,
        instances=[["0" * 64, 1]],
        subject_key="k",
        subject_code="S09",
        region="lumbar",
        plane="sagittal",
        weighting="T2",
        **facts,
    )
    page.goto(material(study))
    button = page.locator("#confirm-ticked")
    expect(button).to_have_text("Confirm 0 ticked")
    expect(button).to_be_disabled()
    page.get_by_label("arm", exact=True).select_option(label="SOC")
    expect(button).to_have_text("Confirm 1 ticked")
    button.click()
    expect(page.get_by_text("1 series placed.")).to_be_visible()
    assert Case.objects.filter(subject__code="S09").exists()


@pytest.fixture
def pixels(study):
    factories.two_acquisitions(study, subject="S09")
    return Case.objects.get(subject__code="S09")


def test_arrow_keys_scroll_a_difference_map(page: Page, study, pixels):
    page.goto(f"/studies/{study.slug}/images/difference/{pixels.pk}/?slice=3")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    image = page.locator("#map img")
    expect(image).to_have_attribute("data-slice", "5")
    assert "slice=5" in image.get_attribute("src")
    assert "slice=5" in page.url
    assert page.evaluate("() => document.querySelector('#map img').naturalWidth") > 1000
    page.get_by_role("link", name="signed").click()
    expect(page.locator("#map output")).to_have_text("5")


def test_a_figure_follows_its_form(page: Page, study, pixels):
    page.goto(f"/studies/{study.slug}/images/figures/?case={pixels.pk}")
    expect(page.locator("#caption")).to_contain_text("(a) SOC, scan time 2:57 min; (b) FAST")
    page.get_by_label("arm (b)").select_option("")
    expect(page.locator("#caption")).not_to_contain_text("FAST")
    box = page.locator("#figure img").bounding_box()
    assert box
    with page.expect_response(lambda answer: re.search("&x=(499|500|501)&y=2[01]", answer.url)):
        height = page.evaluate("() => JSON.parse(document.querySelector('#figure img').dataset.boxes)[0][3]")
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 0.21 * height * box["height"])
    page.get_by_label("Slice").focus()
    page.keyboard.press("End")
    expect(page.locator("#caption")).to_contain_text("slice 6 of 6")
    assert "slice=6" in page.url
    with page.expect_download() as download:
        page.get_by_role("link", name="SVG").click()
    assert download.value.suggested_filename.endswith("-6.svg")
