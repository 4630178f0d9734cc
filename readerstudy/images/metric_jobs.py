"""Which series image metrics compare, and the jobs that do."""

from collections.abc import Sequence

from readerstudy.jobs.services import request_job
from readerstudy.material.alignments import ALIGNED, placing
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import present_series
from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.protocol.selectors import slices_in_one

COMPARE = "results.compare"


def metric_pairs(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Which arms are compared by image metrics: each made arm with its source (how much was altered), and the
    reference acquisition with every accelerated arm (limited by repositioning). Not where slices have no partners."""
    pairs = [(arm.made_from, arm) for arm in arms if arm.made_from]
    references = [a for a in arms if a.is_reference]
    pairs += [(r, a) for r in references for a in arms if a.acquisition == "accelerated"]
    return [pair for pair in dict.fromkeys(pairs) if slices_in_one(pair[0]) == slices_in_one(pair[1])]


def ask_for_metrics(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for the image metrics of every pair of series that is there; returns new jobs."""
    pairs, new = metric_pairs(list(study.arms.select_related("made_from"))), 0
    for one, there in present_series(study, case):
        alignments = list(Alignment.objects.filter(fixed__case=one))
        new += sum(_ask_for_metrics(study, one, *pair, there, alignments) for pair in pairs)
    return new


def _ask_for_metrics(
    study: ReaderStudy, case: Case, reference: Arm, test: Arm, there: dict[int, Series], alignments: list[Alignment]
) -> int:
    """Two series as acquired; two acquisitions also after registration."""
    a, b = there.get(reference.pk), there.get(test.pk)
    if a is None or b is None:
        return 0
    label, series = f"{reference.code} vs {test.code} of {case.code}", {"reference": a.pk, "test": b.pk}
    _, asked = request_job(
        function=COMPARE, study=study, label=label, parameters={"case": case.pk, **series}, inputs=series
    )
    new = int(asked)
    placed = placing(a, b, alignments)
    if placed.how == ALIGNED:
        aligned = series | {"matrix": placed.matrix}
        new += request_job(
            function=COMPARE,
            study=study,
            label=f"{label}, registered",
            parameters={"case": case.pk, **aligned},
            inputs=aligned,
        )[1]
    return new
