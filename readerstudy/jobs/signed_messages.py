"""Messages of the queue, and to workers, are signed: who can write to the broker cannot have a worker do anything.

A message is the MAC of its content by the key of the record, a line's end, and the content in JSON.
"""

from typing import Any

from kombu.serialization import register
from kombu.utils import json

NAME, CONTENT_TYPE = "signed-json", "application/x-signed-json"


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


def use() -> None:
    """Let kombu know this way of writing."""
    register(NAME, signed, content_of, CONTENT_TYPE, "utf-8")
