"""From which thresholds on a feature counts as stable in a study: lines of its log, of which the last holds."""

import hashlib
from collections.abc import Iterator, Mapping

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_not_frozen

WORDS = {"paired_t": "paired t p", "ccc": "CCC", "icc": "ICC(A,1)", "dispersion": "CV and QCD"}


def criteria_of(study: ReaderStudy) -> dict[str, float]:
    """The thresholds that hold: those of the analysis until somebody changes them."""
    from analysis.stability import THRESHOLDS

    said = Event.objects.filter(study=study, action=Action.STABILITY_CRITERIA_CHANGED).order_by("-number").first()
    return {**THRESHOLDS, **(said.data["criteria"] if said else {})}


@transaction.atomic
def change_criteria(*, study: ReaderStudy, given: Mapping[str, str], actor: User) -> None:
    """Let these thresholds hold. InputError for one that is no number between 0 and 1."""
    from analysis.stability import THRESHOLDS

    ensure_not_frozen(study)
    wanted = {}
    for name in THRESHOLDS:
        try:
            wanted[name] = float(given.get(name, "").replace(",", "."))
        except ValueError:
            wanted[name] = -1.0
        if not 0 < wanted[name] < 1:
            raise InputError(f"The threshold of {WORDS[name]} is a number between 0 and 1.")
    if wanted != criteria_of(study):
        record(study=study, action=Action.STABILITY_CRITERIA_CHANGED, actor=actor, criteria=wanted)


def frozen_criteria(study: ReaderStudy, **_: object) -> dict:
    """What the log of the opening keeps of the thresholds where images alone are compared."""
    return {"thresholds": _sha256(study)}


def criteria_since_opening(study: ReaderStudy, _: str) -> Iterator[str]:
    """How the thresholds differ from those of the opening, for `audit.verify`; older openings did not keep them."""
    opened = study.events.filter(action=Action.STUDY_OPENED).first()
    if opened and opened.data.get("thresholds", _sha256(study)) != _sha256(study):
        yield "The thresholds of stability are not those that the study was opened with."


def _sha256(study: ReaderStudy) -> str:
    return hashlib.sha256(canonical(criteria_of(study))).hexdigest()
