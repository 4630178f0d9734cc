"""`verify_audit` finds what was changed behind the site's back."""

import io
import uuid
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from processing.errors import InputError
from readerstudy.audit import keys, registry, verify
from readerstudy.audit.canonical import canonical
from readerstudy.audit.chain import event_hash, hash_of
from readerstudy.audit.models import Sealed
from readerstudy.audit.services import RecordError, record
from readerstudy.audit.verify import problems
from readerstudy.jobs.models import Job
from readerstudy.protocol.services import move
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.reading.models import Presentation, Rating
from readerstudy.reading.selectors import way_back
from readerstudy.reading.services import finish, rate
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.tampering import run, tampering

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.make_closed_study(subjects=2, readers=1)


@pytest.fixture
def locked(study):
    return move(study=study, to=State.LOCKED, actor=None)


def says(study, sentence: str) -> bool:
    """Whether this is among what is wrong."""
    return sentence in list(problems(study))


def only_problem(study) -> str:
    found = list(problems(study))
    assert len(found) == 1, found
    return found[0]


def test_an_untouched_study_verifies_in_every_state(study):
    assert list(problems(study)) == []
    move(study=study, to=State.LOCKED, actor=None)
    assert list(problems(study)) == []
    call_command("verify_audit", stdout=(said := io.StringIO()))
    assert "unbroken" in said.getvalue()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET data = '{\"position\": 9}' WHERE number = %s AND study_id = %s",
        "UPDATE audit_event SET actor_id = NULL, action = 'pair confirmed ' WHERE number = %s AND study_id = %s",
        "UPDATE audit_event SET at = '2020-01-01' WHERE number = %s AND study_id = %s",
        "DELETE FROM audit_event WHERE number = %s AND study_id = %s",
    ],
)
def test_an_event_that_was_changed_or_removed_is_named(study, sql):
    run(sql, 5, study.pk)
    assert only_problem(study).startswith("Event ")


def test_two_events_that_changed_places_are_found(study):
    with tampering():
        for number, to in ((3, 90_000), (4, 3), (90_000, 4)):
            run_plain("UPDATE audit_event SET number = %s WHERE number = %s AND study_id = %s", to, number, study.pk)
    assert only_problem(study).startswith("Event ")


def run_plain(sql: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_a_log_that_lost_its_end_is_found(study):
    last = study.events.count()
    run("DELETE FROM audit_event WHERE study_id = %s AND number > %s", study.pk, last - 2)
    first = next(problems(study))
    assert first == f"The log ends with event {last - 2}, but {last} were written: the last ones were removed."


def test_a_log_written_anew_without_the_sites_key_is_found(study):
    last = study.events.last()
    data = {"reader": "R9"}
    sha256 = event_hash(
        study=study.slug,
        number=last.number,
        at=last.at.isoformat(),
        actor="",
        action="forged",
        data=data,
        previous=last.previous,
    )
    run(
        "UPDATE audit_event SET action = 'forged', data = %s, sha256 = %s, actor_id = NULL WHERE id = %s",
        canonical(data).decode(),
        sha256,
        last.pk,
    )
    run("UPDATE audit_head SET sha256 = %s WHERE study_id = %s", sha256, study.pk)
    assert only_problem(study) == f"The log does not hold: line {last.number} is not authenticated by this site."


def test_a_log_of_another_site_is_said_to_be_so(study):
    with override_settings(SECRET_KEY="another key than that of the running site, long enough"):
        assert "another secret key" in only_problem(study)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE reading_rating SET score = 5 WHERE score = 4 AND presentation_id = %s",
        "UPDATE reading_statement SET value = 'findings' WHERE subject = 'integrity' AND presentation_id = %s",
        "DELETE FROM reading_rating WHERE presentation_id = %s AND criterion_id = (SELECT min(criterion_id) FROM "
        "reading_rating)",
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        "WHERE id = %s",
    ],
)
def test_changed_answers_and_swapped_sides_of_a_confirmed_pair_are_found_before_any_lock(study, sql):
    presentation = study.presentations.get(position=3)
    run(sql, presentation.pk)
    assert says(study, "The answers on pair R1-0003 are not those that were confirmed.")


def test_a_correction_after_confirmation_is_no_problem_until_it_is_changed():
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    pair = study.presentations.get(position=1)
    factories.read_pair(pair)
    pair.refresh_from_db()
    rate(
        presentation=pair,
        criterion=study.criteria.first(),
        score=5,
        status="rated",
        key="00000000-0000-4000-8000-000000000001",
        on=factories.now(pair),
    )
    assert list(problems(study)) == []
    run("UPDATE reading_rating SET score = 1 WHERE revision = 2")
    assert says(study, "A later answer on pair R1-0001 is not the one that the log tells of.")


