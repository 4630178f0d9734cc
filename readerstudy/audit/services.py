"""Write the log. Nothing here changes or deletes a line."""

import hashlib
import hmac
import json

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.audit.models import Event, Head
from readerstudy.protocol.models import ReaderStudy, State

# What may still be noted of a locked study: who looked, who took what, who may.
AFTER_LOCKING = ("seen", "exported", "member added", "member removed", "study locked")


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: the same content gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_hash(*, study: str, number: int, at: str, actor: str, action: str, data: dict, previous: str) -> str:
    """SHA-256 over one line and the hash of the line before."""
    line = {"study": study, "number": number, "at": at, "actor": actor, "action": action, "data": data}
    return hashlib.sha256(previous.encode() + canonical(line)).hexdigest()


def _key() -> bytes:
    return hashlib.sha256(b"audit head" + settings.SECRET_KEY.encode()).digest()


def key_name() -> str:
    """Eight digits that tell one secret key from another."""
    return hashlib.sha256(b"name of" + _key()).hexdigest()[:8]


def head_mac(study: str, number: int, sha256: str) -> str:
    """HMAC-SHA-256 over the last line of a study's log."""
    return hmac.new(_key(), canonical([study, number, sha256]), hashlib.sha256).hexdigest()


def set_head(*, study: ReaderStudy, number: int, sha256: str) -> None:
    mac = head_mac(study.slug, number, sha256)
    Head.objects.update_or_create(
        study=study, defaults={"number": number, "sha256": sha256, "mac": mac, "key": key_name()}
    )


@transaction.atomic
def record(*, study: ReaderStudy, action: str, actor=None, **data) -> Event:
    """Append one line to the study's log. `data` holds codes and numbers, never identity or pixels.

    InputError if the study has been locked meanwhile and this line tells of a change: the change is then undone
    with the transaction that it belongs to.
    """
    held = ReaderStudy.objects.select_for_update().get(pk=study.pk)  # one writer of the chain at a time
    if held.state == State.LOCKED and not action.endswith(AFTER_LOCKING):
        raise InputError("The study is locked: nothing in it can change.")
    last = Event.objects.filter(study=study).order_by("-number").first()
    number, previous = (last.number + 1, last.sha256) if last else (1, "")
    at = timezone.now()
    sha256 = event_hash(
        study=study.slug, number=number, at=at.isoformat(), actor=actor.username if actor else "",
        action=action, data=data, previous=previous,
    )  # fmt: skip
    event = Event.objects.create(
        study=study,
        number=number,
        at=at,
        actor=actor,
        action=action,
        data=data,
        previous=previous,
        sha256=sha256,
    )
    set_head(study=study, number=number, sha256=sha256)
    return event
