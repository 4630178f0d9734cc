"""A page of the site in Chromium, signed in through the form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect


@contextmanager
def signed_in(browser: Browser, url: str, user: str, *, width: int, height: int) -> Iterator[Page]:
    """What that user sees first; fails on errors and on breaches of the content policy."""
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=url)
    context.set_default_timeout(15_000)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto("/")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill("a long password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    yield page
    context.close()
    assert errors == []
