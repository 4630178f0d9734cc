"""Accounts are people's: invitations, own passwords, sessions that end, the lock, and who may do what on the site."""

import re
import stat
import time
from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts import gate, invitations, mail, services
from readerstudy.accounts.models import AccountEvent, Invitation, User
from tests import factories
from tests.accounts.test_permissions import client_of
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NEW = "nobody else knows it"
SET = {"new_password1": NEW, "new_password2": NEW}
WHO = {"first_name": "Anna", "last_name": "Berg"}


@pytest.fixture
def anna() -> User:
    return factories.make_user("anna")


@pytest.fixture
def boss() -> User:
    user = factories.make_user("boss")
    user.sees_accounts = True
    user.save()
    return user


def signs_in(name: str, password: str) -> bool:
    return Client().post("/login/", {"username": name, "password": password}).status_code == 302


def test_a_link_is_good_once_for_a_while_and_only_its_hash_is_kept(anna):
    first, second = invitations.invite(user=anna), invitations.invite(user=anna)
    assert second not in str(list(Invitation.objects.values()))
    assert Client().get(f"/invitation/{first}/").status_code == 410  # a newer one was made
    assert Client().post(f"/invitation/{second}/", WHO | SET).status_code == 302
    assert Client().get(f"/invitation/{second}/").status_code == 410
    assert signs_in("anna", NEW)
    assert not signs_in("anna", "a long password")
    late = invitations.invite(user=anna)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(f"/invitation/{late}/").status_code == 410


def test_a_link_that_two_follow_at_once_is_good_for_one(anna):
    found = invitations.found(invitations.invite(user=anna))
    invitations.take_up(invitation=found, password=NEW)
    with pytest.raises(InputError, match="used already"):
        invitations.take_up(invitation=found, password="another one entirely")
    assert signs_in("anna", NEW)


def test_a_link_ends_every_session_of_before_and_asks_for_a_good_password(anna):
    client, link = client_of(anna), f"/invitation/{invitations.invite(user=anna)}/"
    assert "too short" in html(Client().post(link, WHO | {"new_password1": "short", "new_password2": "short"}))
    assert client.get("/account/").status_code == 200
    Client().post(link, WHO | SET)
    assert client.get("/account/").status_code == 302


def test_the_answer_to_a_forgotten_password_is_the_same_whoever_asks(anna, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    anna.email = "anna@clinic.example"
    anna.save()
    known, unknown = (Client().post("/forgotten/", {"name": name}) for name in ("anna", "nobody"))
    assert html(known).split("</h1>")[1] == html(unknown).split("</h1>")[1]
    (letter,) = django_mail.outbox
    link = re.search(r"http://testserver(/invitation/\S+)", letter.body).group(1)
    assert Client().post(link, WHO | SET).status_code == 302
    assert signs_in("anna", NEW)


def test_a_forgotten_password_ends_no_invitation_that_waits_and_one_link_taken_ends_the_others(anna):
    invited = invitations.invite(user=anna)
    asked = [invitations.invite(user=anna, lasts=timedelta(hours=invitations.HOURS)) for _ in range(2)]
    assert [invitations.found(token) is not None for token in (invited, *asked)] == [True, False, True]
    invitations.take_up(invitation=invitations.found(asked[1]), password=NEW)
    assert invitations.found(invited) is None


def test_a_mail_server_that_is_down_tells_nobody_who_has_an_account(anna, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_URL = "readerstudy.accounts.mail.Backend", "smtp://127.0.0.1:1?tls=0"
    anna.email = "anna@clinic.example"
    anna.save()
    known, unknown = (Client().post("/forgotten/", {"name": name}) for name in ("anna", "nobody"))
    assert known.status_code == unknown.status_code == 200
    assert html(known).split("</h1>")[1] == html(unknown).split("</h1>")[1]


def test_letters_without_a_server_lie_where_nobody_else_reads_and_in_no_log(settings, tmp_path, caplog):
    settings.EMAIL_BACKEND, settings.EMAIL_FOLDER = "readerstudy.accounts.mail.Backend", tmp_path / "mail"
    mail.send(
        to="anna@clinic.example",
        subject="Link",
        template="accounts/invitation.txt",
        context={"user": "anna", "link": "http://site/invitation/secret/", "invited": True, "days": 7},
    )
    (letter,) = settings.EMAIL_FOLDER.iterdir()
    assert b"/invitation/secret/" in letter.read_bytes()
    assert stat.S_IMODE(settings.EMAIL_FOLDER.stat().st_mode) == 0o700
    assert stat.S_IMODE(letter.stat().st_mode) == 0o600
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://me:p%40ss@mail.example", ("mail.example", 587, "me", "p@ss", False, True)),
        ("smtps://mail.example:4650", ("mail.example", 4650, "", "", True, False)),
        ("smtp://localhost:25?tls=0", ("localhost", 25, "", "", False, False)),
    ],
)
def test_a_server_for_letters_is_named_by_one_address(url, wanted):
    found = mail.smtp_settings(url)
    assert tuple(found[name] for name in ("host", "port", "username", "password", "use_ssl", "use_tls")) == wanted
    with pytest.raises(ValueError, match="smtp://"):
        mail.smtp_settings("mail.example")


