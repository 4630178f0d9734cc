"""The chain of a study's log: hashes, MACs, what must hold before a line is added, and how one is added.

Works on the models that it is given, so that an upgrade can use it on the tables as they were.
"""

import hashlib
from datetime import datetime

from readerstudy.audit import heads, keys
from readerstudy.audit.actions import FIRST, Action
from readerstudy.audit.canonical import canonical


def event_hash(*, study: str, number: int, at: str, actor: str, action: str, data: dict, previous: str) -> str:
    """SHA-256 over one line and the hash of the line before."""
    line = {"study": study, "number": number, "at": at, "actor": actor, "action": action, "data": data}
    return hashlib.sha256(previous.encode() + canonical(line)).hexdigest()


def hash_of(event, study: str) -> str:
    """The hash that a line's own content gives."""
    return event_hash(
        study=study,
        number=event.number,
        at=event.at.isoformat(),
        actor=event.actor_name,
        action=event.action,
        data=event.data,
        previous=event.previous,
    )


def event_signature(study: str, number: int, sha256: str, actor: int | None) -> tuple:
    """What the MAC of a line is made over; `actor`: the account's id. Not what the head's is: else each line would be a
    head to go back to."""
    return "event", study, number, sha256, actor


def line_problem(event, study: str) -> str:
    """What is wrong with a line, seen alone; "" if nothing is.

    A line that was signed by a key which the settings do not hold any more is protected only by those after it.
    """
    if hash_of(event, study) != event.sha256:
        return f"line {event.number} was changed"
    if not event.mac or not event.key:
        return f"line {event.number} has no MAC: this site did not write it, or could not seal it"
    signer = keys.signed_with(event.mac, *event_signature(study, event.number, event.sha256, event.actor_id))
    forgotten = event.key not in keys.known()
    return "" if forgotten or signer == event.key else f"line {event.number} is not authenticated by this site"


def head_mac(study: str, number: int, sha256: str) -> str:
    """HMAC-SHA-256 over the last line of a study's log."""
    return keys.sign(study, number, sha256)


def end_problem(study, *, last, head, count: int, action: str) -> str:
    """Why no line may follow `last`, in a sentence; "" if one may.

    last, head: the last line and the head of the log, None where there is none; count: number of its lines; action:
    of the line that is to follow. Looks at the end alone, in a time that does not grow with the log. What stands
    outside the database does not matter to a line that says that it was restored.
    """
    slug = study.slug
    try:
        outside = heads.latest(slug)
    except heads.UnreadableError as error:
        return str(error)
    if last is None or head is None:
        if last is None and head is None and outside is None and action == FIRST:
            return ""
        return "the log has no authenticated end: lines or their head were removed"
    if head.number != last.number or head.sha256 != last.sha256:
        return f"the log ends with line {last.number}, its head with line {head.number}"
    if not (signer := keys.signed_with(head.mac, slug, head.number, head.sha256)) or signer != head.key:
        if head.key not in keys.known():
            return f"the end of the log was authenticated with another secret key ({head.key})"
        return "the end of the log is not authenticated by this site"
    if count != last.number:
        return f"the log has {count} lines, the last one is number {last.number}"
    if problem := line_problem(last, slug):
        return problem
    if last.key != head.key:
        return f"line {last.number} and the head after it are authenticated with different keys"
    noted_last = outside is not None and (outside.number, outside.sha256) == (last.number, last.sha256)
    if outside is not None and action != Action.RESTORED and not noted_last and not holds(study, outside):
        return f"line {outside.number} is not the one that was noted outside the database ({outside.sha256[:12]})"
    return ""


def holds(study, outside: heads.WrittenHead) -> bool:
    """Whether the log has the line that was noted outside the database."""
    return study.events.filter(number=outside.number, sha256=outside.sha256).exists()


def append(*, Event, study, last, at: datetime, actor, action: str, data: dict):
    """Write the line after `last` and return it. Nothing is checked here."""
    number, previous = (last.number + 1, last.sha256) if last else (1, "")
    actor_name = actor.username if actor else ""
    sha256 = event_hash(
        study=study.slug,
        number=number,
        at=at.isoformat(),
        actor=actor_name,
        action=action,
        data=data,
        previous=previous,
    )
    signature = event_signature(study.slug, number, sha256, actor.pk if actor else None)
    return Event.objects.create(
        study=study,
        number=number,
        at=at,
        actor=actor,
        actor_name=actor_name,
        action=action,
        data=data,
        previous=previous,
        sha256=sha256,
        mac=keys.sign(*signature),
        key=keys.key_name(),
    )


def set_head(*, Head, study, last) -> str:
    """Let `last` be the authenticated end of the log; returns the MAC."""
    mac = head_mac(study.slug, last.number, last.sha256)
    values = {"number": last.number, "sha256": last.sha256, "mac": mac, "key": keys.key_name()}
    Head.objects.update_or_create(study=study, defaults=values)
    return mac
