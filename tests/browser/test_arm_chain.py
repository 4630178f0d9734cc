"""A scan, half its matrix and what a network makes of that in Chromium: set, shown as a chain, made, said so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Series
from readerstudy.material.selectors import ENHANCE, SIMULATE
from readerstudy.protocol.services import create_study
from tests import factories, pixels
from tests.browser.signed_in import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(settings, tmp_path):
    """A study of one acquisition, whose networks restore."""
    settings.MODELS_DIR = tmp_path / "models"
    study = create_study(title="Chain", user=factories.make_user(staff=True), model_name="restore")
    factories.place_pixels(study, "SOC", pixels.volume(20, 1, (2, 48, 40)))
    return study


@pytest.fixture
def page(browser: Browser, live_server, study) -> Iterator[Page]:
    admin = study.memberships.get(role="admin").user.username
    with signed_in(browser, live_server.url, admin, width=1440, height=900) as page:
        yield page


def test_a_half_matrix_is_simulated_restored_and_said_to_be_simulated(page: Page, study):
    page.goto(f"/studies/{study.slug}/protocol/arms/")
    fast = page.locator("tr").filter(has=page.locator("[name=arms-1-made_by]"))
    fast.locator("[name=arms-1-made_from]").select_option(label="SOC")
    fast.locator("[name=arms-1-made_by]").select_option("half_matrix_kspace")
    page.get_by_role("button", name="Save", exact=True).click()

    page.goto(f"/studies/{study.slug}/protocol/")
    soc, fast, restored = (
        page.locator(".arm-node").filter(has=page.get_by_text(words, exact=True))
        for words in ("as it was sent", "SOC, half matrix, k-space", "FAST, restore")
    )
    expect(fast.locator(".badge", has_text="simulated")).to_be_visible()
    expect(restored.locator(".badge", has_text="simulated")).to_be_visible()
    expect(soc.locator(".badge", has_text="simulated")).to_have_count(0)
    places = [node.bounding_box()["x"] for node in (soc, fast, restored)]
    assert places == sorted(set(places))  # each to the right of what it comes from

    rounds = []
    while waiting := list(study.jobs.filter(state="waiting", function__in=(SIMULATE, ENHANCE)).order_by("pk")):
        for job in waiting:
            run_job(job.pk)
        rounds.append([job.function for job in waiting])
    assert rounds == [[ENHANCE, SIMULATE], [ENHANCE]]  # SOC's own at once; FAST's once that is made
    page.reload()
    expect(restored.get_by_text("1 of 1 series")).to_be_visible()

    page.goto(f"/studies/{study.slug}/material/cases/{study.cases.get().pk}/")
    for code in ("FAST", "FAST-DL"):
        card = page.locator("section.card").filter(has=page.get_by_role("heading", name=code, exact=True))
        expect(card.locator(".badge", has_text="simulated")).to_be_visible()
        assert "half matrix kspace" in card.locator(".badge").get_attribute("title")
        assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 30
    sent = page.locator("section.card").filter(has=page.get_by_role("heading", name="SOC", exact=True))
    expect(sent.locator(".badge")).to_have_count(0)
    made = Series.objects.get(arm__code="FAST-DL", active=True)
    assert (made.model_name, made.made_from.arm.code) == ("restore", "FAST")
