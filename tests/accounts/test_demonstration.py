"""The demonstration's accounts, whose password everybody knows, open nothing where the demonstration does not run."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.test import Client

from readerstudy.accounts.checks import demonstration_accounts, demonstration_refused
from readerstudy.home import demo
from readerstudy.serving.loopback import reachable_from_elsewhere
from tests import factories
from tests.pages import html

pytestmark = pytest.mark.django_db


def signs_in(name: str, password: str = demo.PASSWORD) -> bool:
    client = Client()
    client.post("/login/", {"username": name, "password": password})
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("name", demo.ACCOUNTS)
def test_they_sign_in_while_it_runs_and_only_then(settings, name):
    demo.accounts()
    settings.DEMO = True
    assert signs_in(name)
    settings.DEMO = False
    assert not signs_in(name)


def test_whoever_tries_is_told_why(settings):
    settings.DEMO = False
    demo.accounts()
    page = html(Client().post("/login/", {"username": "admin", "password": "demo"}))
    assert "The demonstration does not run here" in page


def test_a_session_from_before_opens_nothing_once_it_is_off(settings):
    settings.DEMO = True
    client = Client()
    client.force_login(demo.accounts()["admin"])
    assert client.get("/new/").status_code == 200
    settings.DEMO = False
    assert client.get("/new/").status_code == 302
    assert client.get("/").status_code == 302


def test_an_account_of_that_name_with_a_password_of_its_own_is_a_real_one(settings):
    settings.DEMO = False
    admin = demo.accounts()["admin"]
    admin.set_password("a long password")
    admin.save()
    assert signs_in("admin", "a long password")
    client = Client()
    client.force_login(admin)
    assert client.get("/new/").status_code == 200


def test_a_check_names_them(settings, capsys):
    settings.DEMO = False
    factories.make_user("reader-3")  # a real person of that name
    demo.accounts()
    (warning,) = demonstration_accounts(databases=["default"])
    assert "admin, analyst, reader-1, reader-2 " in warning.msg
    call_command("check", databases=["default"])
    assert warning.msg in capsys.readouterr().err
    settings.DEMO = True
    assert demonstration_accounts(databases=["default"]) == []


def test_without_such_accounts_the_check_says_nothing(settings):
    settings.DEMO = False
    assert demonstration_accounts(databases=["default"]) == []


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, []),
        ({"READERSTUDY_HOST": "::1", "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],127.8.9.1"}, []),
        ({"READERSTUDY_HOST": "0.0.0.0"}, ["0.0.0.0"]),
        ({"READERSTUDY_HOST": ""}, ["0.0.0.0"]),
        ({"READERSTUDY_HOST": "192.168.1.7"}, ["192.168.1.7"]),
        ({"ALLOWED_HOSTS": "localhost,reading.example.org"}, ["reading.example.org"]),
        ({"ALLOWED_HOSTS": "*"}, ["*"]),
    ],
)
def test_where_a_site_is_reached_from_elsewhere(environment, names):
    assert reachable_from_elsewhere(environment) == names
    code = "from readerstudy import settings; print(settings.DEMO)"
    own = {"READERSTUDY_VAR": str(site.VAR_DIR), "READERSTUDY_DEMO": "1", "READERSTUDY_SECRET_KEY": "x"}
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | own | environment,
        cwd=site.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == str(not names)


def test_a_demonstration_asked_for_where_it_may_not_run_is_said(settings):
    settings.DEMO_REFUSED = ["reading.example.org"]
    (warning,) = demonstration_refused()
    assert "reading.example.org" in warning.msg
    settings.DEMO_REFUSED = []
    assert demonstration_refused() == []


@pytest.mark.parametrize("extra", [{"READERSTUDY_HOST": "0.0.0.0"}, {"ALLOWED_HOSTS": "reading.example.org"}])
def test_make_run_refuses_the_demonstration_on_another_host(tmp_path, extra):
    kept = {key: value for key, value in os.environ.items() if key not in {"READERSTUDY_DEMO", "MAKELEVEL"}}
    environment = kept | {"READERSTUDY_VAR": str(tmp_path), "READERSTUDY_PORT": "1"} | extra
    done = subprocess.run(
        [sys.executable, "-m", "readerstudy.serving.supervisor"],
        env=environment,
        cwd=site.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "READERSTUDY_DEMO=0" in done.stderr
    assert next(iter(extra.values())) in done.stderr
    assert list(tmp_path.iterdir()) == []
