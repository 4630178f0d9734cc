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
from pathlib import Path

from benchmarks.administrator import Administrator
from benchmarks.tampered_study import Studies, finish, half_read_pair
from processing.errors import InputError
from readerstudy.accounts.services import add_member
from readerstudy.audit import chain
from readerstudy.audit.models import Event
from readerstudy.audit.services import RecordError
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import save_settings
from readerstudy.reading import answer_hashes
from readerstudy.reading.models import Presentation
from readerstudy.reading.writes import ConflictError
from tests import factories

Change = Callable[[Administrator, Studies], object]
ANOTHER_KEY = "a key that the administrator of the database chose, long enough"


def keys_from(secret: str) -> dict[str, object]:
    """Settings of a site that has this one secret, and no file of keys."""
    return {"SECRET_KEY": secret, "SECRET_KEY_FALLBACKS": [], "KEYS_FILE": Path("no keys")}


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
            number,
            previous,
            sha256,
            event.pk,
        )
        previous = sha256
    db.run("UPDATE audit_head SET number = %s, sha256 = %s WHERE study_id = %s", number, previous, study)


def log_as_it_is(db: Administrator, study: int) -> None:
    """Write into the log of what was confirmed the hashes of what is there now, and chain it anew."""
    for event in Event.objects.filter(study=study, action="pair confirmed"):
        pair = Presentation.objects.get(study=study, reader__code=event.data["reader"], position=event.data["position"])
        data = event.data | {"sha256": answer_hashes.answers_sha256(pair)}
        db.run("UPDATE audit_event SET data = %s WHERE id = %s", json.dumps(data), event.pk)
    rebuild(db, study)


def a_pair(study: int, **of) -> Presentation:
    """The first confirmed main pair, with its ids in reach."""
    found = Presentation.objects.filter(study=study, state="confirmed", kind="main", **of)
    return found.select_related("case__subject", "comparison").order_by("pk").first()


def flip(db: Administrator, pair: Presentation) -> None:
    """Turn every preference of a pair round."""
    db.run("UPDATE reading_rating SET score = 6 - score WHERE score <> 3 AND presentation_id = %s", pair.pk)


def save_draft(studies: Studies) -> None:
    with site():
        draft = ReaderStudy.objects.get(pk=studies.draft)
        save_settings(study=draft, actor=draft.memberships.get(role="admin").user, break_minutes=20)


def confirm_half_read_pair(studies: Studies) -> None:
    """The reader answers what is left on the pair and confirms it."""
    finish(half_read_pair(studies))
