"""Swapping the sides of a pair changes nothing on the wire, in storage or in the page but pixels."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from readerstudy.reading.models import Presentation
from tests import factories
from tests.browser.room.actions import sign_in
from tests.pixels import with_pixels
from tests.telling import tells
from tests.wire import WATCH_DRAWING, Wire

pytestmark = pytest.mark.django_db(transaction=True)

# Everything that a script could read of the page, apart from pixels.
STATE = """async () => {
  const stored = [];
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => { const o = indexedDB.open(name); o.onsuccess = () => done(o.result); });
    for (const store of base.objectStoreNames) {
      const all = base.transaction(store).objectStore(store).getAll();
      stored.push(await new Promise((done) => { all.onsuccess = () => done(JSON.stringify(all.result)); }));
    }
    base.close();
  }
  const names = Object.getOwnPropertyNames(window).filter((name) => !["drawn"].includes(name)).sort();
  return { html: document.documentElement.outerHTML, title: document.title, local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage), cookies: document.cookie.replace(/csrftoken=[^;]*/, ""), stored, names };
}"""


@pytest.fixture
def study(settings):
    if not (settings.BASE_DIR / "static/viewer/room.js").exists():
        pytest.skip("the viewer is not built: cd frontend && npm ci && npm run build")
    return factories.open_(with_pixels(factories.make_study(subjects=1, readers=1)))


def until_loaded(page, wire: Wire, presentation: Presentation) -> None:
    expect(page.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=20_000)
    for _ in range(400):
        if wire.frames(presentation.token) == 5:
            return
        page.wait_for_timeout(25)
    raise AssertionError("the frames did not arrive")


def test_both_orders_of_every_pair_are_alike_but_for_pixels(browser, live_server, study):
    reader = study.memberships.get(role="reader")
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(WATCH_DRAWING)
    sign_in(context, reader, live_server.url)
    page = context.new_page()
    wire = Wire(page)
    words = {arm.code for arm in study.arms.all()} | {one.sha256 for one in study.series.all()}
    for pair in study.presentations.order_by("position"):
        seen, states = [], []
        for side in ("left", "right"):
            Presentation.objects.filter(pk=pair.pk).update(first_side=side)
            wire.start_afresh()
            page.goto(live_server.url + reverse("reading", args=[study.slug]))
            until_loaded(page, wire, pair)
            state = page.evaluate(STATE)
            assert tells(words, str(state)) == []
            states.append({name: state[name] for name in ("title", "local", "session", "cookies", "names")})
            seen.append([one.tells for one in wire.of(pair.token)])
            by_frame = {}
            for frame, pane in page.evaluate("() => window.drawn"):
                by_frame.setdefault(frame, set()).add(pane)
            assert {frozenset(panes) for panes in by_frame.values()} == {frozenset({"pane-left", "pane-right"})}
        assert len(seen[0]) == 6  # the page and five frames
        assert seen[0] == seen[1]
        assert states[0] == states[1]
        pair.refresh_from_db()
        factories.read_pair(pair)
    context.close()