def test_a_confirmation_that_the_log_does_not_know_is_found(study):
    other = factories.open_(factories.make_study(subjects=2, readers=1))
    factories.read_pair(other.presentations.get(position=1))
    pair = other.presentations.get(position=2)
    Presentation.objects.filter(pk=pair.pk).update(state="confirmed", confirmed_at=pair.study.created_at)
    assert says(other, "Pair R1-0002 is confirmed, but the log does not say so.")


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("UPDATE protocol_criterion SET name = 'x' WHERE place = 0", "Criterion"),
        ("UPDATE material_series SET sha256 = 'x' WHERE id = (SELECT min(id) FROM material_series)", "Series"),
        ("UPDATE protocol_readerstudy SET seed = 1", "ReaderStudy"),
        ("DELETE FROM material_instance WHERE id = (SELECT min(id) FROM material_instance)", "Instance"),
        ("UPDATE reading_presentation SET seconds = 1 WHERE position = 1", "Presentation"),
    ],
)
def test_data_changed_under_a_lock_is_named_by_its_table(locked, sql, table):
    run(sql)
    assert says(locked, f"{table}: rows were changed, added or removed after the study was locked.")


def test_a_lock_that_was_taken_off_is_found(locked):
    type(locked).objects.filter(pk=locked.pk).update(state="closed")
    locked.refresh_from_db()
    assert says(locked, "The study was locked, and is closed now.")


def test_the_command_says_what_and_ends_with_status_1(study):
    run("UPDATE reading_rating SET score = 5 WHERE score = 4")
    said = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_audit", study.slug, stderr=said)
    assert error.value.returncode == 1
    assert f"{study.slug}: The answers on pair R1-0001 are not those that were confirmed." in said.getvalue()


def test_locking_waits_for_jobs_that_could_still_change_data(study):
    Job.objects.create(key="k", study=study, function="results.compare", label="x")
    with pytest.raises(InputError, match="1 job of this study"):
        move(study=study, to=State.LOCKED, actor=None)
    study.refresh_from_db()
    assert (study.state, study.lock_sha256) == ("closed", "")


def test_a_change_that_comes_after_the_lock_is_undone_with_its_transaction(locked):
    with pytest.raises(InputError, match="locked"):
        record(study=locked, action="volume of interest added")
    assert record(study=locked, action="results exported").number == locked.events.count()


def test_no_line_of_the_log_tells_a_score(study):
    criterion = study.criteria.first()
    for event in study.events.all():
        assert not {"score", "value", "status"} & set(event.data), event.data
    assert Rating.objects.filter(criterion=criterion).exists()


def test_what_is_written_while_the_log_is_read_is_no_problem(study, monkeypatch, django_capture_on_commit_callbacks):
    real = verify._outside_problems

    def meanwhile(of, lines):
        monkeypatch.setattr(verify, "_outside_problems", real)
        with django_capture_on_commit_callbacks(execute=True):
            record(study=study, action="results seen")
        return real(of, lines)

    monkeypatch.setattr(verify, "_outside_problems", meanwhile)
    assert list(problems(study)) == []
    assert verify._outside_problems is real


@contextmanager
def forged_seal(study):
    """The line that sealed the protocol last says what the protocol is now, signed as if with a forgotten key."""
    line = study.events.get(number=Sealed.objects.get(study=study, section="protocol").number)
    then = canonical(line.data).decode(), line.sha256, line.mac, line.key
    line.data["sealed"]["protocol"] = registry.digests(study, "protocol", columns=line.data["columns"]["protocol"])
    now = canonical(line.data).decode(), hash_of(line, study.slug), "x" * 64, "deadbeef"
    update = 'UPDATE audit_event SET data = %s, sha256 = %s, mac = %s, "key" = %s WHERE id = %s'
    run(update, *now, line.pk)
    yield
    run(update, *then, line.pk)


def test_a_line_without_the_name_of_a_key_is_found(study):
    last = study.events.last().number
    run(
        "UPDATE audit_event SET actor_id = NULL, mac = 'x', \"key\" = '' WHERE study_id = %s AND number < %s",
        study.pk,
        last,
    )
    assert only_problem(study) == (
        "The log does not hold: line 1 has no MAC: this site did not write it, or could not seal it."
    )


def test_a_seal_forged_as_if_with_a_forgotten_key_stops_the_next_move():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(study.presentations.get(position=1))
    run("UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s", study.pk)
    with forged_seal(study), pytest.raises(RecordError, match="deadbeef"):
        move(study=study, to=State.CLOSED, actor=None)


def test_a_study_that_was_unlocked_and_locked_again_is_found(locked, monkeypatch):
    record(study=locked, action="results seen")
    run("UPDATE protocol_readerstudy SET state = 'closed', locked_at = NULL, lock_sha256 = '' WHERE id = %s", locked.pk)
    monkeypatch.setattr("readerstudy.audit.keys.known", lambda known=keys.known: known() | {"deadbeef": b""})
    monkeypatch.setattr(
        "readerstudy.audit.chain.keys.signed_with",
        lambda mac, *what, real=keys.signed_with: "deadbeef" if mac == "x" * 64 else real(mac, *what),
    )
    with forged_seal(locked):
        move(study=locked, to=State.LOCKED, actor=None)
    monkeypatch.undo()
    assert says(locked, f"Event {locked.events.last().number} moves a study that was locked.")


