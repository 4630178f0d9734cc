"""While the database is away or the disk full, people and programs are told; what cannot be read is refused."""

import json
import threading
import time
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError, connection, connections
from django.test import Client
from django.urls import reverse

from readerstudy.accounts import gate
from readerstudy.home import views
from readerstudy.jobs import disk
from readerstudy.material import volumes
from readerstudy.material.erasure import erase_subject
from readerstudy.serving import outage
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = {"HTTP_ACCEPT": "text/html,*/*"}


@pytest.fixture
def client(study) -> Client:
    found = Client(raise_request_exception=False)
    found.force_login(study.memberships.get(role="admin").user)
    return found


def failing(error: Exception, *, times: int = 100):
    """The home page's first query fails so often."""
    left = [times]
    readings = views.selectors.readings_of

    def fail(user):
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return readings(user)

    return patch.object(views.selectors, "readings_of", fail)


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (OperationalError("server closed the connection unexpectedly"), 503, "does not answer"),
        (OperationalError("database or disk is full"), 507, "is full"),
        (OSError(28, "No space left on device"), 507, "is full"),
        (OSError(5, "Input/output error"), 500, "went wrong"),
    ],
)
def test_a_page_says_what_is_the_matter_and_when_to_try_again(client, error, status, word):
    with failing(error):
        page = client.get("/", **PAGE)
        program = client.get("/", HTTP_ACCEPT="application/json")
    assert (page.status_code, program.status_code) == (status, status)
    assert word in page.content.decode()
    assert "Traceback" not in page.content.decode()
    if status != 500:
        assert int(page["Retry-After"]) > 0
        assert word in program.json()["detail"]


def test_what_only_reads_is_asked_once_more_where_the_connection_broke(client):
    with failing(OperationalError("server closed the connection"), times=1):
        assert client.get("/").status_code == 503  # it still holds: asking again would wait as long
    lost = patch.object(connection, "is_usable", lambda: False)
    with failing(OperationalError("server closed the connection"), times=1), lost, patch.object(connection, "close"):
        assert client.get("/").status_code == 200
    with failing(OperationalError("server closed the connection"), times=1), lost, patch.object(connection, "close"):
        assert client.post("/").status_code == 503


@pytest.mark.parametrize(("seconds", "asked"), [(0, False), (outage.FRESH, True)])
def test_a_connection_that_was_just_used_is_not_asked_whether_it_lives(client, monkeypatch, seconds, asked):
    found = []
    database = connections["default"]
    monkeypatch.setattr(database, "is_usable", lambda: found.append(True) or True)
    monkeypatch.setattr(database, "health_check_enabled", True)
    client.get("/")
    found.clear()
    database.health_check_done = False  # as each request begins
    database.used_at -= seconds
    client.get("/")
    assert bool(found) == asked


def test_a_database_that_goes_away_while_a_session_is_kept_is_no_session_that_ended(client):
    session = client.session
    session[gate.SEEN] = int(time.time()) - gate.TOLD_EVERY - 1  # so it is kept anew with the next request
    session.save()
    with patch.object(Session, "save", side_effect=OperationalError("server closed the connection unexpectedly")):
        assert client.get("/", HTTP_ACCEPT="application/json").status_code == 503
    with patch.object(Session, "save", side_effect=DatabaseError("Forced update did not affect any rows.")):
        assert client.get("/").status_code == 400


@pytest.mark.parametrize("body", ["[" * 200_000, '{"a":' * 100_000, "{", "\ud800", "[1e999999", "\0"])
def test_json_that_cannot_be_read_is_a_bad_request(study, client, body):
    reader = Client(raise_request_exception=False)
    opened = factories.open_(factories.make_study(subjects=1, readers=1))
    reader.force_login(opened.memberships.get(role="reader").user)
    due = opened.presentations.get(position=1)
    content = body.encode(errors="surrogatepass")
    rating = reverse("rating", args=[opened.slug, due.token, opened.criteria.first().pk])
    assert reader.put(rating, content, content_type="application/json").status_code == 400
    begin = reverse("api_uploads", args=[study.slug])
    assert client.post(begin, content, content_type="application/json").status_code == 400


def test_on_a_full_disk_uploads_are_refused_before_a_byte_is_sent_and_people_sign_in(study, client, monkeypatch):
    begin = reverse("api_uploads", args=[study.slug])
    size = json.dumps({"files": 1, "bytes": 10})
    number = client.post(begin, size, content_type="application/json").json()["upload"]
    monkeypatch.setattr(disk, "reserve", lambda: 1 << 60)
    for path, body in ((begin, size), (f"{begin}{number}/pieces/", "")):
        answer = client.post(path, body, content_type="application/json")
        assert (answer.status_code, "detail" in answer.json()) == (507, True)
    user = study.memberships.get(role="admin").user
    user.set_password("a long password")
    user.save()
    again = Client()
    assert again.post("/login/", {"username": user.username, "password": "a long password"}).status_code == 302
    assert "nearly full" in again.get(reverse("jobs", args=[study.slug])).content.decode()


def test_pixels_of_a_withdrawn_subject_leave_the_memory_of_this_process_and_of_all(
    monkeypatch, django_capture_on_commit_callbacks
):
    study = factories.make_study(subjects=0)
    factories.two_acquisitions(study)
    series = study.series.first()
    volumes.load_cached(series)
    assert volumes._kept
    subject = study.subjects.get()
    subject.withdrawn_at = study.created_at
    subject.save()
    with django_capture_on_commit_callbacks(execute=True):
        erase_subject(subject=subject)
    assert not volumes._kept
    monkeypatch.setattr(volumes, "KEPT_SECONDS", 0.05)
    volumes.load_cached(series)
    for clock in threading.enumerate():
        if isinstance(clock, threading.Timer) and clock.interval < 1:
            clock.join(5)
    assert not volumes._kept
