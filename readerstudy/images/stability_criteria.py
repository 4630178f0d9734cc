"""From which thresholds on a feature counts as stable in a study: lines of its log, of which the last holds."""

from collections.abc import Mapping

from django.db import transaction

from analysis.stability import THRESHOLDS
from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy

WORDS = {"paired_t": "paired t p", "ccc": "CCC", "icc": "ICC(A,1)", "dispersion": "CV and QCD"}


def criteria_of(study: ReaderStudy) -> dict[str, float]:
    """The thresholds that hold: those of the analysis until somebody changes them."""
    said = Event.objects.filter(study=study, action=Action.STABILITY_CRITERIA_CHANGED).order_by("-number").first()
    return {**THRESHOLDS, **(said.data["criteria"] if said else {})}


@transaction.atomic
def change_criteria(*, study: ReaderStudy, given: Mapping[str, str], actor: User) -> None:
    """Let these thresholds hold. InputError for one that is no number between 0 and 1."""
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