def test_a_password_that_somebody_else_set_is_changed_first(anna):
    anna.must_change_password = True
    anna.save()
    client = Client()
    client.post("/login/", {"username": "anna", "password": "a long password"})
    assert client.get("/")["Location"].startswith("/password/")
    assert "Somebody else set your password" in html(client.get("/password/"))
    client.post("/password/", {"old_password": "a long password", **SET})
    assert client.get("/").status_code == 200
    assert not User.objects.get(pk=anna.pk).must_change_password


def test_whoever_sets_a_password_in_a_shell_has_it_changed_at_sign_in(anna, monkeypatch):
    from django.core.management import call_command

    monkeypatch.setattr("getpass.getpass", lambda prompt="": "set in a shell")
    call_command("changepassword", "anna")
    client = Client()
    client.post("/login/", {"username": "anna", "password": "set in a shell"})
    assert client.get("/")["Location"].startswith("/password/")


def test_one_sees_where_one_is_signed_in_and_ends_it(anna):
    there, here = Client(headers={"user-agent": "Firefox 140"}), Client(headers={"user-agent": "Chromium 150"})
    for client in (there, here):
        client.post("/login/", {"username": "anna", "password": "a long password"})
    page = html(here.get("/account/"))
    assert "Firefox 140" in page
    assert "Chromium 150" in page
    other = factories.make_user()
    session = re.search(r'name="session" value="(\d+)"', page).group(1)
    client_of(other).post("/account/sessions/end/", {"session": session})
    assert there.get("/account/").status_code == 200  # not another's to end
    here.post("/account/sessions/end/", {"session": session})
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def sitting(user: User) -> Client:
    client = Client()
    client.post("/login/", {"username": user.username, "password": "a long password"})
    return client


def test_a_locked_session_reaches_nothing_until_its_person_proves_it(anna):
    client, script = sitting(anna), {"headers": {"accept": "application/json"}}
    client.post("/account/lock/", **script)
    assert client.get("/")["Location"] == "/account/unlock/?next=%2F"
    answer = client.put("/preferences/keys/", {"keys": {}}, content_type="application/json", **script)
    assert (answer.status_code, answer.json()["code"]) == (401, "unlock")
    wrong = client.post("/account/unlock/", {"password": "wrong"}, **script)
    assert (wrong.status_code, "not your password" in wrong.json()["detail"]) == (400, True)
    assert client.post("/account/here/", {"user": "anna"}, **script).status_code == 401
    other = client.post("/account/unlock/", {"password": "a long password", "user": "ben"}, **script)
    assert "Somebody else has signed in" in other.json()["detail"]
    assert client.get("/").status_code == 302
    assert client.post("/account/unlock/", {"password": "a long password", "user": "anna"}, **script).status_code == 204
    assert [client.post("/account/here/", {"user": name}).status_code for name in ("anna", "ben")] == [204, 409]
    assert client.get("/").status_code == 200


