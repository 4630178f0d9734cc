"""Messages of the queue, and to workers, are signed: who can write to the broker cannot have a worker do anything.

A message is the MAC of its content by the key of the record, a line's end, and the content in JSON. The content of a
task has the SHA-256 of the message's headers, which `signed_requests` compares: they say which task it is, and when.
A message that is sent once more as it was is read: it says "look at job n" again, which changes nothing.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from celery.signals import before_task_publish
from kombu.serialization import register
from kombu.utils import json

NAME, CONTENT_TYPE = "signed-json", "application/x-signed-json"
SIGNED = "headers_sha256"


class ForgedError(ValueError):
    """A message that this site did not write."""


def signed(content: Any) -> str:
    from readerstudy.audit import keys  # which needs settings, as these name the serializer

    said = json.dumps(content)
    return f"{keys.sign('message', said)}\n{said}"


def content_of(message: str | bytes) -> Any:
    """What a message says. ForgedError if its MAC is not this site's."""
    from readerstudy.audit import keys

    text = message.decode() if isinstance(message, (bytes, memoryview)) else message
    mac, _, said = text.partition("\n")
    if not mac.isascii() or not keys.signed_with(mac, "message", said):
        raise ForgedError("A message on the queue is not this site's.")
    return json.loads(said)


def digest(headers: Mapping[str, Any]) -> str:
    """SHA-256 of a message's headers, in hex digits."""
    return hashlib.sha256(json.dumps(headers, sort_keys=True).encode()).hexdigest()


def sign_headers(*, headers: dict[str, Any], body: tuple[list, dict, dict[str, Any]], **_: object) -> None:
    """Before a task is sent: what its content says of the headers."""
    body[2][SIGNED] = digest(headers)


def use() -> None:
    """Let Celery and kombu know this way of writing."""
    register(NAME, signed, content_of, CONTENT_TYPE, "utf-8")
    before_task_publish.connect(sign_headers)
