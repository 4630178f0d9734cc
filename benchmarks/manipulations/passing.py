"""What an administrator of the database could do for a moment: change something, let the site do its ordinary work on
it, and put it back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

from django.utils import timezone

from benchmarks.administrator import Administrator
from benchmarks.manipulations import RefusedError, control, last_line, manipulation, one_more_line, site
from benchmarks.manipulations.jobs import ask, compared, do
from benchmarks.tampered_study import Studies, finish, half_read_pair, say
from readerstudy.audit import chain, registry, verify
from readerstudy.audit.models import Event, Sealed
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.reading.services import report_finding
from readerstudy.reading.whole_record import note_export
from readerstudy.results.services import note_seen, results
from readerstudy.states import State
from tests import factories


@contextmanager
def forged_seal(db: Administrator, study: ReaderStudy) -> Iterator[None]:
    """The line that sealed the protocol last says what the protocol is now, signed as if with a forgotten key."""
    number = Sealed.objects.get(study=study, section="protocol").number
    event = Event.objects.get(study=study, number=number)
    columns = ("data", "sha256", "mac", "key")
    then = db.rows('SELECT data, sha256, mac, "key" FROM audit_event WHERE id = %s', event.pk)[0]
    now = registry.digests(study, "protocol", columns=event.data["columns"]["protocol"])
    event.data["sealed"]["protocol"] = now
    update = "UPDATE audit_event SET " + ", ".join(f'"{one}" = %s' for one in columns) + " WHERE id = %s"
    db.run(update, json.dumps(event.data), chain.hash_of(event, study.slug), "x" * 64, "deadbeef", event.pk)
    try:
        yield
    finally:
        data = then[0] if isinstance(then[0], str) else json.dumps(then[0])
        db.run(update, data, *then[1:], event.pk)


@manipulation("a margin changed and its seal forged as if with a forgotten key, the study closed, the line put back")
def seal_forged(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE protocol_readerstudy SET margin_net = 0.5, claim = 'noninferiority' WHERE id = %s", studies.open)
    study = ReaderStudy.objects.get(pk=studies.open)
    with forged_seal(db, study), site():
        move(study=study, to=State.CLOSED, actor=None)


@manipulation("a locked study unlocked, a margin changed, its seal forged, locked again, the line put back")
def locked_again(db: Administrator, studies: Studies) -> None:
    one_more_line(studies.locked)
    db.run(
        "UPDATE protocol_readerstudy SET state = 'closed', locked_at = NULL, lock_sha256 = '', margin_net = 0.5 "
        "WHERE id = %s",
        studies.locked,
    )
    study = ReaderStudy.objects.get(pk=studies.locked)
    with forged_seal(db, study), site():
        move(study=study, to=State.LOCKED, actor=None)


@manipulation("the accounts behind all lines but the last changed, the names of their keys emptied")
def keys_emptied(db: Administrator, studies: Studies) -> None:
    other, last = db.one("SELECT max(id) FROM accounts_user"), last_line(db, studies.closed)
    db.run(
        "UPDATE audit_event SET actor_id = %s, mac = 'x', \"key\" = '' WHERE study_id = %s AND number < %s",
        other,
        studies.closed,
        last,
    )


def moment(name: str, sql: str, back: str) -> None:
    """A manipulation: a change, the results exported and looked at, the change taken back."""

    @manipulation(name)
    def change(db: Administrator, studies: Studies) -> None:
        results(ReaderStudy.objects.get(pk=studies.closed))
        db.run(sql, studies.closed)
        study = ReaderStudy.objects.get(pk=studies.closed)
        user = study.memberships.get(role="analyst").user
        seen = refused(lambda: results(study))
        left = refused(lambda: note_export(study=study, user=user, file="x"))
        db.run(back, studies.closed)
        if seen and left:
            raise RefusedError(left)


def refused(do: Callable[[], object]) -> str:
    """In which words the site refused to do this; "" if it did it."""
    try:
        with site():
            do()
    except RefusedError as refusal:
        return str(refusal)
    return ""


moment(
    "a margin changed while the results are exported",
    "UPDATE protocol_readerstudy SET margin_net = margin_net * 2 WHERE id = %s",
    "UPDATE protocol_readerstudy SET margin_net = margin_net / 2 WHERE id = %s",
)
moment(
    "scores turned round while the results are exported",
    *[
        "UPDATE reading_rating SET score = 6 - score WHERE presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)"
    ]
    * 2,
)
moment(
    "image metrics changed while the results are exported",
    "UPDATE results_metric SET value = value * 2 WHERE study_id = %s",
    "UPDATE results_metric SET value = value / 2 WHERE study_id = %s",
)


@contextmanager
def database_of_its_own_mind(db: Administrator, table: str, event: str, change: str) -> Iterator[None]:
    """A trigger that is there only while the site works."""
    if db.sqlite:
        db.run(f"CREATE TRIGGER passing AFTER {event} ON {table} BEGIN {change}; END")
    else:
        body = f"$$ BEGIN {change}; RETURN NEW; END $$"
        db.run(f"CREATE FUNCTION passing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS {body}")
        db.run(f"CREATE TRIGGER passing AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION passing()")
    try:
        yield
    finally:
        db.run("DROP TRIGGER passing" if db.sqlite else f"DROP TRIGGER passing ON {table}")
        if not db.sqlite:
            db.run("DROP FUNCTION passing()")


@manipulation("a margin changed by a trigger while the study is closed, the trigger removed")
def margin_by_trigger(db: Administrator, studies: Studies) -> None:
    change = "UPDATE protocol_readerstudy SET margin_net = 0.5, claim = 'noninferiority' WHERE id = NEW.id"
    with database_of_its_own_mind(db, "protocol_readerstudy", "UPDATE OF state", change), site():
        move(study=ReaderStudy.objects.get(pk=studies.open), to=State.CLOSED, actor=None)


@manipulation("sides to come changed by a trigger while a subject is withdrawn, the trigger removed")
def sides_by_trigger(db: Administrator, studies: Studies) -> None:
    change = (
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        "WHERE study_id = NEW.study_id AND state = 'scheduled'"
    )
    study = ReaderStudy.objects.get(pk=studies.open)
    with database_of_its_own_mind(db, "protocol_amendment", "INSERT", change), site():
        subject = study.subjects.order_by("code").last()
        withdraw_subject(study=study, subject=subject, reason="asked to", actor=None)


@manipulation("confirmed pairs set back to being read, past the check of their time")
def confirmed_set_back(db: Administrator, studies: Studies) -> None:
    if db.sqlite:
        db.run("PRAGMA ignore_check_constraints = ON")
    else:
        db.run("ALTER TABLE reading_presentation DROP CONSTRAINT confirmed_has_time")
    db.run(
        "UPDATE reading_presentation SET state = 'in_progress' WHERE state = 'confirmed' AND kind = 'main' "
        "AND study_id = %s",
        studies.closed,
    )


@manipulation("pairs set confirmed where nobody has confirmed one")
def confirmed_by_nobody(db: Administrator, studies: Studies) -> None:
    study = factories.open_(factories.make_study(subjects=1, readers=1, title="Fresh"))
    db.run(
        "UPDATE reading_presentation SET state = 'confirmed', confirmed_at = %s WHERE study_id = %s",
        "2026-01-01 00:00:00+00:00",
        study.pk,
    )


@manipulation("a reading time that is no number")
def time_not_a_number(db: Administrator, studies: Studies) -> None:
    no_number = "9e999" if db.sqlite else "'NaN'"
    db.run(f"UPDATE reading_presentation SET seconds = {no_number} WHERE study_id = %s", studies.closed)


@manipulation("a closed study taken for open, read on, and closed again")
def read_while_closed(db: Administrator, studies: Studies) -> None:
    study = ReaderStudy.objects.get(pk=studies.open)
    with site():
        move(study=study, to=State.CLOSED, actor=None)
    closed_at = db.one("SELECT closed_at FROM protocol_readerstudy WHERE id = %s", study.pk)
    db.run("UPDATE protocol_readerstudy SET state = 'open', closed_at = NULL WHERE id = %s", study.pk)
    with site():
        finish(half_read_pair(studies))
    db.run("UPDATE protocol_readerstudy SET state = 'closed', closed_at = %s WHERE id = %s", closed_at, study.pk)


@manipulation("results seen in an open study that was taken for closed")
def seen_while_open(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE protocol_readerstudy SET state = 'closed' WHERE id = %s", studies.open)
    study = ReaderStudy.objects.get(pk=studies.open)
    with site():
        note_seen(study=study, user=study.memberships.get(role="analyst").user)
    db.run("UPDATE protocol_readerstudy SET state = 'open' WHERE id = %s", studies.open)


@manipulation("an image metric changed by a trigger while a job writes it, the trigger removed")
def metric_by_trigger(db: Administrator, studies: Studies) -> None:
    change = "UPDATE results_metric SET value = value * 0.5 WHERE id = NEW.id AND value IS NOT NULL"
    with database_of_its_own_mind(db, "results_metric", "INSERT", change):
        do(ask(*compared(studies)))


# Nobody's manipulations: clocks that go back, and work beside the check


@contextmanager
def clock_back(seconds: int) -> Iterator[None]:
    real = timezone.now

    def earlier() -> datetime:
        return real() - timedelta(seconds=seconds)

    with mock.patch("django.utils.timezone.now", earlier):
        yield


@control("the clock goes back before a pair is confirmed")
def confirmed_earlier(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    with clock_back(3600), site():
        finish(pair)


@control("the clock goes back before a confirmed answer is corrected and a finding added")
def corrected_earlier(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    with site():
        finish(pair)
        with clock_back(3600):
            say(pair, "comment", "Sharper on the left.")
            say(pair, "comment", "Sharper on the right.")
            new = {"presentation": pair, "key": uuid.uuid4(), "on": factories.now(pair)}
            report_finding(kind="creation", side="left", **new)


@control("a line is written while the check reads the log")
def line_beside_the_check(db: Administrator, studies: Studies) -> None:
    real = verify._outside_problems

    def meanwhile(study: ReaderStudy, lines: dict | None) -> Iterator[str]:
        if study.pk == studies.open:
            verify._outside_problems = real
            one_more_line(study.pk)
        return real(study, lines)

    verify._outside_problems = meanwhile
