"""Pieces of the log that are not as they were written: for `audit.verify`."""

from collections.abc import Iterator

from readerstudy.audit import keys
from readerstudy.protocol.models import ReaderStudy
from readerstudy.viewing.models import LogPart
from readerstudy.viewing.services import part_signature


def problems(study: ReaderStudy) -> Iterator[str]:
    """What is wrong with the log of what was looked at, in a sentence for each visit.

    A browser gives pieces up in the order of their numbers and says how many: fewer than that leaves were removed.
    """
    parts = LogPart.objects.filter(presentation__study=study).order_by("presentation", "visit", "number")
    visit, here = None, 0
    for part in parts.select_related("presentation__reader").iterator(chunk_size=500):
        if visit != (part.presentation_id, part.visit):
            visit, here = (part.presentation_id, part.visit), 0
        here += 1
        code = f"{part.presentation.reader.code}-{part.presentation.position:04d}"
        if not keys.signed_with(part.mac, *part_signature(part)):
            yield f"Piece {part.number} of the log of what was looked at on pair {code} is not as it was written."
        elif here + part.dropped <= part.number:
            yield f"Pieces of the log of what was looked at on pair {code} are gone."
