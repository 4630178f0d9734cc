"""What an administrator of the database could do to a reader study with SQL alone.

Each manipulation is a function of the administrator and the studies. Where the site has to do its ordinary work
between or afterwards, the function calls `site`; what the site refuses is raised as `RefusedError`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.management import call_command
from django.test import override_settings

from benchmarks.administrator import Administrator
from benchmarks.tampered_study import Studies, finish, half_read_pair, say
from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.accounts.services import add_member
from readerstudy.audit import chain, removal
from readerstudy.audit.models import Event
from readerstudy.audit.services import RecordError
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import save_settings
from readerstudy.reading import seal
from readerstudy.reading.models import Presentation
from readerstudy.reading.writes import ConflictError
from tests import factories

Change = Callable[[Administrator, Studies], object]
ANOTHER_KEY = "a key that the administrator of the database chose, long enough"


@dataclass(frozen=True)
class Manipulation:
    """`key`: the site's key when the log is checked, where it is no longer the one from before."""

    name: str
    change: Change
    key: str | None = None


MANIPULATIONS: list[Manipulation] = []
# Nothing that an administrator did: here the check must be silent.
CONTROLS: list[Manipulation] = []


class RefusedError(Exception):
    """The site did not do its ordinary work on what it found."""


@contextmanager
def site() -> Iterator[None]:
    """The site at work: what it refuses in words is a `RefusedError`."""
    try:
        yield
    except (InputError, ConflictError, RecordError) as error:
        raise RefusedError(str(error)) from error


def manipulation(name: str, *, key: str | None = None) -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        MANIPULATIONS.append(Manipulation(name, change, key))
        return change

    return keep


def control(name: str) -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        CONTROLS.append(Manipulation(name, change))
        return change

    return keep


def one_more_line(study: int) -> None:
    """Something ordinary that ends in the log: a person is given a role."""
    with site():
        held = ReaderStudy.objects.get(pk=study)
        admin = held.memberships.filter(role="admin").first().user
        add_member(study=held, user=factories.make_user(f"guest-{uuid.uuid4().hex[:8]}"), role="analyst", actor=admin)


def last_line(db: Administrator, study: int) -> int:
    return db.one("SELECT max(number) FROM audit_event WHERE study_id = %s", study)


def cut(db: Administrator, study: int, keep: int) -> None:
    """Remove every line of a log after number `keep`."""
    db.run("DELETE FROM audit_event WHERE study_id = %s AND number > %s", study, keep)


def rebuild(db: Administrator, study: int) -> None:
    """Number the lines of a log and chain them anew, as far as that needs no key, and point its head to the last."""
    previous, number, slug = "", 0, ReaderStudy.objects.get(pk=study).slug
    for number, event in enumerate(Event.objects.filter(study=study).order_by("number"), start=1):
        event.number, event.previous = number, previous
        sha256 = chain.hash_of(event, slug)
        db.run(
            "UPDATE audit_event SET number = %s, previous = %s, sha256 = %s WHERE id = %s",
            number, previous, sha256, event.pk,
        )  # fmt: skip
        previous = sha256
    db.run("UPDATE audit_head SET number = %s, sha256 = %s WHERE study_id = %s", number, previous, study)


def log_as_it_is(db: Administrator, study: int) -> None:
    """Write into the log of what was confirmed the hashes of what is there now, and chain it anew."""
    for event in Event.objects.filter(study=study, action="pair confirmed"):
        pair = Presentation.objects.get(study=study, reader__code=event.data["reader"], position=event.data["position"])
        data = event.data | {"sha256": seal.answers_sha256(pair)}
        db.run("UPDATE audit_event SET data = %s WHERE id = %s", json.dumps(data), event.pk)
    rebuild(db, study)


def a_pair(study: int, **of) -> Presentation:
    """The first confirmed main pair, with its ids in reach."""
    found = Presentation.objects.filter(study=study, state="confirmed", kind="main", **of)
    return found.select_related("case__subject", "comparison").order_by("pk").first()


def flip(db: Administrator, pair: Presentation) -> None:
    """Turn every preference of a pair round."""
    db.run("UPDATE reading_rating SET score = 6 - score WHERE score <> 3 AND presentation_id = %s", pair.pk)


