"""What could be done to the log, or to a whole study."""

from __future__ import annotations

from django.core.management import call_command
from django.test import override_settings

from benchmarks.administrator import Administrator
from benchmarks.manipulations import (
    ANOTHER_KEY,
    a_pair,
    confirm_half_read_pair,
    control,
    cut,
    flip,
    keys_from,
    last_line,
    log_as_it_is,
    manipulation,
    one_more_line,
    rebuild,
    save_draft,
)
from benchmarks.tampered_study import Studies
from readerstudy.accounts.models import User
from readerstudy.audit import removal
from readerstudy.protocol.models import ReaderStudy


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
    with override_settings(**keys_from(ANOTHER_KEY)):
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
        "INSERT INTO audit_tombstone (slug, number, sha256, reason, actor_name, at, data, mac, key) "
        "VALUES (%s, %s, %s, 'It was a trial.', '', '2026-01-01 00:00:00+00:00', '{}', %s, %s)",
        slug,
        number,
        sha256,
        mac,
        key,
    )


@manipulation("every study deleted with everything")
def all_deleted(db: Administrator, studies: Studies) -> None:
    for study in (studies.draft, studies.open, studies.closed, studies.locked):
        delete(db, study)
