"""What could be done to what was answered."""

from __future__ import annotations

import uuid

from benchmarks.administrator import Administrator
from benchmarks.manipulations import (
    a_pair,
    confirm_half_read_pair,
    flip,
    manipulation,
    site,
)
from benchmarks.tampered_study import Studies, half_read_pair, say
from readerstudy.reading.models import Presentation


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
            to,
            pair,
        )
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