# The log


@control("nothing")
def nothing(db: Administrator, studies: Studies) -> None:
    pass


@control("one more line in every study")
def ordinary_work(db: Administrator, studies: Studies) -> None:
    for study in (studies.draft, studies.open, studies.closed, studies.locked):
        one_more_line(study)
    save_draft(studies)


@control("a study removed on purpose")
def removed(db: Administrator, studies: Studies) -> None:
    removal.remove_study(study=ReaderStudy.objects.get(pk=studies.closed), reason="It was a trial.")


@control("a person renamed, one more line")
def renamed(db: Administrator, studies: Studies) -> None:
    admin = ReaderStudy.objects.get(pk=studies.closed).memberships.get(role="admin").user
    User.objects.filter(pk=admin.pk).update(username="married")
    one_more_line(studies.closed)


@control("the reader goes on")
def reader_goes_on(db: Administrator, studies: Studies) -> None:
    confirm_half_read_pair(studies)


@manipulation("the tail of the log cut")
def tail_cut(db: Administrator, studies: Studies) -> None:
    cut(db, studies.closed, last_line(db, studies.closed) - 2)


@manipulation("the tail of the log cut, one more line")
def tail_cut_and_on(db: Administrator, studies: Studies) -> None:
    tail_cut(db, studies)
    one_more_line(studies.closed)


@manipulation("the tail cut, the head of that time put back")
def head_replayed(db: Administrator, studies: Studies) -> None:
    columns = db.columns("audit_head")
    then = db.rows(f"SELECT {', '.join(columns)} FROM audit_head WHERE study_id = %s", studies.closed)[0]
    last = last_line(db, studies.closed)
    one_more_line(studies.closed)
    one_more_line(studies.closed)
    cut(db, studies.closed, last)
    db.run(f"UPDATE audit_head SET {', '.join(f'{c} = %s' for c in columns)} WHERE id = %s", *then, then[0])


@manipulation("the tail cut, the head of that time put back, two more lines")
def head_replayed_and_on(db: Administrator, studies: Studies) -> None:
    head_replayed(db, studies)
    one_more_line(studies.closed)
    one_more_line(studies.closed)


@manipulation("the tail cut, the head removed, one more line")
def head_removed(db: Administrator, studies: Studies) -> None:
    tail_cut(db, studies)
    db.run("DELETE FROM audit_head WHERE study_id = %s", studies.closed)
    one_more_line(studies.closed)


@manipulation("a confirmed score flipped")
def score_flipped(db: Administrator, studies: Studies) -> None:
    flip(db, a_pair(studies.closed))


@manipulation("a confirmed score flipped, the chain rebuilt, one more line")
def score_flipped_chain_rebuilt(db: Administrator, studies: Studies) -> None:
    score_flipped(db, studies)
    log_as_it_is(db, studies.closed)
    one_more_line(studies.closed)


@manipulation("a confirmed score flipped, the chain rebuilt, the head removed, one more line")
def score_flipped_head_removed(db: Administrator, studies: Studies) -> None:
    score_flipped(db, studies)
    log_as_it_is(db, studies.closed)
    db.run("DELETE FROM audit_head WHERE study_id = %s", studies.closed)
    one_more_line(studies.closed)


@manipulation("a line of the log written a second time, the chain rebuilt")
def replayed(db: Administrator, studies: Studies) -> None:
    line = db.one("SELECT max(id) FROM audit_event WHERE study_id = %s AND action = 'reading signed'", studies.closed)
    db.copy("audit_event", line, number=str(last_line(db, studies.closed) + 1))
    rebuild(db, studies.closed)


@manipulation("a line of the log written a second time, one more line")
def replayed_and_on(db: Administrator, studies: Studies) -> None:
    replayed(db, studies)
    one_more_line(studies.closed)


@manipulation("a line taken from another study, the chain rebuilt, one more line")
def from_another_study(db: Administrator, studies: Studies) -> None:
    line = db.one("SELECT max(id) FROM audit_event WHERE study_id = %s", studies.locked)
    db.copy("audit_event", line, study_id=str(studies.closed), number=str(last_line(db, studies.closed) + 1))
    rebuild(db, studies.closed)
    one_more_line(studies.closed)


