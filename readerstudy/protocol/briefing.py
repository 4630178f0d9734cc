"""What readers are told before their first pair: made from the protocol, worded by the admin, in numbered versions.

A reader is asked to read the version that holds; one that is written after opening is shown before the next pair.
"""

import hashlib

from django.db import transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.protocol.models import Briefing, ReaderStudy
from readerstudy.states import State

# What holds until the admin writes something else. Integrity: by the kinds of finding that readers can report.
KINDS = {
    "loss": "something that is there is gone",
    "corruption": "a part is spoilt and cannot be read",
    "alteration": "it is there, but drawn otherwise",
    "creation": "something that is not there appears",
    "exaggeration": "it is there, but drawn larger or stronger",
}
WORDS = {
    "heading": "Two images of one place. Which one serves you better?",
    "introduction": "Both images show the same patient and the same slices, and nothing on screen tells how either was "
    "made.",
    "diagnostic": "Could you answer the clinical question from this image alone, and sign the report?",
    "diagnostic_note": "A worse image may still be diagnostic; a prettier one may not be. Judge what you would sign, "
    "not what you like.",
    "notes": "",
    **KINDS,
}


def in_force(study: ReaderStudy) -> Briefing | None:
    """The version that readers are to have read; None where nobody has written one and the study is not opened, or was
    opened when there were none."""
    return study.briefings.order_by("-number").first()


def opened_without(study: ReaderStudy) -> bool:
    """Whether the study was opened when there were no briefings: its readers began, and nothing says what they were
    told. Versions that were written after an opening, and they alone, have a reason."""
    return study.state != State.DRAFT and not study.briefings.filter(reason="").exists()


def document(study: ReaderStudy, words: dict[str, str]) -> dict:
    """What a briefing says: the words, and what it takes from the protocol."""
    told = ("name", "asks", "better", "anchors", "regions")
    asked = ("ask_integrity", "ask_diagnostic", "allow_cannot_judge", "allow_back", "require_all_slices")
    return {
        "words": words,
        "criteria": [{name: getattr(criterion, name) for name in told} for criterion in study.criteria.all()],
        "questions": {name: getattr(study, name) for name in asked},
    }


def words_of(version: Briefing | None) -> dict[str, str]:
    """The words of a version; what it does not say is as it was meant for all studies."""
    return WORDS | (version.words if version else {})


@transaction.atomic
def write(*, study: ReaderStudy, words: dict[str, str], actor: User | None, reason: str = "") -> Briefing:
    """Keep another version, and log it. After opening it needs a reason, and readers read it before their next pair.

    InputError if the study is closed, a reason is missing, nothing was changed, or the words name an arm.
    """
    from processing.ingest.file_names import arms_named

    study = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if study.state not in (State.DRAFT, State.OPEN, State.PAUSED):
        raise InputError("The study is closed: nobody reads a briefing any more.")
    reason = reason.strip()[:500] if study.state != State.DRAFT else ""
    if study.state != State.DRAFT and not reason:
        raise InputError("Say why the briefing changes: readers are shown the reason with it.")
    codes = list(study.arms.values_list("code", flat=True))
    typed = [reason, *(text for name, text in words.items() if text != WORDS[name])]
    if told := sorted({arm for text in typed for arm in arms_named(text, codes)}):
        raise InputError(f"Readers would learn what is compared: leave out {' and '.join(told)}.")
    if (version := in_force(study)) and words_of(version) == words:
        raise InputError("The briefing says this already.")
    return _keep(study, words, actor, reason)


def freeze(study: ReaderStudy) -> Briefing:
    """At opening: the version that readers are to read. It is a new one where none was written, or where the protocol
    was changed since. In the transaction that opens."""
    version = in_force(study)
    words = words_of(version)
    if version and version.sha256 == _sha256(study, words):
        return version
    return _keep(study, words, None, "")


def _sha256(study: ReaderStudy, words: dict[str, str]) -> str:
    return hashlib.sha256(canonical(document(study, words))).hexdigest()


def _keep(study: ReaderStudy, words: dict[str, str], actor: User | None, reason: str) -> Briefing:
    ensure_sealed(study=study, seals=[("briefings", None)])
    last = in_force(study)
    version = Briefing.objects.create(
        study=study,
        number=last.number + 1 if last else 1,
        words=words,
        sha256=_sha256(study, words),
        reason=reason,
        actor=actor,
        at=timezone.now(),
    )
    record(
        study=study,
        action=Action.BRIEFING_WRITTEN,
        actor=actor,
        number=version.number,
        sha256=version.sha256,
        reason=reason,
        seals=[("briefings", str(version.number))],
    )
    return version
