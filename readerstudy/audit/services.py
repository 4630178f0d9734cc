"""Write the log. Nothing here changes or deletes a line."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, Subquery
from django.utils import timezone

from processing.errors import InputError
from readerstudy.audit import chain, heads, keys
from readerstudy.audit import seals as sealing
from readerstudy.audit.actions import AFTER_LOCKING, Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.models import Event, Head, Tombstone
from readerstudy.audit.seals import Seal
from readerstudy.audit.studies import Study, study_for_log, study_for_update
from readerstudy.states import State


class RecordError(Exception):
    """The record of a study does not hold: nothing may be added to it, and nothing that would have to be."""


def fault(*, slug: str, problem: str) -> RecordError:
    """Raise the alarm; returns the error to raise. `problem`: half a sentence that says what does not hold."""
    said = f"{problem[0].upper()}{problem[1:]}."
    heads.write_alarm(slug, said)
    return RecordError(
        f"The record of this study does not hold, so nothing was changed. {said} Ask who runs this site: "
        "`verify_audit` says more."
    )


def ensure_sealed(*, study: Study, seals: Iterable[Seal]) -> None:
    """RecordError, and an alarm, if the log does not hold or one of these units is not as it said last.

    So what was changed behind the site's back is not sealed anew by the change that follows. In the transaction of that
    change, before it.
    """
    held = study_for_update(study)
    verified_end(held)
    if problem := sealing.changed_unit(held, seals):
        raise fault(slug=held.slug, problem=problem)


def ensure_still_sealed(*, study: Study, seals: Iterable[Seal]) -> None:
    """As `ensure_sealed`, for who only reads: nobody is held up, and nobody is waited for.

    What does not fit may be a change that is just being made, and is looked at again with the study held.
    """
    seals = list(seals)
    _, problem = _end(study)
    if problem or sealing.changed_unit(study, seals):
        with transaction.atomic():
            ensure_sealed(study=study, seals=seals)


def ensure_sections_sealed(study: Study, *sections: str) -> None:
    """RecordError, and an alarm, if sealed rows of these sections, which a page shows, are not as the log said last."""
    with transaction.atomic():
        ensure_sealed(study=study, seals=[(name, None) for name in sections])


@transaction.atomic
def record(*, study: Study, action: Action, actor=None, seals: Iterable[Seal] = (), **data) -> Event:
    """Append one line to the study's log. `data` holds codes and numbers, never identity or pixels.

    seals: (section, unit) of the rows that were changed (`audit.registry`), unit None for a whole section: the line
    keeps a SHA-256 of each.

    The end of the log is verified first: RecordError, and an alarm, if it does not hold. InputError if the study has
    been locked meanwhile and this line tells of a change. Either way the change is undone with the transaction that
    it belongs to. ValueError for an action that `Action` does not have.
    """
    action = Action(action)
    held = study_for_log(study)
    if held.state == State.LOCKED and action not in AFTER_LOCKING:
        raise InputError("The study is locked: nothing in it can change.")
    last = verified_end(held, action)
    head = Head.objects.filter(study=held).first()
    if head is not None and head.key != keys.key_name():
        last = _append(held, last, None, Action.KEY_CHANGED, {"from": head.key, "to": keys.key_name()})
    return _append(held, last, actor, action, data | sealing.seal_data(held, seals))


@transaction.atomic
def record_restore(*, study: Study, **data) -> Event:
    """Append that the database was restored from a backup, with number and hash of the last line that was noted outside
    since, and let what stands outside be history. RecordError, and an alarm, if the log does not hold in itself."""
    held = study_for_update(study)
    try:
        stood = heads.latest(held.slug)
    except heads.UnreadableError as error:
        raise fault(slug=held.slug, problem=str(error)) from error
    since = [stood.number, stood.sha256] if stood and not chain.holds(held, stood) else None
    line = record(study=held, action=Action.RESTORED, outside=since, **data)
    # Before the commit: where it does not come about this is done again, and nothing was lost.
    heads.write_restore(slug=held.slug, number=line.number, sha256=line.sha256)
    return line


def verified_end(held: Study, action: str = "") -> Event | None:
    """The line after which `action` is to follow; RecordError, and an alarm, if the end of the log does not hold."""
    last, problem = _end(held, action)
    if problem:
        raise fault(slug=held.slug, problem=problem)
    return last


HEAD = ("number", "sha256", "mac", "key")


def _end(study: Study, action: str = "") -> tuple[Event | None, str]:
    """The last line, and why `action` may not follow it; "" if it may."""
    events = Event.objects.filter(study=study)
    lines = events.order_by().values("study").annotate(lines=Count("pk")).values("lines")
    heads_of = Head.objects.filter(study=study)
    with_line = {f"head_{name}": Subquery(heads_of.values(name)) for name in HEAD}  # one look at both
    last = events.annotate(lines=Subquery(lines), **with_line).order_by("-number").first()
    if last is None:
        head = heads_of.first()
    else:
        said = {name: getattr(last, f"head_{name}") for name in HEAD}
        head = None if said["number"] is None else Head(study=study, **said)
    return last, chain.end_problem(study, last=last, head=head, count=last.lines if last else 0, action=action)


def _append(held: Study, last: Event | None, actor, action: str, data: dict) -> Event:
    event = chain.append(Event=Event, study=held, last=last, at=timezone.now(), actor=actor, action=action, data=data)
    mac = chain.set_head(Head=Head, study=held, last=event)
    sealing.remember_sealing_lines(held, event)
    transaction.on_commit(lambda: heads.write(slug=held.slug, number=event.number, sha256=event.sha256, mac=mac))
    return event


def tombstone_signature(stone: Tombstone) -> tuple:
    """What the MAC of a tombstone is made over; earlier ones say nothing of what was removed."""
    said = (canonical(stone.data).decode(),) if stone.data else ()
    ends = stone.number, stone.sha256, stone.reason, stone.actor_name, stone.at.isoformat()
    return ("removed", stone.slug, *ends, *said)


@transaction.atomic
def tombstone(
    *, study_slug: str, reason: str, number: int, sha256: str, actor=None, data: dict | None = None
) -> Tombstone:
    """Note that a whole study is removed on purpose, with the number and hash of the last line of its log. data: what
    was removed.

    In the transaction that removes it; the head outside the database follows with the commit. InputError without a
    reason.
    """
    if not reason.strip():
        raise InputError("Say why the study is removed.")
    stone = Tombstone(
        slug=study_slug,
        number=number,
        sha256=sha256,
        reason=reason.strip()[:500],
        actor_name=actor.username if actor else "",
        at=timezone.now(),
        data=data or {},
        key=keys.key_name(),
    )
    stone.mac = keys.sign(*tombstone_signature(stone))
    stone.save(force_insert=True)
    transaction.on_commit(lambda: heads.write_removal(slug=study_slug, mac=stone.mac))
    return stone
