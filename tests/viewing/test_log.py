"""The log of viewing: kept apart from the answers, authenticated, bounded, and of own pairs alone."""

import uuid
import zlib

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from readerstudy.audit.verify import problems
from readerstudy.protocol.services import move
from readerstudy.reading.models import Presentation
from readerstudy.reading.services import report_time, start
from readerstudy.viewing import services
from readerstudy.viewing.models import LogPart
from tests import factories
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

VIEW = "s1 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0"
VISIT = "10000000-0000-4000-8000-000000000000"


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=1, readers=2))
    for member in study.memberships.filter(role="reader"):
        start(presentation=member.presentations.get(position=1))
    return study


@pytest.fixture
def pair(study) -> Presentation:
    return study.presentations.get(reader__code="R1", position=1)


@pytest.fixture
def client(pair) -> Client:
    client = Client()
    client.force_login(pair.reader.user)
    return client


def piece(number: int = 0, **changes) -> dict:
    return {"visit": VISIT, "number": number, "dropped": 0, "entries": f"0 {VIEW};4 s2;9"} | changes


def send(client: Client, pair: Presentation, body: dict):
    address = reverse("viewing_log", args=[pair.study.slug, pair.token])
    return client.post(address, body, content_type="application/json")


def test_a_piece_is_kept_once_and_changes_nothing_of_the_pair(client, pair, django_assert_max_num_queries):
    before = Presentation.objects.filter(pk=pair.pk).values().get()
    lines = pair.study.events.count()
    with django_assert_max_num_queries(9):
        assert send(client, pair, piece()).json() == {"kept": True}
    assert send(client, pair, piece()).json() == {"kept": True}  # its answer was lost
    assert LogPart.objects.count() == 1
    assert Presentation.objects.filter(pk=pair.pk).values().get() == before
    assert pair.study.events.count() == lines
    assert list(problems(pair.study)) == []


def test_it_waits_for_no_lock(client, pair, monkeypatch):
    """Nothing on its way asks for the study's row, for which answers wait."""
    monkeypatch.setattr("readerstudy.reading.writes.lock", None)
    monkeypatch.setattr("readerstudy.audit.services.study_for_update", None)
    with pytest.raises(TypeError):  # as an answer does
        report_time(presentation=pair, seconds=1, key=uuid.uuid4())
    assert send(client, pair, piece()).json() == {"kept": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"entries": "3 s2"},  # does not begin with everything
        {"entries": f"0 {VIEW};x"},
        {"entries": f"0 {VIEW};1 q9"},
        {"entries": f"0 {VIEW}" + ";1 s1" * 1000},
        {"end": VIEW},
        {"checksum": 7},
        {"end": "s1", "checksum": 7},
        {"number": -1},
    ],
)
def test_what_is_no_piece_is_refused(client, pair, changes):
    assert send(client, pair, piece(**changes)).status_code == 400
    assert not LogPart.objects.exists()


def test_a_log_of_anybody_elses_pair_or_out_of_its_time_is_not_kept(client, pair, study):
    other = study.presentations.get(reader__code="R2", position=1)
    assert send(client, other, piece()).status_code == 404
    later = study.presentations.get(reader__code="R1", position=2)
    assert send(client, later, piece()).json() == {"kept": False}
    move(study=study, to="closed", actor=None)
    assert send(client, pair, piece()).status_code == 409
    assert not LogPart.objects.exists()


def test_a_log_has_an_end(client, pair, monkeypatch):
    monkeypatch.setattr(services, "MOST_PARTS", 1)
    send(client, pair, piece())
    assert send(client, pair, piece(1)).json() == {"kept": False}


def test_the_last_piece_tells_what_was_on_screen(client, pair):
    entries = piece()["entries"]
    checksum = zlib.crc32(f"{entries}\n".encode())
    send(client, pair, piece(end=VIEW.replace("s1", "s2"), checksum=checksum))
    assert LogPart.objects.get().checksum == checksum


def test_what_was_changed_added_or_removed_is_found(client, pair, study):
    for number in range(3):
        send(client, pair, piece(number))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LogPart.objects.update(dropped=9)
    with transaction.atomic():
        tamper("UPDATE viewing_logpart SET entries = %s WHERE number = 2", f"0 {VIEW}")
        assert list(problems(study)) == [
            "Piece 2 of the log of what was looked at on pair R1-0001 is not as it was written."
        ]
        transaction.set_rollback(True)
    tamper("DELETE FROM viewing_logpart WHERE number = %s", 1)
    assert list(problems(study)) == ["Pieces of the log of what was looked at on pair R1-0001 are gone."]


def test_what_the_browser_gave_up_is_not_missed(client, pair, study):
    send(client, pair, piece(0))
    send(client, pair, piece(3, dropped=2, visit=VISIT))
    send(client, pair, piece(0, visit=str(uuid.uuid4())))
    assert list(problems(study)) == []
