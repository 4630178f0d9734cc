"""Sign-in by OpenID Connect: who comes in, what groups give, and a fresh sign-in there as a proof."""

import re
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import mail
from django.core.checks import run_checks
from django.test import Client

from readerstudy.accounts import services
from readerstudy.accounts.models import AccountEvent, User
from tests import factories
from tests.accounts.provider import CLIENT, SECRET, Provider, provider
from tests.accounts.test_people import sitting
from tests.pages import html

pytestmark = pytest.mark.django_db
EVA = {
    "sub": "4711",
    "preferred_username": "eva",
    "given_name": "Eva",
    "family_name": "Stern",
    "email": "eva@clinic.example",
    "groups": ["radiology"],
}


@pytest.fixture(scope="module")
def clinic_once():
    with provider() as there:
        yield there


@pytest.fixture
def clinic(clinic_once, settings) -> Provider:
    clinic_once.claims, clinic_once.signs_with, clinic_once.signed_in_at = dict(EVA), None, time.time() - 3600
    settings.OIDC_URL, settings.OIDC_NAME = clinic_once.url, "the clinic"
    settings.OIDC_GROUPS = {"radiology": "", "it": "operates", "heads": "sees_accounts"}
    app = {"provider_id": "sign-in", "name": "the clinic", "client_id": CLIENT, "secret": SECRET}
    app["settings"] = {"server_url": clinic_once.url}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    return clinic_once


def follow(client: Client, there: Provider, link: str):
    """As a browser: to the provider and back. What the site answers to who comes back."""
    away = client.get(link)["Location"]
    assert away.startswith(there.url)
    return client.get(there.authorise(dict(parse_qsl(urlsplit(away).query))))


def link_on(page: str) -> str:
    return re.search(r'href="(/oidc/[^"]+)"', page).group(1).replace("&amp;", "&")


def sign_in(there: Provider) -> Client:
    client = Client()
    follow(client, there, link_on(html(client.get("/login/"))))
    return client


def test_who_is_in_a_group_comes_in_with_an_account_of_that_name_and_no_password(clinic):
    assert sign_in(clinic).get("/").status_code == 200
    eva = User.objects.get()
    assert (eva.username, eva.first_name, eva.email) == ("eva", "Eva", "eva@clinic.example")
    assert not eva.has_usable_password()
    assert clinic.asked["code_challenge_method"] == "S256"
    assert sign_in(clinic).get("/").status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize("groups", [[], ["kitchen"], None])
def test_who_is_in_no_group_of_the_settings_stays_out_also_later(clinic, groups):
    clinic.claims["groups"] = groups
    assert "None of your groups" in html(sign_in(clinic).get("/login/"))
    assert not User.objects.exists()
    clinic.claims["groups"] = ["radiology"]
    sign_in(clinic)
    clinic.claims["groups"] = groups
    assert sign_in(clinic).get("/").status_code == 302


def test_groups_give_and_take_what_people_may_do_on_the_site_with_a_line(clinic):
    clinic.claims["groups"] = ["it"]
    sign_in(clinic)
    eva = User.objects.get()
    assert (eva.operates, eva.sees_accounts, eva.is_staff) == (True, False, False)
    services.set_site_role(user=eva, role="is_staff", on=True, actor=None)
    clinic.claims["groups"] = ["radiology"]
    sign_in(clinic)
    eva.refresh_from_db()
    assert (eva.operates, eva.is_staff) == (False, True)  # of which no group tells
    assert AccountEvent.objects.filter(what="no longer lets this person operate the site").count() == 1


def test_nobody_takes_an_account_over_by_its_name_but_its_owner_connects_it(clinic):
    factories.make_user("eva")
    client = sign_in(clinic)
    assert "has an account here" in html(client.get("/login/"))
    assert client.get("/").status_code == 302
    owner = sitting(User.objects.get())
    follow(owner, clinic, link_on(html(owner.get("/account/"))))
    assert "connected" in html(owner.get("/account/"))
    assert sign_in(clinic).get("/").status_code == 200


def test_a_token_that_another_key_signed_opens_nothing(clinic):
    clinic.signs_with = rsa.generate_private_key(65537, 2048)
    assert "came to nothing" in html(sign_in(clinic).get("/login/"))
    assert not User.objects.exists()


@pytest.mark.parametrize(("claim", "value"), [("aud", "another site"), ("iss", "https://evil.example"), ("exp", 1)])
def test_a_token_for_somebody_else_or_of_yesterday_opens_nothing(clinic, claim, value):
    clinic.claims[claim] = value
    assert "came to nothing" in html(sign_in(clinic).get("/login/"))
    assert not User.objects.exists()


