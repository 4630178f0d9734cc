"""Passkeys in Chromium, with an authenticator that its debugger makes."""

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from readerstudy.accounts import second_factor
from readerstudy.accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill("a long password")
    page.keyboard.press("Enter")


def test_a_passkey_is_made_and_stands_after_the_password_and_in_its_place(browser: Browser, live_server):
    anna = factories.make_user("anna")
    context = browser.new_context(base_url=live_server.url)
    page, errors = context.new_page(), []
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    debugger = context.new_cdp_session(page)
    debugger.send("WebAuthn.enable")
    device = debugger.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    sign_in(page)
    expect(page.get_by_role("heading", name="Your readings")).to_be_visible()
    page.goto("/account/passkeys/new/")
    page.get_by_label("Name, so that").fill("The laptop")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert [each.wrap().name for each in second_factor.passkeys(anna)] == ["The laptop"]
    page.goto("/account/prove/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Your readings")).to_be_visible()
    context.clear_cookies()
    sign_in(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Your readings")).to_be_visible()
    debugger.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    debugger.send("WebAuthn.clearCredentials", {"authenticatorId": device})  # another machine
    page.goto("/account/prove/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The browser showed no passkey")).to_be_visible(timeout=90_000)
    context.close()
    assert errors == []


@pytest.mark.parametrize(("host", "possible"), [("127.0.0.1", False), ("[::1]", False), ("localhost", True)])
def test_a_site_without_a_name_offers_none(host, possible):
    client = Client(headers={"host": host})
    factories.make_user("anna")
    client.post("/login/", {"username": "anna", "password": "a long password"})
    assert ("Passkeys" in client.get("/account/").content.decode()) == possible
    assert client.get("/account/passkeys/new/").status_code == (200 if possible else 404)
    client.post("/account/prove/", {"credential": '{"type": "public-key"}'})
    assert User.objects.count() == 1
