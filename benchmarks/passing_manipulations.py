"""What an administrator of the database could do for a moment: change something, let the site do its ordinary work on
it, and put it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.administrator import Administrator
from benchmarks.manipulations import last_line, manipulation, one_more_line, site
from benchmarks.tampered_study import Studies
from readerstudy.audit import chain, registry
from readerstudy.audit.models import Event, Sealed
from readerstudy.protocol.models import ReaderStudy, State
from readerstudy.protocol.services import move


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
        "WHERE id = %s", studies.locked,
    )  # fmt: skip
    study = ReaderStudy.objects.get(pk=studies.locked)
    with forged_seal(db, study), site():
        move(study=study, to=State.LOCKED, actor=None)


@manipulation("the accounts behind all lines but the last changed, the names of their keys emptied")
def keys_emptied(db: Administrator, studies: Studies) -> None:
    other, last = db.one("SELECT max(id) FROM accounts_user"), last_line(db, studies.closed)
    db.run(
        "UPDATE audit_event SET actor_id = %s, mac = 'x', \"key\" = '' WHERE study_id = %s AND number < %s",
        other, studies.closed, last,
    )  # fmt: skip
