"""The log and the answers are append-only: for the models, and for the database itself."""

from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.access.services import Seen, keep
from readerstudy.accounts.events import note
from readerstudy.audit import triggers
from readerstudy.audit.models import AppendOnlyError
from readerstudy.audit.removal import remove_study, rows_of_study
from readerstudy.audit.services import RecordError, tombstone
from readerstudy.audit.triggers import append_only
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import answers
from readerstudy.reading.models import Finding, Guess, Rating
from readerstudy.reading.services import report_finding, report_time, start, withdraw_finding
from tests import factories
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(study.presentations.get(position=1))
    presentation = start(presentation=study.presentations.get(position=2))
    report_finding(
        presentation=presentation,
        key="00000000-0000-4000-8000-000000000000",
        on=factories.now(presentation),
        kind="loss",
        side="left",
    )
    keys = (f"00000000-0000-4000-8000-00000000001{n}" for n in range(4))
    report_finding(presentation=presentation, key=next(keys), on=factories.now(presentation), kind="loss", side="right")
    taken = Finding.objects.get(side="right")
    withdraw_finding(finding=taken, key=next(keys), on=factories.now(presentation))
    report_time(presentation=presentation, key=next(keys), seconds=3)
    answers.append_answer(Guess, presentation=presentation, side="left", key=next(keys), guessed_at=timezone.now())
    factories.check_display(presentation.reader)
    factories.keep_log(presentation)
    seen = Seen(study.slug, presentation.reader.user_id, "images", "frame", (("token", presentation.token),))
    keep({seen: (timezone.now(), timezone.now(), 1)}, UUID(int=1), {})
    note(user=presentation.reader.user, what="signed out everywhere")
    tombstone(study_slug="another", reason="it was a trial", number=3, sha256="0" * 64)
    return study


def refused(sql: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET action = 'x' WHERE number = 1",
        "UPDATE reading_rating SET score = 5",
        "UPDATE reading_rating SET revision = revision + 1",
        "UPDATE reading_statement SET value = 'x'",
        "UPDATE reading_finding SET kind = 'creation'",
        *(f"DELETE FROM {table}" for table in sorted(append_only()) if table != "reading_signature"),
    ],
)
def test_the_database_refuses(study, statement):
    assert refused(statement)


def test_the_models_refuse_with_a_sentence(study):
    event = study.events.first()
    for attempt in (event.save, event.delete, study.events.all().delete, lambda: study.events.update(action="x")):
        with pytest.raises(AppendOnlyError, match="append-only"):
            attempt()
    with pytest.raises(DatabaseError), transaction.atomic():
        Rating.objects.update(score=5)


def test_a_finding_can_be_withdrawn_and_nothing_else(study):
    finding = Finding.objects.get(side="left")
    on = factories.now(finding.presentation)
    withdraw_finding(finding=finding, key="00000000-0000-4000-8000-000000000001", on=on)
    assert Finding.objects.get(side="left").withdrawn_at is not None


def test_the_switch_of_an_earlier_version_is_gone(study):
    assert "audit_removal" not in connection.introspection.table_names()


def closed(study) -> ReaderStudy:
    ReaderStudy.objects.filter(pk=study.pk).update(state="closed")
    study.refresh_from_db()
    return study


def test_a_study_is_removed_with_everything_and_another_one_stays(study):
    other = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(other.presentations.get(position=1))
    kept = rows_of(other)
    end, removed = closed(study).events.last(), rows_of(study)
    assert removed["reading.Rating"] == 8
    before = {model: model._base_manager.count() for model, _ in rows_of_study()}
    stone = remove_study(study=study, reason=" The consent was for two years. ", actor=None)
    assert (stone.slug, stone.number, stone.sha256) == (study.slug, end.number, end.sha256)
    assert stone.reason == "The consent was for two years."
    assert {model: model._base_manager.count() for model in before} == {
        model: count - removed[model._meta.label] for model, count in before.items()
    }
    assert rows_of(other) == kept
    assert refused("DELETE FROM reading_rating")


def rows_of(study) -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for model, ids in rows_of_study():
            cursor.execute(f"SELECT count(*) FROM ({ids.format(study=study.pk)}) AS mine")
            found[model._meta.label] = cursor.fetchone()[0]
    return found


def test_every_model_that_leads_to_a_study_is_among_what_is_removed():
    reached = {model for model, _ in rows_of_study()}
    for model in apps.get_models():
        keys = [field for field in model._meta.concrete_fields if field.related_model in reached]
        assert model in reached or not keys, model


@pytest.mark.parametrize("state", ["open", "paused"])
def test_a_study_that_is_being_read_is_not_removed_not_even_with_a_tombstone(study, state):
    ReaderStudy.objects.filter(pk=study.pk).update(state=state)
    with pytest.raises(InputError, match="close it before"):
        remove_study(study=study, reason="x")
    with transaction.atomic():
        tombstone_of(study)
        assert refused("DELETE FROM reading_rating")
        transaction.set_rollback(True)


def tombstone_of(study, **instead) -> None:
    end = study.events.last()
    tombstone(**{"study_slug": study.slug, "reason": "x", "number": end.number, "sha256": end.sha256} | instead)


def test_a_tombstone_that_does_not_name_the_end_of_the_log_lets_nothing_go(study):
    closed(study)
    for wrong in ({"sha256": "0" * 64}, {"number": 1}, {"study_slug": "one-more"}):
        with transaction.atomic():
            tombstone_of(study, **wrong)
            assert refused("DELETE FROM reading_rating")
            transaction.set_rollback(True)


def test_a_study_whose_log_does_not_hold_is_evidence_and_is_not_removed(study):
    tamper("UPDATE audit_event SET action = 'x' WHERE study_id = %s", closed(study).pk)
    with pytest.raises(RecordError, match="was changed"):
        remove_study(study=study, reason="x")
    assert study.events.exists()


def test_a_reason_is_asked_for(study):
    with pytest.raises(InputError, match="why"):
        remove_study(study=closed(study), reason=" ")


def test_the_command_removes_and_says_so(study, capsys):
    call_command("remove_study", closed(study).slug, reason="It was a trial.")
    assert f"{study.slug}: removed; its log ended with event" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no study"):
        call_command("remove_study", study.slug, reason="again")


def test_a_migration_that_fails_leaves_the_triggers_in_force(study):
    with pytest.raises(ZeroDivisionError), triggers.migrating("default"):
        raise ZeroDivisionError
    assert refused("UPDATE reading_rating SET score = 5")
