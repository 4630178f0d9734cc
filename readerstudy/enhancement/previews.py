"""A series through a model, to look at: asked for, found again, forgotten. It never becomes material."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from readerstudy.archive import store
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import job_key, request_job, retry
from readerstudy.material.alignments import ALIGNED, AWAITED, SAME, placing
from readerstudy.material.erasure import Holder, erase_files
from readerstudy.material.models import Case, Series
from readerstudy.protocol import enhancers
from readerstudy.protocol.models import ReaderStudy

PREVIEW = "material.preview"
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Reference:
    """What an output can be measured against. matrix: from a point of it to one of the input (None: the same);
    lacking: why there is none."""

    series: Series | None = None
    matrix: list | None = None
    lacking: str = ""


def possible_inputs(case: Case) -> list[Series]:
    """The series of a case that a model can start from: what was acquired, or simulated from that."""
    found = case.series.filter(Q(made_from=None) | Q(arm__recipe__isnull=False), active=True).select_related(
        "arm", "case__study", "made_from"
    )
    return list(found.order_by("arm__place"))


def reference_of(source: Series) -> Reference:
    """The standard acquisition of the same case, if it lies at the same place or has been aligned."""
    others = [one for one in possible_inputs(source.case) if one.arm.is_reference]
    if any(one.pk == source.pk for one in others):
        return Reference(lacking=f"{source.arm.code} is the reference itself")
    if not others:
        return Reference(lacking="the case has no series of the reference arm")
    placed = placing(others[0], source)
    if placed.how in (SAME, ALIGNED):
        return Reference(others[0], placed.matrix)
    if placed.how == AWAITED:
        return Reference(lacking=f"{source.arm.code} has not been aligned to {others[0].arm.code} yet")
    return Reference(lacking=f"{others[0].arm.code} does not lie at the same place, and could not be aligned")


def _request(source: Series, name: str, sha256: str) -> dict:
    """Arguments of request_job."""
    reference = reference_of(source)
    against = {"reference": reference.series and reference.series.pk, "matrix": reference.matrix}
    parameters = {"case": source.case_id, "source": source.pk, "model": name, "model_sha256": sha256, **against}
    return {
        "function": PREVIEW,
        "label": f"{name} on {source.arm.code} of {source.case.code}"[:120],
        "study": source.case.study,
        "parameters": parameters | {"lacking": reference.lacking},
        "inputs": {"source": source.pk, "model": name, "model_sha256": sha256, **against},
    }


def find_preview(source: Series, name: str, sha256: str) -> Job | None:
    """The newest preview of a series by these weights; None if there is none, or its file is gone."""
    jobs = Job.objects.filter(function=PREVIEW, study=source.study_id, parameters__source=source.pk)
    job = jobs.filter(parameters__model=name, parameters__model_sha256=sha256).order_by("-pk").first()
    if job and job.state == Job.State.DONE and not store.exists(job.result.get("sha256", "")):
        return None
    return job


def is_current(job: Job, source: Series, name: str, sha256: str) -> bool:
    """Whether asking now would find this job: an alignment may have come since."""
    request = _request(source, name, sha256)
    return job.key == job_key(function=PREVIEW, version=job.version, inputs=request["inputs"])


def request_preview(*, source: Series, name: str) -> Job:
    """Have a series enhanced for looking; what is there or on its way already is not asked for twice.

    InputError if the model is not here any more.
    """
    sha256 = enhancers.read_identity(enhancers.folder(name)).sha256
    job, new = request_job(**_request(source, name, sha256))
    if not new and job.state == Job.State.DONE and not store.exists(job.result.get("sha256", "")):
        Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()
        job, new = request_job(**_request(source, name, sha256))
    if not new:
        retry(job=job)
    return job


def preview_files(*, cases: Iterable[int] | None = None, withdrawn: bool | None = None) -> set[str]:
    """Hashes of the kept outputs: of these cases, or of cases whose subjects are, or are not, withdrawn."""
    chosen = Case.objects.all() if cases is None else Case.objects.filter(pk__in=cases)
    if withdrawn is not None:
        chosen = chosen.filter(subject__withdrawn_at__isnull=not withdrawn)
    wanted = set(chosen.values_list("pk", flat=True))
    jobs = Job.objects.filter(function=PREVIEW, state=Job.State.DONE).values_list("parameters", "result")
    return {result["sha256"] for given, result in jobs if given["case"] in wanted and result.get("sha256")}


def erase_old_previews() -> int:
    """Erase previews that nobody has asked for lately, a few at a time; returns how many."""
    ended = Q(state__in=[Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
    old = Job.objects.filter(ended, function=PREVIEW, finished_at__lt=timezone.now() - KEPT)[:20]
    for job in old:
        Job.objects.filter(pk=job.pk).delete()
        if sha256 := job.result.get("sha256"):
            erase_files([sha256])
    return len(old)


def leave_study(study: ReaderStudy, **_: object) -> set[str]:
    """Hashes of the kept outputs of a study that is removed."""
    return preview_files(cases=study.cases.values_list("pk", flat=True))


def _needed(hashes: list[str]) -> set[str]:
    return preview_files(withdrawn=False) & set(hashes)


HOLDER = Holder(
    files=lambda subject, cases: preview_files(cases=list(cases.values_list("pk", flat=True))),
    needed=_needed,
)
