"""The log and the answers are append-only: for the models, and for the database itself."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from readerstudy.audit.models import AppendOnlyError, Event
from readerstudy.audit.services import tombstone
from readerstudy.audit.triggers import APPEND_ONLY, removing
from readerstudy.reading import answers
from readerstudy.reading.models import Finding, Guess, Rating, Statement
from readerstudy.reading.services import report_finding, report_time, start, withdraw_finding
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def study():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(study.presentations.get(position=1))
    presentation = start(presentation=study.presentations.get(position=2))
    report_finding(
        presentation=presentation, key="00000000-0000-4000-8000-000000000000", on=factories.now(presentation),
        kind="loss", side="left",
    )  # fmt: skip
    keys = (f"00000000-0000-4000-8000-00000000001{n}" for n in range(4))
    report_finding(presentation=presentation, key=next(keys), on=factories.now(presentation), kind="loss", side="right")
    taken = Finding.objects.get(side="right")
    withdraw_finding(finding=taken, key=next(keys), on=factories.now(presentation))
    report_time(presentation=presentation, key=next(keys), seconds=3)
    answers.keep(Guess, presentation=presentation, side="left", key=next(keys), guessed_at=timezone.now())
    tombstone(study_slug="another", reason="it was a trial", number=3, sha256="0" * 64)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_removal")  # as on a real site: nothing may be deleted
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
        *(f"DELETE FROM {table}" for table in sorted(APPEND_ONLY) if table != "reading_signature"),
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


def test_whole_studies_can_be_removed_on_purpose_within_one_transaction(study):
    with removing():
        Statement.objects.all().delete()
        Event._base_manager.filter(study=study)._raw_delete("default")
    assert not Statement.objects.exists()
    assert refused("DELETE FROM reading_rating")
