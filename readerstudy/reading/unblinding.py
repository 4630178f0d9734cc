"""Unblinding before closing: which arm stood where on some pairs, for a reason that everybody can read afterwards."""

import re
from dataclasses import dataclass

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Presentation, Side
from readerstudy.states import State

CODE = re.compile(r"(R\d+)-0*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Unblinded:
    """One presentation and the arms on its sides; no answer."""

    code: str
    case: str
    kind: str
    left: str
    right: str


def _asked_for(study: ReaderStudy, what: str) -> list[Presentation]:
    """The pair with this code (R1-0012), or all pairs of this subject. InputError if there is none."""
    found = Presentation.objects.filter(study=study).select_related(
        "reader", "case__subject", "comparison__first", "comparison__second"
    )
    if code := CODE.fullmatch(what):
        found = found.filter(reader__code=code[1].upper(), position=int(code[2][:9]))
    else:
        found = found.filter(case__subject__code=what)
    rows = list(found.order_by("reader__code", "position"))
    if not rows:
        raise InputError("There is no pair and no subject of this code. A pair's code looks like R1-0012.")
    return rows


@transaction.atomic
def unblind(*, study: ReaderStudy, actor: User, what: str, reason: str) -> list[Unblinded]:
    """Tell which arm stood where, and log who asked, for what and why. Answers are not told.

    what: code of a presentation (R1-0012) or of a subject. InputError without a reason, or if nothing has that code.
    """
    what, reason = what.strip(), reason.strip()
    held = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if held.state not in (State.OPEN, State.PAUSED):
        raise InputError("Unblinding is for a study that is being read; a closed one shows its arms in the results.")
    if len(reason) < 10:
        raise InputError("Give the reason in a few words: it stands in the log and in the results.")
    rows = _asked_for(study, what)
    told = []
    for row in rows:
        first, second = row.comparison.first.code, row.comparison.second.code
        left, right = (first, second) if row.first_side == Side.LEFT else (second, first)
        told.append(Unblinded(f"{row.reader.code}-{row.position:04d}", row.case.code, row.kind, left, right))
    record(
        study=study,
        action=Action.UNBLINDED,
        actor=actor,
        what=what,
        reason=reason[:500],
        pairs=[one.code for one in told],
    )
    return told


def unblinded(study: ReaderStudy) -> list[Event]:
    """Every unblinding before closing, the first one first: `data` has what, reason and pairs."""
    return list(Event.objects.filter(study=study, action=Action.UNBLINDED).select_related("actor").order_by("number"))


def pairs_unblinded(events: list[Event]) -> int:
    """How many pairs these unblindings named, each counted once."""
    return len({code for event in events for code in event.data["pairs"]})
