"""Passwords are guessed slowly, and nobody who guesses keeps others out."""

import threading
import time
from ipaddress import ip_network

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory

from readerstudy.accounts import throttle
from readerstudy.accounts.clients import address_of, network_of
from readerstudy.accounts.devices import COOKIE, SALT
from readerstudy.accounts.models import Tries
from tests import factories
from tests.pages import html

LOGIN = "/login/"
PROXY = "10.0.0.7"


@pytest.fixture
def clock(monkeypatch):
    """Stands still until it is moved."""

    class Clock:
        now = 1_800_000_000.0

        def time(self) -> float:
            return self.now

    moved = Clock()
    monkeypatch.setattr(throttle, "time", moved)
    return moved


@pytest.fixture
def behind_proxy(settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24"), ip_network("fd00::/8")]


def sign_in(name: str, password: str = "wrong", *, client: Client | None = None, address: str = "192.0.2.1", **more):
    client = client or Client()
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address, **more)


def statuses(*answers) -> list[int]:
    return [answer.status_code for answer in answers]


def address(peer: str, forwarded: str | None = None) -> str:
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return address_of(RequestFactory().get("/", REMOTE_ADDR=peer, **more))


# From which address


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # not from the proxy: made up
        (PROXY, None, PROXY),
        (PROXY, "198.51.100.9", "198.51.100.9"),
        (PROXY, "1.1.1.1, 198.51.100.9", "198.51.100.9"),  # the first was made up by the second
        (PROXY, "198.51.100.9, 10.0.0.8", "198.51.100.9"),  # two proxies
        (PROXY, "10.0.0.9, 198.51.100.9", "198.51.100.9"),  # who says to be a proxy is none
        (PROXY, "198.51.100.9, unknown", PROXY),
        (PROXY, "198.51.100.9:51000", "198.51.100.9"),
        (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.7", "::ffff:198.51.100.9", "198.51.100.9"),
        ("fd00::1", "2001:db8::1%eth0", "2001:db8::1"),
        ("", "198.51.100.9", ""),  # a socket: nobody says whose
    ],
)
def test_the_address_is_the_last_one_that_no_named_proxy_has(behind_proxy, peer, forwarded, client):
    assert address(peer, forwarded) == client


def test_a_client_of_ipv6_is_its_64_bits():
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") != network_of("2001:db8:1:3::9")
    assert network_of("192.0.2.1") == "192.0.2.1"


# How often


@pytest.mark.django_db
@pytest.mark.both_databases
def test_one_account_from_one_client_waits_after_ten_wrong_passwords_and_then_gets_one_at_a_time(clock):
    factories.make_user("anna")
    assert statuses(*(sign_in(name) for name in ["anna", " ANNA", "Anna"] * 3 + ["anna"])) == [200] * 10
    answer = sign_in("anna", "a long password")
    assert (answer.status_code, answer["Retry-After"]) == (429, "90")
    assert "Sign-in is paused" in html(answer)
    clock.now += 91
    assert statuses(sign_in("anna"), sign_in("anna")) == [200, 429]
    clock.now += 91
    assert statuses(sign_in("anna", "a long password"), *(sign_in("anna") for _ in range(10))) == [302] + [200] * 10


@pytest.mark.django_db
def test_one_password_on_twenty_five_names_is_slowed(clock):
    tried = statuses(*(sign_in(f"reader-{n}") for n in range(25)))
    assert tried == [200] * 20 + [429] * 5
    clock.now += 31
    assert statuses(sign_in("reader-30"), sign_in("reader-31")) == [200, 429]


@pytest.mark.django_db
def test_an_account_of_ones_own_does_not_make_more_tries(clock):
    factories.make_user("mallory")
    tried = []
    for n in range(25):
        sign_in("mallory", "a long password")  # from a new browser each time
        tried.append(sign_in(f"reader-{n}").status_code)
    assert tried == [200] * 20 + [429] * 5


