"""A study restored from before its seals is sealed again by who runs the site, and never silently."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from readerstudy.audit import chain, heads, keys
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event, Head, Sealed
from readerstudy.audit.services import RecordError, record
from readerstudy.audit.verify import problems
from readerstudy.home import log as selectors
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.services import move
from readerstudy.reading import answers
from readerstudy.reading.models import AnswerHead, Rating
from readerstudy.states import State
from tests import factories
from tests.tampering import run, tampering

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def as_before(study) -> None:
    """Its record as a version without MACs and seals left it."""
    previous = ""
    with tampering(), connection.cursor() as cursor:
        for event in Event.objects.filter(study=study).order_by("number"):
            event.data = {name: value for name, value in event.data.items() if name not in selectors.SEALS}
            event.previous = previous
            previous = chain.hash_of(event, study.slug)
            cursor.execute(
                "UPDATE audit_event SET data = %s, previous = %s, sha256 = %s, mac = '', \"key\" = '' WHERE id = %s",
                [json.dumps(event.data), event.previous, previous, event.pk],
            )
        for model in answers.CHAINED:
            cursor.execute(f"UPDATE {model._meta.db_table} SET mac = '', number = 0")
    Head.objects.filter(study=study).update(sha256=previous, mac=chain.head_mac(study.slug, event.number, previous))
    Sealed.objects.filter(study=study).delete()
    AnswerHead.objects.filter(presentation__study=study).delete()


@pytest.fixture
def study(django_capture_on_commit_callbacks):
    """Half read, from before its seals; outside the database stands that it was sealed and read on."""
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    first, second = study.presentations.order_by("position")[:2]
    factories.read_pair(first)
    as_before(study)
    end = study.events.last().number + 5
    heads.write(slug=study.slug, number=end, sha256="f" * 64, mac=chain.head_mac(study.slug, end, "f" * 64))
    heads.write_answer(slug=study.slug, presentation=second.pk, number=3, mac="e" * 64)
    with pytest.raises(RecordError):
        record(study=study, action="results exported")
    return study


def seal(study, reason: str = "The disk broke.") -> str:
    call_command("seal_restored", study.slug, reason=reason, stdout=(said := io.StringIO()))
    return said.getvalue()


def refused(study, why: str, reason: str = "The disk broke.") -> None:
    before = (study.events.count(), heads.path_of(study.slug).read_text())
    with pytest.raises(CommandError, match=why):
        seal(study, reason)
    assert (study.events.count(), heads.path_of(study.slug).read_text()) == before


def verify(study) -> str:
    call_command("verify_audit", study.slug, stdout=(said := io.StringIO()))
    return said.getvalue()


def test_a_restored_study_is_sealed_with_one_line_and_goes_on(study, django_capture_on_commit_callbacks):
    count, stood = study.events.count(), heads.highest(study.slug)
    history = heads.path_of(study.slug).read_text()
    with django_capture_on_commit_callbacks(execute=True):
        seal(study)
    line = study.events.last()
    assert (line.number, line.action) == (count + 1, Action.SEALED_AFTER_A_RESTORE)
    assert (line.data["reason"], line.data["outside"]) == ("The disk broke.", [stood.number, stood.sha256])
    assert heads.path_of(study.slug).read_text().startswith(history)
    assert (heads.latest(study.slug).number, heads.highest(study.slug)) == (line.number, stood)
    with django_capture_on_commit_callbacks(execute=True):
        factories.read_pair(study.presentations.get(position=2))
        move(study=study, to=State.PAUSED, actor=None)
    said = verify(study)
    assert "unbroken" in said
    assert f"Event {line.number} of" in said
    assert f"The disk broke. Outside the database its log ended with event {stood.number}, {'f' * 16}." in said
    assert selectors.sentence(line).endswith("of a database that was restored: The disk broke.")


def test_jobs_of_a_restored_study_that_wait_are_done(study):
    waiting = factories.make_job(study)
    run("UPDATE jobs_job SET mac = ''")
    seal(study)
    run_job(waiting.pk)
    waiting.refresh_from_db()
    assert "This site did not ask" not in waiting.error


def test_a_second_restore_is_declared_too_and_the_first_head_stays_known(study, django_capture_on_commit_callbacks):
    stood = heads.highest(study.slug)
    with django_capture_on_commit_callbacks(execute=True):
        seal(study)
    refused(study, "There are seals")
    run("DELETE FROM audit_event WHERE study_id = %s AND number = %s", study.pk, study.events.last().number)
    last = study.events.last()
    run(
        "UPDATE audit_head SET number = %s, sha256 = %s, mac = %s WHERE study_id = %s",
        last.number,
        last.sha256,
        chain.head_mac(study.slug, last.number, last.sha256),
        study.pk,
    )
    as_before(study)
    with pytest.raises(RecordError):
        record(study=study, action="results exported")
    with django_capture_on_commit_callbacks(execute=True):
        seal(study, "Once more.")
    assert study.events.last().data["outside"] == [stood.number, stood.sha256]
    assert list(problems(study)) == []


def test_without_a_reason_it_is_refused(study):
    refused(study, "Say why", reason="  ")


@pytest.mark.parametrize(
    "left",
    [
        "UPDATE audit_event SET mac = 'x' WHERE number = 1 AND study_id = %s",
        "UPDATE reading_rating SET mac = 'x' WHERE presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)",
        "INSERT INTO audit_sealed (study_id, section, unit, number) VALUES (%s, 'protocol', 'whole', 1)",
    ],
)
def test_where_anything_was_sealed_it_is_refused(study, left):
    run(left, study.pk)
    refused(study, "There are seals")


def test_a_record_that_was_stripped_of_its_macs_is_refused(study):
    seal(study)
    run("UPDATE audit_event SET mac = '', \"key\" = '' WHERE study_id = %s", study.pk)
    run("UPDATE reading_rating SET mac = '', number = 0")
    run("UPDATE reading_statement SET mac = '', number = 0")
    AnswerHead.objects.all().delete()
    Sealed.objects.all().delete()
    refused(study, "There are seals")


def test_a_record_that_does_not_verify_is_refused(study):
    run("UPDATE reading_rating SET score = 5")
    refused(study, "does not verify by the rules from before: The answers on pair R1-0001")


def test_a_study_that_was_removed_on_purpose_is_refused(study):
    heads.write_removal(slug=study.slug, mac="0" * 64)
    refused(study, "was removed on purpose")


def test_files_that_cannot_be_written_refuse_it_and_nothing_is_sealed(study, monkeypatch):
    monkeypatch.setattr(heads, "write_restore", lambda **_: None)
    refused(study, "cannot be written to")
    assert not Event.objects.exclude(mac="").exists()


def test_rows_of_answers_are_guarded_again_afterwards(study):
    seal(study)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE reading_rating SET score = 1")
    assert Rating.objects.exclude(mac="").exists()


def test_it_needs_the_sites_key_and_its_files(study, monkeypatch):
    """Whoever has only SQL writes the line and the head: the log takes no further one, and the check says so."""
    last = study.events.last()
    data = {"reason": "The disk broke.", "outside": None, "lines": 1, "answers": 0}
    monkeypatch.setattr(keys.keyring, "keys", lambda purpose: (b"a key that somebody chose",))
    line = chain.append(
        Event=Event,
        study=study,
        last=last,
        at=last.at,
        actor=None,
        action=Action.SEALED_AFTER_A_RESTORE,
        data=data,
    )
    chain.set_head(Head=Head, study=study, last=line)
    monkeypatch.undo()
    with pytest.raises(RecordError):
        record(study=study, action="results exported")
    assert list(problems(study))
    with pytest.raises(CommandError):
        verify(study)


def test_a_line_in_the_file_that_this_site_did_not_write_makes_no_history(study):
    last = study.events.last()
    with heads.path_of(study.slug).open("a") as file:
        file.write(f"restored {last.number} {last.sha256} {'0' * 64} 2026-01-01T00:00:00\n")
    assert heads.latest(study.slug) == heads.highest(study.slug)


def test_a_study_that_is_not_there_is_said_to_be_so():
    with pytest.raises(CommandError, match="no study"):
        call_command("seal_restored", "nowhere", reason="x")
