"""What a reader does in the reading room, and what is waited for."""

from __future__ import annotations

import re

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from readerstudy.reading import selectors
from readerstudy.reading.models import Presentation


def sign_in(context: BrowserContext, reader, url: str) -> None:
    client = Client()
    client.force_login(reader.user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


def leave(context: BrowserContext) -> None:
    """Close the pages. Their last reports of time and viewing must not meet the next test's database."""
    context.route(re.compile(r"/(time|viewing)/$"), lambda route: route.abort())
    context.close()


def until_shown(page: Page) -> None:
    expect(page.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=15_000)
    expect(page.locator("#pane-right")).to_have_attribute("data-ready", "true")


def until_saved(page: Page) -> None:
    expect(page.locator(".save")).to_have_attribute("data-kept", "0", timeout=20_000)
    expect(page.locator(".save")).to_have_text("saved")


def until_fetched(page: Page, reader, *, pairs: int) -> None:
    """Wait until all frames of the first pairs of the list have arrived."""
    frames = sum(len(selectors.prepared_pair(each).order) for each in selectors.queue(reader)[:pairs])
    page.wait_for_function(
        "n => performance.getEntriesByType('resource').filter(r => r.name.includes('/frames/')).length >= n",
        arg=frames,
    )


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def see_all(page: Page) -> None:
    press(page, "Home", *["ArrowDown"] * (int(page.inner_text(".pos span")) - 1))
    expect(page.locator(".unseen")).to_be_hidden()


def confirm(page: Page, key: str = "Space") -> None:
    """Confirm after the moment in which a new pair ignores it."""
    page.wait_for_timeout(450)
    press(page, key)


def current(reader) -> Presentation:
    return Presentation.objects.filter(reader=reader, state="in_progress").get()
