"""What the opening of a study without readers freezes, and whether it is still that."""

from collections.abc import Iterator

from readerstudy.audit.actions import Action
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy


def frozen_volumes(study: ReaderStudy) -> list[str]:
    """SHA-256 of the volumes of interest that count, as the log of the opening keeps them."""
    there = study.volumes_of_interest.filter(in_use("case__"), removed_at=None)
    return list(there.order_by("case__code", "name").values_list("sha256", flat=True))


def frozen_problems(study: ReaderStudy) -> Iterator[str]:
    """How series and volumes differ from those of the opening; those of withdrawn subjects are missed by nobody."""
    opened = study.events.filter(action=Action.STUDY_OPENED).first()
    if opened is None:
        yield "The log does not say what was frozen."
        return
    series = study.series.filter(active=True).values_list("sha256", flat=True)
    volumes = study.volumes_of_interest.filter(removed_at=None).values_list("sha256", flat=True)
    withdrawn = study.subjects.exclude(withdrawn_at=None).exists()
    for noun, said, there in (
        ("series", opened.data["series"], series),
        ("volumes of interest", opened.data["volumes"], volumes),
    ):
        if set(there) - set(said) or (not withdrawn and set(said) - set(there)):
            yield f"The {noun} are not those that the study was opened with."