@manipulation("the actor of a line changed")
def actor_changed(db: Administrator, studies: Studies) -> None:
    line = another_actor(db, studies)
    db.run(
        "UPDATE audit_event SET actor_name = (SELECT username FROM accounts_user WHERE id = actor_id) WHERE id = %s",
        line,
    )


@manipulation("the account behind a line changed, its name left")
def another_actor(db: Administrator, studies: Studies) -> int:
    line = db.one("SELECT min(id) FROM audit_event WHERE study_id = %s AND actor_id IS NOT NULL", studies.closed)
    other = "SELECT min(accounts_user.id) FROM accounts_user WHERE accounts_user.id <> audit_event.actor_id"
    db.run(f"UPDATE audit_event SET actor_id = ({other}) WHERE id = %s", line)
    return line


@manipulation("the actor of a line changed, the chain rebuilt, one more line")
def actor_changed_and_on(db: Administrator, studies: Studies) -> None:
    actor_changed(db, studies)
    rebuild(db, studies.closed)
    one_more_line(studies.closed)


@manipulation("every code of authentication emptied, as if from an older version")
def codes_stripped(db: Administrator, studies: Studies) -> None:
    flip(db, a_pair(studies.closed))
    log_as_it_is(db, studies.closed)
    strip(db)


def strip(db: Administrator) -> None:
    """Empty what a version without codes of authentication did not have."""
    for table in db.tables():
        if "mac" in db.columns(table) and table != "audit_head":
            db.run(f"UPDATE {table} SET mac = ''")


@manipulation("the tables taken back to before there were codes, a margin changed, the site upgraded again")
def upgraded_again(db: Administrator, studies: Studies) -> None:
    for app, before in (("reading", "0003_presentation_revision"), ("audit", "0002_head")):
        call_command("migrate", app, before, interactive=False, verbosity=0)
    db.run("UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s", studies.closed)
    call_command("migrate", interactive=False, verbosity=0)


@manipulation("another secret key, one more line", key=ANOTHER_KEY)
def key_changed(db: Administrator, studies: Studies) -> None:
    with override_settings(SECRET_KEY=ANOTHER_KEY):
        one_more_line(studies.closed)


def delete(db: Administrator, study: int) -> None:
    for statement in removal.statements():
        db.run(statement.format(study=study))


@manipulation("a study deleted with everything")
def study_deleted(db: Administrator, studies: Studies) -> None:
    delete(db, studies.closed)


@manipulation("a study deleted with everything, a tombstone forged")
def tombstone_forged(db: Administrator, studies: Studies) -> None:
    end = "SELECT number, sha256, mac, key FROM audit_head WHERE study_id = %s"
    number, sha256, mac, key = db.rows(end, studies.closed)[0]
    slug = ReaderStudy.objects.get(pk=studies.closed).slug
    delete(db, studies.closed)
    db.run(
        "INSERT INTO audit_tombstone (slug, number, sha256, reason, actor_name, at, mac, key) "
        "VALUES (%s, %s, %s, 'It was a trial.', '', '2026-01-01 00:00:00+00:00', %s, %s)",
        slug, number, sha256, mac, key,
    )  # fmt: skip


@manipulation("every study deleted with everything")
def all_deleted(db: Administrator, studies: Studies) -> None:
    for study in (studies.draft, studies.open, studies.closed, studies.locked):
        delete(db, study)


# What was asked, of whom, on what


def statement(name: str, sql: str, *, of: str = "closed") -> None:
    """A manipulation of one statement; `%s` in it stands for the id of that study."""

    @manipulation(name)
    def change(db: Administrator, studies: Studies) -> None:
        if db.run(sql, *[getattr(studies, of)] * sql.count("%s")) == 0:
            raise ValueError(f"“{name}” changed no row")


FIRST_CASE = "(SELECT min(id) FROM material_case WHERE study_id = %s)"
A_PAIR = "(SELECT min(id) FROM reading_presentation WHERE study_id = %s AND kind = 'main')"

