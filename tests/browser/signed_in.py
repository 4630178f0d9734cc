"""A page of the site in Chromium, signed in by a cookie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from readerstudy.accounts.models import User


@contextmanager
def signed_in(browser: Browser, url: str, user: str, *, width: int, height: int) -> Iterator[Page]:
    """What that user sees first; fails on errors and on breaches of the content policy."""
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=url)
    context.set_default_timeout(15_000)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    client = Client()
    client.force_login(User.objects.get(username=user))
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
    page.goto("/")
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    yield page
    context.close()
    assert errors == []