def test_a_session_that_nobody_used_locks_without_its_page(anna, settings):
    client = sitting(anna)
    session = client.session
    session[gate.SEEN] = time.time() - settings.IDLE_SECONDS - 2 * gate.TOLD_EVERY - 1
    session.save()
    assert client.get("/")["Location"].startswith("/account/unlock/")
    settings.IDLE_SECONDS = 0
    assert client.get("/").status_code == 200


def test_a_page_that_looks_by_itself_is_nobody(anna, settings):
    client = sitting(anna)
    session = client.session
    session[gate.SEEN] = then = int(time.time()) - 2 * gate.TOLD_EVERY
    session.save()
    client.get("/", headers={"hx-request": "true"})
    assert client.session[gate.SEEN] == then
    client.post("/account/here/")
    assert client.session[gate.SEEN] > then


def test_who_sees_accounts_gives_roles_of_the_site_with_a_line_in_the_log(anna, boss):
    assert client_of(anna).get("/people/").status_code == 404
    assert client_of(anna).post(f"/people/{boss.pk}/", {"do": "close"}).status_code == 404
    assert client_of(anna).get("/new/").status_code == 404
    client = client_of(boss)
    assert "/account/prove/" in client.post(f"/people/{anna.pk}/", {"do": "is_staff", "on": "1"})["Location"]
    assert client_of(anna).get("/new/").status_code == 404
    client = sitting(boss)
    client.post(f"/people/{anna.pk}/", {"do": "is_staff", "on": "1"})
    assert client_of(anna).get("/new/").status_code == 200
    assert "boss let this person create studies" in html(client.get("/people/"))
    assert AccountEvent.objects.filter(actor_name="boss", account_name="anna").count() == 1
    with pytest.raises(InputError, match="Somebody must see the accounts"):
        services.set_site_role(user=boss, role="sees_accounts", on=False, actor=boss)
    with pytest.raises(InputError, match="Somebody must see the accounts"):
        services.set_active(user=boss, on=False, actor=boss)


def test_a_closed_account_is_out_at_once_and_comes_back(anna, boss):
    client, seeing = sitting(anna), sitting(boss)
    seeing.post(f"/people/{anna.pk}/", {"do": "close"})
    assert client.get("/account/").status_code == 302
    assert not signs_in("anna", "a long password")
    assert Client().post("/forgotten/", {"name": "anna"}).status_code == 200
    seeing.post(f"/people/{anna.pk}/", {"do": "open"})
    assert signs_in("anna", "a long password")


@pytest.mark.parametrize("do", ["link", "close", "no_second_factor", "sees_accounts"])
def test_who_sees_accounts_touches_none_that_may_do_everything(boss, do):
    root = factories.make_user("root")
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    page = html(sitting(boss).post(f"/people/{root.pk}/", {"do": do, "on": "1"}, follow=True))
    assert "may do everything here" in page
    assert "/invitation/" not in page
    assert User.objects.get(pk=root.pk).is_active


def test_a_link_that_went_by_mail_is_shown_to_nobody_else(anna, boss, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    anna.email = "anna@clinic.example"
    anna.save()
    page = html(sitting(boss).post(f"/people/{anna.pk}/", {"do": "link"}))
    assert "on its way by mail" in page
    assert "/invitation/" in django_mail.outbox[0].body
    assert "/invitation/" not in page


def test_the_mail_address_to_which_links_go_is_changed_after_a_proof_alone(anna):
    fields = {"first_name": "", "last_name": "", "email": "other@clinic.example"}
    assert "/account/prove/" in client_of(anna).post("/account/", fields)["Location"]
    assert not User.objects.get(pk=anna.pk).email
    sitting(anna).post("/account/", fields)
    assert User.objects.get(pk=anna.pk).email == "other@clinic.example"


def test_the_log_of_accounts_is_append_only(anna, boss):
    services.set_active(user=anna, on=False, actor=boss)
    with pytest.raises(DatabaseError, match="append-only"):
        AccountEvent.objects.update(actor_name="somebody else")


def test_an_admin_of_a_study_sees_no_accounts_but_its_own_people(anna):
    study = factories.make_study(subjects=1)
    page = html(client_of(study.memberships.get(role="admin").user).get(f"/studies/{study.slug}/people/"))
    assert "anna" not in page
    assert study.memberships.get(role="reader").user.username in page
