"""Keep what readers' browsers tell of display and viewing. Neither may ever hold an answer up."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from analysis import display_check
from readerstudy.accounts.models import Membership
from readerstudy.audit import keys
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.reading.models import Presentation
from readerstudy.viewing.models import DisplayCheck, LogPart

MOST_PARTS = 400  # of one presentation: a day of looking at it; what comes then is not kept


@transaction.atomic
def keep_check(*, reader: Membership, key, browser: str, **seen) -> DisplayCheck:
    """One finished display check, judged and sealed; the same key again returns what it made."""
    if same := DisplayCheck.objects.filter(reader=reader, key=key).first():
        return same
    failed = display_check.faults(**{name: seen[name] for name in ("missed", "dark", "bright", "discs")})
    made = DisplayCheck.objects.create(
        reader=reader, key=key, passed=not failed, browser=browser, checked_at=timezone.now(), **seen
    )
    record(
        study=reader.study,
        action=Action.DISPLAY_CHECKED,
        actor=reader.user,
        reader=reader.code,
        passed=made.passed,
        failed=failed,
        seals=[("display checks", str(made.pk))],
    )
    return made


def part_signature(part: LogPart) -> tuple:
    """What the MAC of a piece of the log is made over."""
    said = part.dropped, part.entries, part.end, part.checksum, part.received_at.isoformat()
    return "log part", part.presentation_id, str(part.visit), part.number, *said


def keep_part(*, presentation: Presentation, **said) -> bool:
    """One piece of the log of a presentation, unless it is here already; whether it is kept.

    Holds no row of the study or the answers, so that no answer waits for it.
    """
    mine = LogPart.objects.filter(presentation=presentation)
    if presentation.state not in (Presentation.State.IN_PROGRESS, Presentation.State.CONFIRMED):
        return False
    if mine.count() >= MOST_PARTS:
        return False
    part = LogPart(presentation=presentation, received_at=timezone.now(), **said)
    part.mac = keys.sign(*part_signature(part))
    try:
        with transaction.atomic():
            part.save(force_insert=True)
    except IntegrityError:  # sent again, because its answer was lost
        return mine.filter(visit=part.visit, number=part.number).exists()
    return True
