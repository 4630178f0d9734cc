"""Who saw what as a table, in the columns of its Table Schema."""

from collections.abc import Iterator

from django.db.models import QuerySet

from readerstudy.access.models import Access
from readerstudy.access.watching import WORDS
from readerstudy.accounts.models import Membership
from readerstudy.archive.downloads import Row
from readerstudy.protocol.models import ReaderStudy


def accesses(study: ReaderStudy, found: QuerySet[Access]) -> Iterator[Row]:
    """One row per row of the log."""
    roles = {member.user_id: member for member in Membership.objects.filter(study=study)}
    for access in found.iterator(chunk_size=2000):
        member = roles.get(access.user_id)
        yield {
            "study": study.slug,
            "person": access.name,
            "role": member.role if member else None,
            "reader": member.code or None if member else None,
            "kind": access.kind,
            "what": WORDS.get(access.address, access.address),
            "thing": access.thing or None,
            "times": access.times,
            "first_at": access.first_at,
            "last_at": access.last_at,
        }
