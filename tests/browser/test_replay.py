"""One presentation played again in Chromium, under the site's content policy."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from readerstudy.protocol.services import move
from tests import factories
from tests.browser.room.actions import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pair_is_played_again(browser, live_server, settings):
    if not (settings.BASE_DIR / "static/js/replay.js").exists():
        pytest.skip("the scripts are not built: cd frontend && npm ci && npm run build")
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_all(study.memberships.get(role="reader"))
    pair = study.presentations.get(position=1)
    view = factories.VIEW
    factories.keep_log(pair, f"0 {view};8 s2;4 s2,0 vl k0;12 v- w60,30 z200,1,1;8 er n3;20 f0;4", end=view)
    move(study=study, to="closed", actor=None)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    sign_in(context, study.memberships.get(role="admin"), live_server.url)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto(live_server.url + reverse("looked_at", args=[study.slug]))
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / "looked_at.png")
    page.get_by_role("link", name="R1, pair 1").click()
    expect(page.locator("#words")).to_contain_text("slice 2 of 3, window 100 %")
    page.locator("#time").fill("4")
    expect(page.locator("#words")).to_contain_text("the right image in the left pane")
    expect(page.locator("#stage")).to_contain_text("right image here")
    if folder:
        page.screenshot(path=Path(folder) / "replay.png")
    page.locator("#time").fill("12")
    expect(page.locator("#words")).to_contain_text("right pane enlarged")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#words")).to_contain_text("page without focus", timeout=10_000)
    assert errors == []
    context.close()
