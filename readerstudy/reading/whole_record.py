"""The whole record of a study, before anything leaves it."""

from django.db import transaction

from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import every_unit
from readerstudy.audit.services import ensure_sealed, fault, record
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import answers
from readerstudy.states import ENDED


def ensure_whole(study: ReaderStudy) -> None:
    """RecordError, and an alarm, if any sealed row is not as the log said last, or any answer not as it was written.

    Answers count once reading is over: before it is, none of them leaves.
    """
    with transaction.atomic():
        ensure_sealed(study=study, seals=every_unit())
        if study.state in ENDED and (problem := next(answers.problems(study), "")):
            raise fault(slug=study.slug, problem=problem.rstrip("."))


@transaction.atomic
def note_export(*, study: ReaderStudy, user: User, file: str, **data) -> None:
    """Log that this person took this file away. RecordError, and an alarm, if anything in the study was changed behind
    the site's back."""
    ensure_whole(study)
    record(study=study, action=Action.RESULTS_EXPORTED, actor=user, file=file, **data)
