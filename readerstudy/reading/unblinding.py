"""Unblinding before closing: which arm stood where on some pairs, for a reason that everybody can read afterwards."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import TextChoices

from processing.errors import InputError
from readerstudy.accounts.proofs import Proof
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Presentation, Side
from readerstudy.states import State

CODE = re.compile(r"(R\d+)-0*(\d+)", re.IGNORECASE)


class Impact(TextChoices):
    """What an unblinding does to the study, in the words that whoever assesses it chooses from."""

    NONE = "none", "none: it changes no answer and no conclusion"
    PAIRS = "pairs", "limited to the pairs that were unblinded"
    STUDY = "study", "beyond those pairs: the conclusions of the study"


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
def unblind(*, study: ReaderStudy, proof: Proof, what: str, reason: str) -> list[Unblinded]:
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
        actor=proof.user,
        what=what,
        reason=reason[:500],
        pairs=[one.code for one in told],
        proved_by=proof.how,
    )
    return told


def unblinded(study: ReaderStudy) -> list[Event]:
    """Every unblinding before closing, the first one first: `data` has what, reason and pairs."""
    return list(Event.objects.filter(study=study, action=Action.UNBLINDED).select_related("actor").order_by("number"))


def unblinding_at(study: ReaderStudy, line: int) -> Event | None:
    """The unblinding that stands on this line of the log."""
    return Event.objects.filter(study=study, action=Action.UNBLINDED, number=line).first()


def assessments(study: ReaderStudy) -> dict[int, list[Event]]:
    """What was written of the impact of each unblinding, by its line of the log, the latest first."""
    found: dict[int, list[Event]] = {}
    for event in Event.objects.filter(study=study, action=Action.UNBLINDING_ASSESSED).order_by("-number"):
        found.setdefault(event.data["line"], []).append(event)
    return found


def with_assessments(study: ReaderStudy) -> list[tuple[Event, Event | None]]:
    """Every unblinding with the assessment that holds, the first one first."""
    written = assessments(study)
    return [(event, next(iter(written.get(event.number, [])), None)) for event in unblinded(study)]


def not_assessed(studies: Iterable[int]) -> dict[int, int]:
    """How many unblindings of these studies nobody has assessed, of those that have such, by the study's key."""
    actions = (Action.UNBLINDED, Action.UNBLINDING_ASSESSED)
    lines: dict[int, set[int]] = defaultdict(set)
    assessed: dict[int, set[int]] = defaultdict(set)
    events = Event.objects.filter(study__in=studies, action__in=actions).order_by()
    for study, action, number, data in events.values_list("study", "action", "number", "data"):
        if action == Action.UNBLINDED:
            lines[study].add(number)
        else:
            assessed[study].add(data["line"])
    return {study: len(left) for study, numbers in lines.items() if (left := numbers - assessed[study])}


def how_far_read(study: ReaderStudy, event: Event) -> list[tuple[str, str]]:
    """Of each pair that an unblinding named, whether it had been read by then; no answer, no arm."""
    times = {
        f"{code}-{position:04d}": confirmed
        for code, position, confirmed in Presentation.objects.filter(study=study).values_list(
            "reader__code", "position", "confirmed_at"
        )
    }
    told = []
    for code in event.data["pairs"]:
        confirmed = times.get(code)
        if confirmed is None:
            told.append((code, "not read to the end"))
        else:
            told.append((code, "read before" if confirmed < event.at else "read afterwards"))
    return told


@transaction.atomic
def assess(*, study: ReaderStudy, line: int, impact: str, assessment: str, measures: str, proof: Proof) -> Event:
    """Write and sign what an unblinding does to the study; a later assessment of the same one holds instead.

    InputError if no unblinding stands on this line, or the assessment is too short.
    """
    if unblinding_at(study, line) is None:
        raise InputError("No unblinding stands on this line of the log.")
    if len(assessment.strip()) < 10:
        raise InputError("Write the assessment in a few words: it stands in the log and in the results.")
    return record(
        study=study,
        action=Action.UNBLINDING_ASSESSED,
        actor=proof.user,
        line=line,
        impact=Impact(impact).value,
        assessment=assessment.strip(),
        measures=measures.strip(),
        proved_by=proof.how,
    )


def pairs_unblinded(events: list[Event]) -> int:
    """How many pairs these unblindings named, each counted once."""
    return len({code for event in events for code in event.data["pairs"]})
