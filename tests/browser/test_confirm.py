"""The confirm table in Chromium: what speaks against a series is read there, and answered with keyboard or mouse."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from readerstudy.intake import services
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from tests import factories
from tests.browser.signed_in import signed_in
from tests.intake.test_import import write_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(tmp_path):
    """Two sites; SOC of which two files are cut, and FAST, wait."""
    study = factories.make_study(subjects=0)
    study.sites.create(code="Bern")
    factories.log_as_is(study)
    paths = write_series(tmp_path / "in" / "anna" / "SOC", 1)
    write_series(tmp_path / "in" / "anna" / "FAST", 2)
    for path in (paths[0], paths[5]):
        path.write_bytes(path.read_bytes()[:-200])
    services.receive_folder(study=study, folder=tmp_path / "in", actor=None)
    run_job(Job.objects.get(function="intake.sort").pk)
    return study


def test_a_site_for_all_ticked_and_a_tick_for_missing_files_place_both(browser, live_server, study):
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1600, height=900) as page:
        page.goto(reverse("material", args=[study.slug]))
        table = page.locator("#confirm")
        expect(table.get_by_text("2 of 6 files of this series could not be used")).to_be_visible()
        expect(table.get_by_text("TR 4000 TE 98").first).to_be_visible()
        picture = table.get_by_alt_text("Middle slice").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle())
        table.get_by_label("tick all").check()
        table.get_by_label("site of all ticked").select_option("Bern")
        table.get_by_label("weighting", exact=True).first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("() => document.activeElement.name").endswith("-weighting")
        table.get_by_role("button", name="Confirm").click()
        expect(table.get_by_role("alert")).to_contain_text("tick that it is to be placed without them")
        assert study.series.count() == 1
        table.get_by_label("Place although files are missing").focus()
        page.keyboard.press("Space")
        table.get_by_role("button", name="Confirm").click()
        expect(page.get_by_text("No series waits to be confirmed")).to_be_visible()
    assert set(study.series.values_list("case__subject__site__code", flat=True)) == {"Bern"}
    assert study.series.count() == 2
