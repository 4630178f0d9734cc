"""Signing in and out."""

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.pages import html

pytestmark = pytest.mark.django_db
LOGIN = "/login/"


def test_the_page_asked_for_is_shown_after_signing_in():
    factories.make_user("anna")
    answer = Client().post(LOGIN, {"username": "anna", "password": "a long password", "next": "/password/"})
    assert answer["Location"] == "/password/"


def test_an_address_of_another_site_is_never_the_next_page():
    factories.make_user("anna")
    answer = Client().post(LOGIN, {"username": "anna", "password": "a long password", "next": "https://evil.example/"})
    assert answer["Location"] == reverse("home")


def test_a_wrong_password_gets_one_sentence():
    factories.make_user("anna")
    answer = Client().post(LOGIN, {"username": "anna", "password": "wrong"})
    assert "User name and password do not match" in html(answer)


def test_demonstration_accounts_are_listed_only_while_the_demonstration_runs(settings):
    factories.make_user("reader-1")
    settings.DEMO = False
    assert "reader-1" not in html(Client().get(f"{LOGIN}?as=reader-1"))
    settings.DEMO = True
    page = html(Client().get(f"{LOGIN}?as=reader-1"))
    assert 'value="reader-1"' in page
    assert 'value="demo"' in page


def test_only_demonstration_accounts_are_filled_in(settings):
    settings.DEMO = True
    assert 'value="boss"' not in html(Client().get(f"{LOGIN}?as=boss"))


def test_signing_out_needs_a_post(sign_in):
    client = sign_in(factories.make_user())
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == reverse("login")
    assert client.get("/").status_code == 302