class Beside:
    """A trigger of somebody else: the database changes rows of its own accord while the site writes."""

    def __init__(self, table: str, event: str, statement: str) -> None:
        self.table, self.event, self.statement = table, event, statement

    def __enter__(self) -> None:
        if connection.vendor == "sqlite":
            self._run(f"CREATE TRIGGER beside AFTER {self.event} ON {self.table} BEGIN {self.statement}; END")
        else:
            body = f"BEGIN {self.statement}; RETURN NEW; END"
            self._run(f"CREATE FUNCTION beside() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            self._run(
                f"CREATE TRIGGER beside AFTER {self.event} ON {self.table} FOR EACH ROW EXECUTE FUNCTION beside()"
            )

    def __exit__(self, *_) -> None:
        if connection.vendor == "sqlite":
            self._run("DROP TRIGGER beside")
        else:
            self._run(f"DROP TRIGGER beside ON {self.table}")
            self._run("DROP FUNCTION beside()")

    def _run(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


def test_a_margin_that_the_database_changed_while_the_study_was_closed_is_found():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    change = "UPDATE protocol_readerstudy SET margin_net = 0.5, margin_mean = 0.5 WHERE id = NEW.id"
    with Beside("protocol_readerstudy", "UPDATE OF state", change):
        move(study=study, to=State.CLOSED, actor=None)
    assert only_problem(study) == "The protocol is not the one that the study was opened with."


def test_sides_that_the_database_changed_while_the_study_was_amended_are_found():
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    change = (
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        "WHERE study_id = NEW.study_id"
    )
    with Beside("protocol_amendment", "INSERT", change):
        withdraw_subject(study=study, subject=study.subjects.get(code="S02"), reason="asked to", actor=None)
    assert only_problem(study) == "R1, position 1: first_side differs from the schedule."


@pytest.mark.parametrize("state", ["in_progress", "scheduled"])
def test_a_confirmed_pair_in_another_state_is_found(study, state):
    with unchecked("reading_presentation", "confirmed_has_time"):
        run("UPDATE reading_presentation SET state = %s WHERE position = 3 AND study_id = %s", state, study.pk)
        assert says(study, f"Pair R1-0003 was confirmed, and is {state} now.")


@contextmanager
def unchecked(table: str, constraint: str):
    """A check of the database is off; it comes back with the transaction of the test, which is undone."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks that wait cannot be altered
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def test_pairs_set_confirmed_before_anybody_confirmed_one_are_found():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    study.presentations.filter(position=1).update(state="confirmed", confirmed_at=study.opened_at)
    assert says(study, "Pair R1-0001 is confirmed, but the log does not say so.")


def test_a_reading_time_that_is_no_number_is_found(study):
    pair = study.presentations.get(position=1)
    run("UPDATE reading_presentation SET seconds = %s WHERE id = %s", float("inf" if sqlite() else "nan"), pair.pk)
    assert says(study, "The reading time of pair R1-0001 is not the sum of its reports.")


def sqlite() -> bool:
    """Which keeps NaN as NULL."""
    return connection.vendor == "sqlite"


def test_reading_in_a_study_that_was_taken_for_open_is_found():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    closed = move(study=study, to=State.CLOSED, actor=None)
    run("UPDATE protocol_readerstudy SET state = 'open' WHERE id = %s", study.pk)
    study.refresh_from_db()
    factories.read_pair(study.presentations.get(position=1))
    run("UPDATE protocol_readerstudy SET state = 'closed' WHERE id = %s", study.pk)
    assert only_problem(closed) == f"Event {study.events.last().number} tells of reading while the study was closed."


@pytest.fixture
def finished():
    """A study of one reader, who had the last look at the list."""
    study = factories.make_study(subjects=1, readers=1)
    study.allow_back, study.guesses = True, 0
    study.save()
    factories.log_as_is(study)
    study = factories.open_(study)
    member = study.memberships.get(code="R1")
    factories.read_all(member)
    finish(member=member, key=uuid.uuid4())
    assert study.events.last().action == "list finished"
    return study


def test_the_way_back_stays_closed_where_the_database_forgot_that_the_list_was_finished(finished):
    member = finished.memberships.get(code="R1")
    run("DELETE FROM reading_write WHERE what = 'finish'")
    assert way_back(member) is None


def test_an_answer_changed_after_the_list_was_finished_is_found(finished, monkeypatch):
    monkeypatch.setattr("readerstudy.reading.selectors.Action", SimpleNamespace(LIST_FINISHED="never"))
    run("DELETE FROM reading_write WHERE what = 'finish'")
    pair = way_back(finished.memberships.get(code="R1"))
    rate(
        presentation=pair,
        criterion=finished.criteria.first(),
        score=5,
        status="rated",
        key=uuid.uuid4(),
        on=factories.now(pair),
    )
    line = finished.events.last().number
    assert only_problem(finished) == f"Event {line} changed an answer of R1, whose list was finished."
