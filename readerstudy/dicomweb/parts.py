"""Bodies of several parts, multipart/related (RFC 2387): written while they are sent, read while they come."""

import secrets
from collections.abc import Iterable, Iterator
from email.message import Message
from typing import Protocol

from django.http import StreamingHttpResponse
from django.http.multipartparser import ChunkIter, InterBoundaryIter, LazyStream
from rest_framework.exceptions import ParseError, UnsupportedMediaType

CHUNK = 64 << 10
LONGEST_HEADERS = 8 << 10
LONGEST_BOUNDARY = 200  # RFC 2046 says 70; those of Orthanc have 73
UNREADABLE = "The body is not what its Content-Type says: no multipart/related, or cut off."


def stream(parts: Iterable[tuple[str, Iterable[bytes]]], of: str) -> StreamingHttpResponse:
    """An answer of parts, each (Content-Type, pieces of bytes); of: the type of the first."""
    boundary = secrets.token_hex(16)

    def body() -> Iterator[bytes]:
        for kind, pieces in parts:
            yield f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode()
            yield from pieces
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return StreamingHttpResponse(body(), content_type=f'multipart/related; type="{of}"; boundary={boundary}')


def boundary_of(content_type: str, *, of: str) -> bytes:
    """What stands between the parts. UnsupportedMediaType unless they are of this type."""
    message = Message()
    message["Content-Type"] = content_type
    kind = message.get_param("type", "")
    boundary = message.get_boundary("")
    if (
        message.get_content_type() != "multipart/related"
        or str(kind).lower() != of
        or not 0 < len(boundary) <= LONGEST_BOUNDARY
    ):
        raise UnsupportedMediaType(content_type[:200], f'Send multipart/related; type="{of}" with a boundary.')
    return boundary.encode()


class Source(Protocol):
    """What is read from: a request, or what the web server reads from."""

    def read(self, count: int, /) -> bytes: ...


def received(source: Source, boundary: bytes) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The parts of a body as they come: Content-Type, and the bytes, which are to be read before the next.

    ParseError if it is cut off.
    """
    whole = LazyStream(ChunkIter(source, CHUNK))  # type: ignore[arg-type]  # which is read alone
    for number, part in enumerate(InterBoundaryIter(whole, b"--" + boundary)):
        if number == 0:  # what stands before the first part
            _skip(part)
            continue
        start = part.read(2)
        if start == b"--":  # behind the last part
            return
        content_type = _content_type(part) if start == b"\r\n" else ""
        yield content_type, part
        _skip(part)
    raise ParseError(UNREADABLE)


def _content_type(part: LazyStream) -> str:
    """Of the headers of a part, which are read."""
    start = part.read(LONGEST_HEADERS)
    end = 0 if start.startswith(b"\r\n") else start.find(b"\r\n\r\n") + 2
    if end == 1:
        raise ParseError(UNREADABLE)
    part.unget(start[end + 2 :])
    for line in start[:end].decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return value.strip()
    return ""


def _skip(part: LazyStream) -> None:
    for _ in part:
        pass
