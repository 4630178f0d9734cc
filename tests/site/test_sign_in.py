"""Signing in and out."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

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


def test_a_session_is_found_while_it_lives():
    client = Client()
    client.force_login(factories.make_user("anna"))
    session = Session.objects.get()
    for ends, status in ((timedelta(seconds=30), 200), (-timedelta(seconds=1), 302)):
        Session.objects.update(expire_date=timezone.now() + ends)
        assert client.get("/").status_code == status, ends
    Session.objects.update(expire_date=session.expire_date)
    assert client.get("/").status_code == 302, "its browser was told that it is over"
    client.cookies["sessionid"] = session.session_key
    assert client.get("/").status_code == 200
    client.cookies["sessionid"] = session.session_key[:-1]
    assert client.get("/").status_code == 302
