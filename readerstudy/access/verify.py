"""Rows of the log of who saw what that are not as they were written, or gone: for `audit.verify`."""

from collections.abc import Iterator

from readerstudy.access.models import Access
from readerstudy.access.services import signature
from readerstudy.audit import keys
from readerstudy.protocol.models import ReaderStudy


def problems(study: ReaderStudy) -> Iterator[str]:
    """A sentence for each row that was changed, and each gap in what one process wrote."""
    writer, here = None, 0
    for access in Access.objects.filter(study=study).order_by("writer", "number").iterator(chunk_size=2000):
        if access.writer != writer:
            writer, here = access.writer, 0
        here += 1
        when = f"{access.last_at:%Y-%m-%d %H:%M}"
        if not keys.signed_with(access.mac, *signature(access)):
            yield f"What was noted of who saw what on {when} is not as it was written."
        if access.number != here:
            yield f"Rows of who saw what from before {when} are gone."
            here = access.number
