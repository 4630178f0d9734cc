"""What admins and readers of a study wrote to each other: lines of its log, so chained, kept and exported with it."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from readerstudy.accounts.models import Membership, Role
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy

ACTIONS = (Action.LETTER_WRITTEN, Action.LETTER_NOTED)


def letters(study: ReaderStudy, reader: str = "") -> QuerySet[Event]:
    """What was written to and by this reader (R1), or by all; the latest first. `data`: reader, sender, text."""
    found = Event.objects.filter(study=study, action__in=ACTIONS)
    return (found.filter(data__reader=reader) if reader else found).order_by("-number")


def _waiting(events: Iterable[Event], role: str) -> list[str]:
    """The readers on whose matter this role has to say something: the other one wrote last."""
    last: dict[str, str] = {}
    for event in events:
        last.setdefault(event.data["reader"], event.data["sender"])
    return sorted(reader for reader, sender in last.items() if sender != role)


def waiting_for_admin(study: ReaderStudy) -> list[str]:
    """Codes of readers who wrote something that nobody has answered or noted."""
    return _waiting(letters(study), Role.ADMIN)


def waiting_for_admins(studies: Iterable[int]) -> dict[int, list[str]]:
    """The same of several studies, of those where somebody waits, by the study's key."""
    of_study: dict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(study__in=studies, action__in=ACTIONS).order_by("-number"):
        of_study[event.study_id].append(event)
    found = {study: _waiting(events, Role.ADMIN) for study, events in of_study.items()}
    return {study: readers for study, readers in found.items() if readers}


def waits_for_reader(member: Membership) -> bool:
    """Whether something was written to this reader who has not answered or noted it."""
    return bool(_waiting(letters(member.study, member.code), Role.READER))
