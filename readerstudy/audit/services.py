"""Write the log. Nothing here changes or deletes a line."""

import hashlib
import json

from django.db import transaction
from django.utils import timezone

from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: the same content gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_hash(*, study: str, number: int, at: str, actor: str, action: str, data: dict, previous: str) -> str:
    """SHA-256 over one line and the hash of the line before."""
    line = {"study": study, "number": number, "at": at, "actor": actor, "action": action, "data": data}
    return hashlib.sha256(previous.encode() + canonical(line)).hexdigest()


@transaction.atomic
def record(*, study: ReaderStudy, action: str, actor=None, **data) -> Event:
    """Append one line to the study's log. `data` holds codes and numbers, never identity or pixels."""
    ReaderStudy.objects.select_for_update().get(pk=study.pk)  # one writer of the chain at a time
    last = Event.objects.filter(study=study).order_by("-number").first()
    number, previous = (last.number + 1, last.sha256) if last else (1, "")
    at = timezone.now()
    sha256 = event_hash(
        study=study.slug, number=number, at=at.isoformat(), actor=actor.username if actor else "",
        action=action, data=data, previous=previous,
    )  # fmt: skip
    return Event.objects.create(
        study=study,
        number=number,
        at=at,
        actor=actor,
        action=action,
        data=data,
        previous=previous,
        sha256=sha256,
    )


def first_broken(study: ReaderStudy) -> Event | None:
    """The first line of the log that was changed, or follows a removed one; None if the chain holds."""
    previous = ""
    events = Event.objects.filter(study=study).select_related("actor").order_by("number")
    for number, event in enumerate(events, start=1):
        expected = event_hash(
            study=study.slug, number=number, at=event.at.isoformat(), actor=event.actor.username if event.actor else "",
            action=event.action, data=event.data, previous=previous,
        )  # fmt: skip
        if (event.number, event.previous, event.sha256) != (number, previous, expected):
            return event
        previous = event.sha256
    return None
