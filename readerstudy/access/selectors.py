"""Search the log of who saw what."""

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import QuerySet

from readerstudy.access.models import Access
from readerstudy.protocol.models import ReaderStudy


def accesses(
    study: ReaderStudy,
    *,
    name: str = "",
    kind: str = "",
    thing: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Access]:
    """What was seen of a study, the latest first. since, until: days in UTC, both included."""
    found = Access.objects.filter(study=study)
    if name:
        found = found.filter(name=name)
    if kind:
        found = found.filter(kind=kind)
    if thing:
        found = found.filter(thing__icontains=thing)
    if since:
        found = found.filter(last_at__gte=datetime.combine(since, time(), UTC))
    if until:
        found = found.filter(first_at__lt=datetime.combine(until + timedelta(days=1), time(), UTC))
    return found


def names(study: ReaderStudy) -> list[str]:
    """Everybody who has seen something of a study."""
    return sorted(Access.objects.filter(study=study).order_by().values_list("name", flat=True).distinct())
