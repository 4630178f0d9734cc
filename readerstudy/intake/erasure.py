"""What came in of a subject and was not placed, when the subject is withdrawn."""

from collections.abc import Iterable

from django.db import transaction

from readerstudy.archive import quarantine
from readerstudy.intake.models import Candidate
from readerstudy.material.erasure import Holder
from readerstudy.material.models import Subject
from readerstudy.protocol.models import ReaderStudy


def _candidates(subject: Subject):
    """Series of this subject that were sent and not placed."""
    found = Candidate.objects.filter(study=subject.study_id, series=None)
    mine = found.filter(subject_code=subject.code)
    return mine | found.filter(subject_key=subject.key) if subject.key else mine


def _files(candidates: Iterable[Candidate]) -> set[str]:
    return {sha256 for candidate in candidates for sha256, *_ in candidate.instances}


def _erase(subject: Subject, cases) -> dict[str, int]:
    _candidates(subject).delete()
    return {}


def _needed(hashes: list[str]) -> set[str]:
    return _files(Candidate.objects.filter(series=None).iterator()) & set(hashes)


def leave_study(study: ReaderStudy, **_: object) -> set[str]:
    """A study is removed: hashes of what waits in it; what rests in the quarantine is erased."""
    resting = list(study.uploads.exclude(salt="").values_list("pk", flat=True))

    def erase() -> None:
        for number in resting:
            quarantine.erase(number)

    transaction.on_commit(erase)
    return _files(study.candidates.iterator())


HOLDER = Holder(files=lambda subject, cases: _files(_candidates(subject)), erase=_erase, needed=_needed)
