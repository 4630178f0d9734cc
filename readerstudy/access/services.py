"""Keep who saw what."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from readerstudy.access.models import Access
from readerstudy.access.things import Things
from readerstudy.accounts.models import User
from readerstudy.audit import keys
from readerstudy.protocol.models import ReaderStudy


class Seen(NamedTuple):
    """Something that somebody saw: slug of the study, number of the account, name and arguments of the address."""

    slug: str
    user: int
    kind: str
    address: str
    arguments: tuple[tuple[str, str], ...]


def signature(access: Access) -> tuple:
    """What the MAC of a row is made over."""
    said = access.user_id, access.name, access.kind, access.address, access.thing, access.times
    when = access.first_at.isoformat(), access.last_at.isoformat()
    return ("access", access.study_id, str(access.writer), access.number, *said, *when)


def keep(seen: Mapping[Seen, tuple[datetime, datetime, int]], writer: UUID, numbers: dict[int, int]) -> None:
    """Write one row for each thing with its first and last time and how often, all or none.

    numbers: of the writer's rows so far, by study; brought up to date. What is of a study that is gone is left out.
    """
    rows, more = list(_rows(seen)), Counter(numbers)
    for access in rows:
        more[access.study_id] += 1
        access.writer, access.number = writer, more[access.study_id]
        access.mac = keys.sign(*signature(access))
    with transaction.atomic():
        Access.objects.bulk_create(rows)
    numbers.update(more)


def _rows(seen: Mapping[Seen, tuple[datetime, datetime, int]]) -> Iterator[Access]:
    studies = dict(ReaderStudy.objects.filter(slug__in={one.slug for one in seen}).values_list("slug", "pk"))
    names = dict(User.objects.filter(pk__in={one.user for one in seen}).values_list("pk", "username"))
    things = Things()
    for one, (first, last, times) in seen.items():
        if one.slug in studies and one.user in names:
            study = studies[one.slug]
            yield Access(
                study_id=study,
                user_id=one.user,
                name=names[one.user],
                kind=one.kind,
                address=one.address[:60],
                thing=things.named(study, one.arguments)[:200],
                times=times,
                first_at=first,
                last_at=last,
            )