@pytest.mark.django_db
def test_many_clients_have_not_more_than_a_hundred_tries_an_hour_at_one_account(clock):
    tried = 0
    for minute in range(60):
        tried += statuses(*(sign_in("anna", address=f"2001:db8:{minute}:{n}::1") for n in range(5))).count(200)
        clock.now += 60
    assert 50 < tried <= 100


@pytest.mark.django_db
def test_many_addresses_of_one_client_are_one(clock):
    assert statuses(*(sign_in("anna", address=f"2001:db8::{n:x}") for n in range(12))) == [200] * 10 + [429] * 2


# Nobody is kept out


@pytest.mark.django_db
@pytest.mark.both_databases
def test_behind_a_proxy_one_client_keeps_no_other_one_out(behind_proxy, clock):
    factories.make_user("anna")
    for n in range(25):
        sign_in(f"reader-{n}", address=PROXY, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.9")  # forged, own
    for _ in range(12):
        sign_in("anna", address=PROXY, HTTP_X_FORWARDED_FOR="198.51.100.9")
    assert sign_in("anna", address=PROXY, HTTP_X_FORWARDED_FOR="198.51.100.9").status_code == 429
    answer = sign_in("anna", "a long password", address=PROXY, HTTP_X_FORWARDED_FOR="198.51.100.10")
    assert answer.status_code == 302


@pytest.mark.django_db
@pytest.mark.both_databases
def test_who_signed_in_before_comes_in_again_whatever_others_guess_and_an_open_session_goes_on(clock):
    factories.make_user("anna")
    ward = Client()
    assert sign_in("anna", "a long password", client=ward).status_code == 302
    for n in range(60):
        sign_in("anna", address=f"203.0.113.{n}")
    for _ in range(30):
        sign_in("anna")  # behind the same address
    assert statuses(sign_in("anna", "a long password"), ward.get("/")) == [429, 200]
    ward.post("/logout/")
    assert sign_in("anna", "a long password", client=ward).status_code == 302
    ward.post("/logout/")
    assert statuses(*(sign_in("anna", client=ward) for _ in range(11))) == [200] * 10 + [429]


@pytest.mark.django_db
def test_a_browser_knows_its_own_accounts_alone_and_cannot_say_otherwise(clock):
    factories.make_user("mallory")
    own = Client()
    sign_in("mallory", "a long password", client=own)
    own.post("/logout/")
    assert statuses(*(sign_in("anna", client=own) for _ in range(11)))[-1] == 429
    assert statuses(*(sign_in(f"reader-{n}", client=own) for n in range(11)))[-1] == 429  # the client's
    number, accounts = signing.loads(own.cookies[COOKIE].value, salt=SALT)
    own.cookies[COOKIE] = signing.dumps([number, [*accounts, *accounts]], key="another key", salt=SALT)
    assert sign_in("mallory", client=own).status_code == 429


@pytest.mark.django_db
def test_what_is_full_again_is_forgotten(clock):
    factories.make_user("anna")
    for n in range(5):
        sign_in(f"reader-{n}")
    clock.now += 2 * 24 * 3600
    sign_in("anna", "a long password")
    assert set(Tries.objects.values_list("until", flat=True)) == {clock.now}


@pytest.mark.django_db
@pytest.mark.both_databases
def test_any_name_has_its_tries():
    for name in ("n" * 5000, "名前🙂", "a\nb", "'; DROP TABLE x"):
        assert sign_in(name).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_tries_at_one_moment_are_all_counted(monkeypatch):
    """More than the budget at once, from many threads: no two take the same one."""
    save = Tries.save
    monkeypatch.setattr(
        Tries, "save", lambda row, **how: (time.sleep(0.005), save(row, **how))
    )  # between look and write
    start, allowed = threading.Barrier(4), []

    def guess(name: str) -> None:
        start.wait()
        for _ in range(8):
            try:
                throttle.take_try(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1"), name)
                allowed.append(1)
            except throttle.PausedError:
                pass
        connection.close()

    threads = [threading.Thread(target=guess, args=[f"reader-{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 20
