"""A browser that lacks what the room needs is told so at once, and the room does not begin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room.actions import leave, sign_in, until_shown

pytestmark = pytest.mark.django_db(transaction=True)

WITHOUT = {
    "AbortSignal.any": "delete AbortSignal.any",
    "DecompressionStream": "delete window.DecompressionStream",
    "IndexedDB": "Object.defineProperty(window, 'indexedDB', { value: undefined })",
    "Array.findLast": "delete Array.prototype.findLast",
}


def test_what_is_lacking_is_named_and_nothing_is_asked_of_the_server(browser: Browser, live_server, address, reader):
    context = browser.new_context()
    sign_in(context, reader, live_server.url)
    for name, script in WITHOUT.items():
        page, asked = context.new_page(), []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.add_init_script(script)
        page.goto(address)
        expect(page.get_by_role("alertdialog")).to_contain_text(f"It lacks {name}. Open this page in Chrome")
        page.wait_for_timeout(500)
        assert [url for url in asked if "/current/" in url] == []
        expect(page.locator(".wait:visible")).to_have_count(0)
        page.close()
    page = context.new_page()
    page.goto(address)
    until_shown(page)
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    leave(context)
