"""What the opening of a study without readers freezes, and whether it is still that."""

from collections.abc import Iterator

from django.db.models import QuerySet

from readerstudy.audit.actions import Action
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy


def frozen_volumes(study: ReaderStudy) -> list[str]:
    """SHA-256 of the volumes of interest that count, as the log of the opening keeps them."""
    there = study.volumes_of_interest.filter(in_use("case__"), removed_at=None)
    return list(there.order_by("case__code", "name").values_list("sha256", flat=True))


def frozen_problems(study: ReaderStudy) -> Iterator[str]:
    """How series and volumes differ from those of the opening; those of cases that left since are missed by nobody."""
    opened = study.events.filter(action=Action.STUDY_OPENED).first()
    if opened is None:
        yield "The log does not say what was frozen."
        return
    if not _is_kept(opened.data["series"], study.series.all(), active=True):
        yield "The series are not those that the study was opened with."
    if not _is_kept(opened.data["volumes"], study.volumes_of_interest.all(), removed_at=None):
        yield "The volumes of interest are not those that the study was opened with."


def _is_kept(said: list[str], rows: QuerySet, **active: object) -> bool:
    there = set(rows.filter(in_use("case__"), **active).values_list("sha256", flat=True))
    left = set(rows.exclude(in_use("case__")).values_list("sha256", flat=True))
    return there <= set(said) <= there | left
