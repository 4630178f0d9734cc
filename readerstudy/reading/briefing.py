"""What one reader has read of the briefing, and what the page that shows it says."""

from django.db import transaction

from readerstudy.accounts.models import Membership
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.audit.studies import study_for_log
from readerstudy.protocol import briefing
from readerstudy.protocol.models import Briefing, ReaderStudy
from readerstudy.reading.models import Presentation
from readerstudy.reading.selectors import own_list

# What the examples show, as it is and with the fault.
SHOWS = {
    "loss": ("a bright focus in a vertebra", "the same vertebra without it"),
    "corruption": ("a vertebra between two discs", "the same with torn rows"),
    "alteration": ("a straight disc", "the same disc with a wave"),
    "creation": ("a plain vertebra", "the same with a bright focus"),
    "exaggeration": ("a disc that bulges little", "the same far into the canal"),
}
# Those that have it on the left: nobody shall learn that the right image is the wrong one.
FAULT_FIRST = {"corruption", "creation"}


def unread(member: Membership) -> Briefing | None:
    """The version that this reader is to read before the next pair; None if it was read, or there is none."""
    version = briefing.in_force(member.study)
    if version is None:
        return None
    read = Event.objects.filter(study=member.study_id, action=Action.BRIEFING_READ, actor=member.user_id)
    return None if read.filter(data__sha256=version.sha256).exists() else version


@transaction.atomic
def confirm_read(*, member: Membership, sha256: str) -> bool:
    """Note in the log that this reader has read this version. False if another one holds by now; twice changes
    nothing."""
    version = briefing.in_force(study_for_log(member.study))
    if version is None or version.sha256 != sha256:
        return False
    if unread(member):
        record(
            study=member.study,
            action=Action.BRIEFING_READ,
            actor=member.user,
            reader=member.code,
            number=version.number,
            sha256=sha256,
        )
    return True


def page(study: ReaderStudy) -> dict:
    """What the briefing says, for the template: no arm, nothing of the schedule."""
    words = briefing.words_of(briefing.in_force(study))
    said = briefing.document(study, words)
    usual = said["criteria"][0]["anchors"] if said["criteria"] else []
    for criterion in said["criteria"]:
        criterion["own_anchors"] = criterion["anchors"] if criterion["anchors"] != usual else []
    return {
        **said,
        "anchors": usual,
        "faults": [{"kind": kind, "means": words[kind], "pictures": _pictures(kind)} for kind in briefing.KINDS],
    }


def _pictures(kind: str) -> list[dict]:
    """The example of a kind, left and right."""
    as_it_is, fault = SHOWS[kind]
    pictures = [
        {"path": f"briefing/{kind}-sound.png", "alt": as_it_is, "caption": "as it is"},
        {"path": f"briefing/{kind}-fault.png", "alt": fault, "caption": "with the fault"},
    ]
    return pictures[::-1] if kind in FAULT_FIRST else pictures


def counts(member: Membership) -> dict:
    """How much this reader has before them: pairs, parts, practice pairs that are left, and whether they have begun."""
    mine = own_list(member)
    practice = mine.filter(kind=Presentation.Kind.TRAINING)
    return {
        "pairs": mine.count() - practice.count(),
        "parts": member.study.parts,
        "practice": practice.exclude(state=Presentation.State.CONFIRMED).count(),
        "begun": mine.exclude(state=Presentation.State.SCHEDULED).exists(),
    }