for name, sql in {
    "a margin changed after closing": "UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s",
    "another claim after closing": "UPDATE protocol_readerstudy SET claim = 'noninferiority' WHERE id = %s",
    "another primary criterion": (
        "UPDATE protocol_readerstudy SET primary_criterion_id = "
        "(SELECT max(id) FROM protocol_criterion WHERE study_id = %s) WHERE id = %s"
    ),
    "the seed changed": "UPDATE protocol_readerstudy SET seed = seed + 1 WHERE id = %s",
    "a study synthetic no more": "UPDATE protocol_readerstudy SET synthetic = NOT synthetic WHERE id = %s",
    "a criterion in other words": "UPDATE protocol_criterion SET better = 'less noise' WHERE study_id = %s",
    "the anchors of a scale changed": """UPDATE protocol_criterion SET anchors = '["a", "b"]' WHERE study_id = %s""",
    "the arms of a comparison exchanged": (
        "UPDATE protocol_comparison SET first_id = second_id, second_id = first_id "
        "WHERE id = (SELECT min(id) FROM protocol_comparison WHERE study_id = %s)"
    ),
    "an arm called accelerated": (
        "UPDATE protocol_arm SET acquisition = 'accelerated' WHERE code = 'SOC' AND study_id = %s"
    ),
    "the arms of a confirmed pair on the other sides": (
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        f"WHERE id = {A_PAIR}"
    ),
    "confirmed pairs made void": (
        "UPDATE reading_presentation SET state = 'void', void_reason = 'technical problem' "
        "WHERE kind = 'main' AND study_id = %s"
    ),
    "a confirmed pair of training made one of the analysis": (
        "UPDATE reading_presentation SET kind = 'main' WHERE kind = 'training' AND study_id = %s"
    ),
    "a case of training taken into the analysis": (
        "UPDATE material_case SET training = false WHERE training AND study_id = %s"
    ),
    "a case given to another subject": (
        "UPDATE material_case SET subject_id = (SELECT max(id) FROM material_subject WHERE study_id = %s) "
        f"WHERE id = {FIRST_CASE}"
    ),
    "the hash of a series changed": (
        "UPDATE material_series SET sha256 = 'f' || substr(sha256, 2, 62) || 'f' "
        "WHERE id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "the file of a series exchanged": (
        "UPDATE material_instance SET sha256 = 'f' || substr(sha256, 2, 62) || 'f' "
        "WHERE series_id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "the scan time of a series changed": (
        """UPDATE material_series SET parameters = '{"acquisition_seconds": 12}' """
        "WHERE id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "left and right of the frames exchanged": (
        "UPDATE reading_preparedpair SET first_left_sha256 = first_right_sha256, first_right_sha256 = "
        "first_left_sha256 WHERE id = (SELECT min(id) FROM reading_preparedpair WHERE study_id = %s)"
    ),
    "the order of the slices of a pair changed": (
        "UPDATE reading_preparedpair SET \"order\" = '[0, 1, 2, 3, 4]' WHERE study_id = %s"
    ),
    "the alignment of two series changed": "UPDATE material_alignment SET matrix = '[[1]]' WHERE study_id = %s",
    "a volume of interest removed": (
        "UPDATE material_volumeofinterest SET removed_at = created_at WHERE study_id = %s"
    ),
    "metrics overwritten": "UPDATE results_metric SET value = value * 0.9 WHERE metric = 'ssim' AND study_id = %s",
    "a metric deleted": (
        "DELETE FROM results_metric WHERE id = (SELECT min(id) FROM results_metric WHERE study_id = %s)"
    ),
    "features overwritten": "UPDATE results_feature SET value = value * 1.01 WHERE status = 'ok' AND study_id = %s",
    "a feature deleted": (
        "DELETE FROM results_feature WHERE id = (SELECT min(id) FROM results_feature WHERE study_id = %s)"
    ),
    "the settings of the features changed": (
        """UPDATE results_featuresettings SET settings = '{"setting": {"binWidth": 5}}' WHERE study_id = %s"""
    ),
    "guesses overwritten": (
        "UPDATE reading_guess SET side = 'right' WHERE presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)"
    ),
    "a guess deleted": (
        "DELETE FROM reading_guess WHERE id = (SELECT min(reading_guess.id) FROM reading_guess "
        "JOIN reading_presentation ON reading_presentation.id = presentation_id WHERE study_id = %s)"
    ),
    "the time of reading overwritten": f"UPDATE reading_presentation SET seconds = seconds + 60 WHERE id = {A_PAIR}",
    "an analyst made admin": ("UPDATE accounts_membership SET role = 'admin' WHERE role = 'analyst' AND study_id = %s"),
    "the time of closing changed": ("UPDATE protocol_readerstudy SET closed_at = opened_at WHERE id = %s"),
    "a closed study opened again": ("UPDATE protocol_readerstudy SET state = 'open', closed_at = NULL WHERE id = %s"),
}.items():
    statement(name, sql)

