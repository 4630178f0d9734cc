"""Files of the maps of anomalies: whose they are, and that they go with the subject or the study."""

from collections.abc import Iterable

from readerstudy.jobs.models import Job
from readerstudy.material.erasure import Holder
from readerstudy.material.models import Case
from readerstudy.protocol.models import ReaderStudy

ANOMALIES = "results.anomalies"


def map_files(*, cases: Iterable[int] | None = None, withdrawn: bool | None = None) -> set[str]:
    """Hashes of the kept maps: of these cases, or of cases whose subjects are, or are not, withdrawn."""
    chosen = Case.objects.all() if cases is None else Case.objects.filter(pk__in=list(cases))
    if withdrawn is not None:
        chosen = chosen.filter(subject__withdrawn_at__isnull=not withdrawn)
    wanted = set(chosen.values_list("pk", flat=True))
    jobs = Job.objects.filter(function=ANOMALIES, state=Job.State.DONE).values_list("parameters", "result")
    return {result["sha256"] for given, result in jobs if given["case"] in wanted}


def leave_study(study: ReaderStudy, **_: object) -> set[str]:
    """Hashes of the kept maps of a study that is removed."""
    return map_files(cases=study.cases.values_list("pk", flat=True))


HOLDER = Holder(
    files=lambda subject, cases: map_files(cases=cases.values_list("pk", flat=True)),
    needed=lambda hashes: map_files(withdrawn=False) & set(hashes),
)