def test_an_answer_that_was_not_asked_for_opens_nothing(clinic):
    client = Client()
    client.get("/oidc/sign-in/callback/?code=code-0&state=made-up")
    assert client.get("/").status_code == 302


def test_a_fresh_sign_in_there_unlocks_once_and_an_old_or_another_persons_does_not(clinic):
    client = sign_in(clinic)
    client.post("/account/lock/")
    link = link_on(html(client.get("/account/unlock/")))
    clinic.claims["sub"] = "4712"
    follow(client, clinic, link)
    client.post("/account/unlock/")
    assert client.get("/").status_code == 302
    clinic.claims["sub"] = "4711"
    assert follow(client, clinic, link)["Location"] == "/account/unlock/"
    assert clinic.asked["prompt"] == "login"
    assert "moment ago" in html(client.get("/account/unlock/"))
    client.post("/account/unlock/")
    assert client.get("/").status_code == 200
    client.post("/account/lock/")
    client.post("/account/unlock/")  # the proof was good once
    assert client.get("/").status_code == 302
    clinic.signed_in_at = time.time() - 3600
    follow(client, clinic, link.replace("max_age", "a"))  # a provider that does not ask again
    client.post("/account/unlock/")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("process", ["login", "anything", ""])
def test_groups_are_asked_for_whatever_the_address_says(clinic, process):
    sign_in(clinic)
    clinic.claims["groups"] = []
    client = Client()
    link = re.sub(r"process=\w+", f"process={process}", link_on(html(client.get("/login/"))))
    follow(client, clinic, link)
    assert client.get("/").status_code == 302


def test_a_provider_that_remembers_who_was_there_lets_nobody_in(clinic):
    client = sign_in(clinic)
    client.post("/account/lock/")
    clinic.signed_in_at = time.time() - 3600
    follow(client, clinic, "/oidc/sign-in/login/?process=login")
    assert client.get("/")["Location"].startswith("/account/unlock/")


def test_who_finds_a_session_open_connects_no_account_of_the_provider_to_it(clinic):
    owner = factories.make_user("anna")
    client = Client()
    client.force_login(owner)
    assert client.get("/oidc/sign-in/login/?process=connect")["Location"].startswith("/account/prove/")
    client = sitting(owner)
    away = link_on(html(client.get("/account/")))
    at_the_provider = client.get(away)["Location"]
    client.post("/account/lock/")
    client.get(clinic.authorise(dict(parse_qsl(urlsplit(at_the_provider).query))))
    client.post("/account/unlock/", {"password": "a long password"})
    client.post("/account/prove/", {"password": "a long password"})
    assert "connected" not in html(client.get("/account/"))
    assert not SocialAccount.objects.exists()


def test_a_proof_that_waits_is_gone_with_the_lock(clinic):
    client = sign_in(clinic)
    client.post("/account/lock/")
    follow(client, clinic, link_on(html(client.get("/account/unlock/"))))
    client.post("/account/lock/")
    client.post("/account/unlock/")
    assert client.get("/").status_code == 302


def test_whom_the_provider_alone_lets_in_gets_no_password_by_mail(clinic, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sign_in(clinic)
    Client().post("/forgotten/", {"name": "eva"})
    assert not mail.outbox


def test_a_provider_that_does_not_answer_is_said(clinic, settings):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:1"
    page = html(Client().get("/oidc/sign-in/login/?process=login", follow=True))
    assert "does not answer" in page


def test_a_closed_account_stays_closed(clinic):
    sign_in(clinic)
    User.objects.update(is_active=False)
    assert sign_in(clinic).get("/").status_code == 302


def test_without_a_provider_there_is_no_such_page(settings):
    settings.OIDC_URL = ""
    assert Client().get("/oidc/sign-in/login/").status_code == 404
    assert "/oidc/" not in html(Client().get("/login/"))


def test_a_role_that_is_not_there_is_named_before_the_site_runs(settings):
    settings.OIDC_GROUPS, settings.SECOND_FACTOR_FOR = {"it": "king"}, ["admins"]
    said = [error.msg for error in run_checks(tags=["security"]) if error.id == "accounts.E004"]
    assert said == ["READERSTUDY_SECOND_FACTOR names “admins”.", "READERSTUDY_OIDC_GROUPS names “king”."]