statement(
    "a locked study unlocked",
    "UPDATE protocol_readerstudy SET state = 'closed', locked_at = NULL, lock_sha256 = '' WHERE id = %s",
    of="locked",
)
statement(
    "a pair that nobody has read taken out of the schedule",
    "DELETE FROM reading_presentation WHERE id = (SELECT max(id) FROM reading_presentation WHERE study_id = %s)",
    of="open",
)
statement(
    "the arms of a pair that nobody has read on the other sides",
    "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
    "WHERE id = (SELECT max(id) FROM reading_presentation WHERE study_id = %s)",
    of="open",
)


@manipulation("a subject withdrawn")
def subject_withdrawn(db: Administrator, studies: Studies) -> None:
    subject = a_pair(studies.closed).case.subject_id
    db.run("UPDATE material_subject SET withdrawn_at = '2026-01-01 00:00:00+00:00' WHERE id = %s", subject)
    db.run(
        "UPDATE reading_presentation SET state = 'void', void_reason = 'subject withdrawn, amendment 1' "
        "WHERE case_id IN (SELECT id FROM material_case WHERE subject_id = %s)",
        subject,
    )


@manipulation("two readers' codes exchanged")
def codes_exchanged(db: Administrator, studies: Studies) -> None:
    db.swap("accounts_membership", "code", *_readers(db, studies.closed), between="R9")


@manipulation("two readers' accounts exchanged")
def accounts_exchanged(db: Administrator, studies: Studies) -> None:
    nobody = db.one("SELECT max(id) FROM accounts_user")
    db.swap("accounts_membership", "user_id", *_readers(db, studies.closed), between=nobody)


def _readers(db: Administrator, study: int) -> list[int]:
    found = "SELECT id FROM accounts_membership WHERE role = 'reader' AND study_id = %s ORDER BY id"
    return [row for (row,) in db.rows(found, study)]


