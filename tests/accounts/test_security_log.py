"""Names and addresses of who comes in, or tries to, are in a file of their own, and nowhere else."""

import json
import stat
from datetime import UTC, datetime

import pytest
from django.test import Client

from readerstudy.accounts import security, security_log
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(settings):
    def read() -> list[dict]:
        files = sorted(settings.SECURITY_LOG_DIR.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    return read


def sign_in(name: str, password: str = "wrong", client: Client | None = None):
    return (client or Client()).post("/login/", {"username": name, "password": password}, REMOTE_ADDR="192.0.2.9")


def test_it_tells_who_tried_from_where_and_the_site_s_log_does_not(lines, caplog, settings):
    factories.make_user("anna")
    for _ in range(11):
        sign_in("anna")
    sign_in("reader", "a long password")
    found = [(line["event"], line.get("name") or line["signed_in"], line["address"]) for line in lines()]
    assert found[:11] == [("wrong name or password", "anna", "192.0.2.9")] * 10 + [
        ("sign-in paused", "anna", "192.0.2.9")
    ]
    assert ("wrong name or password", "reader", "192.0.2.9") in found
    folder = settings.SECURITY_LOG_DIR
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert "anna" not in caplog.text
    assert "192.0.2.9" not in caplog.text


def test_signing_in_and_out_and_what_was_refused_is_told(lines):
    factories.make_user("anna")
    study, client = factories.make_study(subjects=1), Client()
    sign_in("anna", "a long password", client)
    client.get(f"/studies/{study.slug}/", REMOTE_ADDR="192.0.2.9")
    client.get("/no/such/page/")
    client.post("/logout/")
    told = [(line["event"], line.get("status"), line["path"]) for line in lines()]
    assert told == [
        ("signed in", None, "/login/"),
        ("refused", "404", f"/studies/{study.slug}/"),
        ("signed out", None, "/logout/"),
    ]


def test_a_forged_form_is_told(lines):
    Client(enforce_csrf_checks=True).post("/login/", {}, REMOTE_ADDR="192.0.2.9")
    [line] = lines()
    assert line["event"].startswith("Forbidden")
    assert line["address"] == "192.0.2.9"


def test_a_name_cannot_make_a_line_of_its_own_nor_a_long_one(lines):
    sign_in('x"}\n{"event": "signed in", "name": "admin"}' + "y" * 9000)
    [line] = lines()
    assert line["event"] == "wrong name or password"
    assert len(line["name"]) == security_log.LONGEST


def test_old_days_go_and_the_disk_is_not_filled(settings, lines, monkeypatch):
    settings.SECURITY_LOG_DAYS = 30
    settings.SECURITY_LOG_DIR.mkdir(parents=True)
    (settings.SECURITY_LOG_DIR / "security-2020-01-01.jsonl").write_text("{}\n")
    security.note("first")
    assert [path.name for path in settings.SECURITY_LOG_DIR.iterdir()] == [
        f"security-{datetime.now(UTC):%Y-%m-%d}.jsonl"
    ]
    monkeypatch.setattr(security_log, "BIGGEST", 10)
    security.note("one too many")
    assert [line["event"] for line in lines()] == ["first"]


def test_a_folder_that_cannot_be_written_to_keeps_nobody_out(settings, tmp_path):
    factories.make_user("anna")
    (tmp_path / "file").write_text("")
    settings.SECURITY_LOG_DIR = tmp_path / "file"
    assert sign_in("anna", "a long password").status_code == 302
