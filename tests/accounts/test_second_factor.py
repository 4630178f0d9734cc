"""A second factor: set up, signed in with, proved with, lost, and wanted by the site."""

import base64
import hmac
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from readerstudy.accounts import second_factor, services
from readerstudy.accounts.models import AccountEvent, User
from tests import factories
from tests.accounts.test_people import sitting
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PASSWORD = "a long password"


def digits(secret: str, steps: int = 0) -> str:
    """What an app shows, by RFC 6238, so many half minutes from now."""
    counter = (int(time.time()) // 30 + steps).to_bytes(8, "big")
    mac = hmac.digest(base64.b32decode(secret), counter, "sha1")
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


@pytest.fixture
def anna() -> User:
    return factories.make_user("anna")


def set_up(client: Client, commits) -> tuple[str, list[str]]:
    """The secret that an app keeps, and the recovery codes."""
    secret = re.search(r'<code class="mono wrap">(\w+)</code>', html(client.get("/account/second-factor/"))).group(1)
    with commits(execute=True):
        answer = client.post("/account/second-factor/", {"code": digits(secret)}, follow=True)
    cache.clear()  # the next code comes half a minute later
    return secret, re.findall(r"<li>(\w+)</li>", html(answer))


@pytest.fixture
def with_app(anna, django_capture_on_commit_callbacks) -> tuple[str, list[str]]:
    return set_up(sitting(anna), django_capture_on_commit_callbacks)


def to_code(name: str = "anna") -> Client:
    client = Client()
    assert client.post("/login/", {"username": name, "password": PASSWORD})["Location"] == "/account/code/"
    return client


def test_rfc_6238_holds(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1111111109)
    assert digits(base64.b32encode(b"12345678901234567890").decode()) == "081804"


def test_the_password_alone_signs_nobody_in_who_has_an_app(anna, with_app):
    secret, codes = with_app
    assert len(set(codes)) == 10
    client = to_code()
    assert client.get("/")["Location"].startswith("/login/")
    assert "not the code of now" in html(client.post("/account/code/", {"code": "000000"}))
    assert client.get("/")["Location"].startswith("/login/")
    client.post("/account/code/", {"code": digits(secret)})
    assert client.get("/").status_code == 200
    again = to_code()
    again.post("/account/code/", {"code": digits(secret)})  # heard over a shoulder
    assert again.get("/").status_code == 302
    assert {event.what for event in AccountEvent.objects.all()} >= {"set up codes of an app"}


def test_secrets_and_codes_lie_sealed(with_app):
    secret, _ = with_app
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept


def test_a_recovery_code_is_good_once(anna, with_app):
    _, (first, *_) = with_app
    client = to_code()
    client.post("/account/code/", {"code": first})
    assert client.get("/").status_code == 200
    assert second_factor.recovery_codes_left(anna) == 9
    again = to_code()
    again.post("/account/code/", {"code": first})
    assert again.get("/").status_code == 302


def test_codes_are_not_to_be_guessed(with_app):
    client = to_code()
    for _ in range(5):
        client.post("/account/code/", {"code": "000000"})
    assert "Too many wrong codes" in html(client.post("/account/code/", {"code": "000000"}))


def test_an_account_that_closes_between_password_and_code_stays_out(anna, with_app):
    client = to_code()
    User.objects.update(is_active=False)
    client.post("/account/code/", {"code": digits(with_app[0])})
    assert client.get("/").status_code == 302


def test_who_has_an_app_signs_a_reading_with_its_code_and_the_log_says_how(django_capture_on_commit_callbacks):
    study = factories.open_(factories.make_study(subjects=1))
    reader = study.memberships.get(role="reader")
    factories.read_all(reader)
    client = sitting(reader.user)
    secret, (code, *_) = set_up(client, django_capture_on_commit_callbacks)
    address = reverse("sign_reading", args=[study.slug])
    client.post(address, {"password": "000000"})
    assert not reader.signatures.exists()
    client.post(address, {"password": digits(secret)})
    assert reader.signatures.count() == 1
    assert study.events.get(action="reading signed").data["proved_by"] == "second factor"
    client.post("/account/lock/")
    client.post("/account/unlock/", {"password": code})
    assert client.get("/").status_code == 200


def test_a_role_that_needs_a_second_factor_comes_to_nothing_else_before_and_keeps_it(
    anna, settings, django_capture_on_commit_callbacks
):
    settings.SECOND_FACTOR_FOR = ["site"]
    anna.operates = True
    anna.save()
    client = sitting(anna)
    assert client.get("/")["Location"].startswith("/account/second-factor/")
    set_up(client, django_capture_on_commit_callbacks)
    assert client.get("/").status_code == 200
    page = html(client.post("/account/second-factor/end/"))
    assert "needs a second factor here" in page
    assert second_factor.has_one(anna)
    settings.SECOND_FACTOR_FOR = []
    client.post("/account/second-factor/end/")
    assert not second_factor.has_one(anna)
    assert second_factor.recovery_codes_left(anna) == 0


def test_roles_of_studies_and_of_the_site_need_one_as_the_settings_say(settings):
    study = factories.make_study(subjects=1)
    admin, reader = (study.memberships.get(role=role).user for role in ("admin", "reader"))
    settings.SECOND_FACTOR_FOR = ["admin"]
    assert [second_factor.is_wanted(user) for user in (admin, reader)] == [True, False]
    settings.SECOND_FACTOR_FOR = []
    assert not second_factor.is_wanted(admin)


def test_what_was_lost_is_taken_away_by_who_sees_accounts_with_a_line(anna, with_app):
    boss = factories.make_user("boss")
    services.remove_second_factor(user=anna, actor=boss)
    assert sitting(anna).get("/").status_code == 200
    assert AccountEvent.objects.filter(actor_name="boss", what="took the second factor away").count() == 1