@manipulation("an analyst made admin, one more person given a role")
def admin_made_and_on(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE accounts_membership SET role = 'admin' WHERE role = 'analyst' AND study_id = %s", studies.closed)
    one_more_line(studies.closed)


@manipulation("a margin changed in a draft, another setting then saved by its admin")
def draft_changed_and_saved(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s", studies.draft)
    save_draft(studies)


def save_draft(studies: Studies) -> None:
    with site():
        draft = ReaderStudy.objects.get(pk=studies.draft)
        save_settings(study=draft, actor=draft.memberships.get(role="admin").user, break_minutes=20)


@manipulation("the arms of a pair to come on the other sides, which the reader then reads")
def side_changed_and_read(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    other = "CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END"
    db.run(f"UPDATE reading_presentation SET first_side = {other} WHERE id = %s", pair.pk)
    with site():
        confirm_half_read_pair(studies)


# What was answered


@manipulation("a score edited before its pair was confirmed")
def edited_before_confirmation(db: Administrator, studies: Studies) -> None:
    flip(db, half_read_pair(studies))


@manipulation("a score edited before its pair was confirmed, which the reader then does")
def edited_then_confirmed(db: Administrator, studies: Studies) -> None:
    edited_before_confirmation(db, studies)
    with site():
        confirm_half_read_pair(studies)


@manipulation("a score edited before confirmation, with the code of an answer that had this score")
def edited_with_a_code(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    table, names = "reading_rating", set(db.columns("reading_rating")) & {"score", "mac"}
    target = db.one(f"SELECT min(id) FROM {table} WHERE presentation_id = %s", pair.pk)
    source = db.one(f"SELECT min(id) FROM {table} WHERE score = 4 AND presentation_id <> %s", pair.pk)
    for name in names:
        value = db.one(f"SELECT {name} FROM {table} WHERE id = %s", source)
        db.run(f"UPDATE {table} SET {name} = %s WHERE id = %s", value, target)


@manipulation("an answer added without a code of authentication")
def answer_added(db: Administrator, studies: Studies) -> None:
    _answer(db, half_read_pair(studies), mac="''")


@manipulation("an answer added with the code of another one, its pair then confirmed")
def answer_added_with_a_code(db: Administrator, studies: Studies) -> None:
    _answer(db, half_read_pair(studies))
    with site():
        confirm_half_read_pair(studies)


def _answer(db: Administrator, pair: Presentation, **instead: str) -> None:
    """One more revision of a rating."""
    row = db.one("SELECT max(id) FROM reading_rating WHERE presentation_id = %s", pair.pk)
    db.copy("reading_rating", row, revision="revision + 1", score="5", key=f"'{_key(db)}'", **instead)


def _key(db: Administrator) -> str:
    return uuid.uuid4().hex if db.sqlite else str(uuid.uuid4())


@manipulation("the last answer on a pair deleted before it was confirmed")
def answer_deleted(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    db.run("DELETE FROM reading_finding WHERE presentation_id = %s", pair.pk)


@manipulation("a comment taken away before its pair was confirmed, the end of the answers of that time put back")
def answers_replayed(db: Administrator, studies: Studies) -> None:
    pair, ends = half_read_pair(studies), "reading_answerhead"
    columns = db.columns(ends)
    then = db.rows(f"SELECT {', '.join(columns)} FROM {ends} WHERE presentation_id = %s", pair.pk)[0]
    with site():
        say(pair, "comment", "The left one is blurred.")
    db.run("DELETE FROM reading_statement WHERE subject = 'comment' AND presentation_id = %s", pair.pk)
    db.run(f"UPDATE {ends} SET {', '.join(f'{c} = %s' for c in columns)} WHERE id = %s", *then, then[0])


@manipulation("the correction of a confirmed answer deleted")
def correction_deleted(db: Administrator, studies: Studies) -> None:
    db.run(
        "DELETE FROM reading_rating WHERE revision > 1 AND presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)",
        studies.closed,
    )


@manipulation("the answers of two pairs exchanged")
def answers_exchanged(db: Administrator, studies: Studies) -> None:
    one = a_pair(studies.closed)
    other = a_pair(studies.closed, position__gt=one.position, reader=one.reader_id)
    for pair, to in ((one.pk, other.pk), (other.pk, one.pk)):
        db.run(
            "UPDATE reading_rating SET presentation_id = %s, revision = revision + 100 "
            "WHERE presentation_id = %s AND revision < 100",
            to, pair,
        )  # fmt: skip
    db.run("UPDATE reading_rating SET revision = revision - 100 WHERE revision > 100")


@manipulation("a finding withdrawn")
def finding_withdrawn(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE reading_finding SET withdrawn_at = found_at WHERE presentation_id = %s", half_read_pair(studies).pk)


@manipulation("a trigger put out of force, an answer changed, the trigger put into force again")
def trigger_out_of_force(db: Administrator, studies: Studies) -> None:
    with db.without_triggers("reading_statement"):
        db.run(
            "UPDATE reading_statement SET value = 'neither' WHERE subject = 'diagnostic' AND presentation_id = %s",
            a_pair(studies.closed).pk,
        )


@manipulation("a signature added")
def signature_added(db: Administrator, studies: Studies) -> None:
    row = db.one("SELECT min(id) FROM reading_signature")
    db.copy("reading_signature", row, part="part + 1")


@manipulation("a signature deleted")
def signature_deleted(db: Administrator, studies: Studies) -> None:
    db.run("DELETE FROM reading_signature WHERE id = (SELECT max(id) FROM reading_signature)")


def confirm_half_read_pair(studies: Studies) -> None:
    """The reader answers what is left on the pair and confirms it."""
    finish(half_read_pair(studies))
