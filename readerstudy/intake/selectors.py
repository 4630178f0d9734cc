"""What came in: being sorted, to confirm, not used."""

from django.db.models import Count, Min, QuerySet

from readerstudy.intake.models import SORT, Candidate, Refusal, Upload
from readerstudy.jobs.models import Job
from readerstudy.protocol.models import ReaderStudy


def to_confirm(study: ReaderStudy) -> QuerySet[Candidate]:
    """Series that wait for an admin: certain ones first, then by subject."""
    return (
        study.candidates.filter(state=Candidate.State.PROPOSED)
        .select_related("arm", "site")
        .order_by("-certain", "subject_code", "region", "plane", "weighting", "arm__place", "pk")
    )


def awaited(study: ReaderStudy) -> set[tuple]:
    """(subject, region, plane, weighting, number of the arm) of the series that wait for an admin."""
    columns = ("subject_code", "region", "plane", "weighting", "arm")
    return set(study.candidates.filter(state=Candidate.State.PROPOSED).values_list(*columns))


def put_aside(study: ReaderStudy) -> QuerySet[Candidate]:
    return study.candidates.filter(state=Candidate.State.DISMISSED).order_by("-pk")


def known_series(study: ReaderStudy) -> QuerySet[Candidate]:
    """Series that came a second time."""
    return study.candidates.filter(state=Candidate.State.KNOWN).order_by("-pk")


def not_used(study: ReaderStudy) -> list[dict]:
    """Refused files by reason: how many, and the hash of one of them (a file name may identify)."""
    by_reason = Refusal.objects.filter(upload__study=study).values("reason")
    counted = by_reason.annotate(files=Count("pk"), example=Min("sha256")).order_by("-files", "reason")
    return [dict(row) for row in counted]


def being_sorted(study: ReaderStudy) -> list[dict]:
    """Uploads that are not sorted yet, each with its job; and the last one that is, with what it brought."""
    jobs: dict[int, Job] = {}
    for job in Job.objects.filter(study=study, function=SORT):
        jobs[job.parameters["upload"]] = job
    uploads = study.uploads.annotate(
        refused=Count("refusals", distinct=True), series=Count("candidates", distinct=True)
    ).order_by("-pk")
    waiting = [upload for upload in uploads if upload.state == Upload.State.SORTING]
    last = next((upload for upload in uploads if upload.state == Upload.State.SORTED), None)
    return [{"upload": upload, "job": jobs.get(upload.pk)} for upload in [*waiting, *([last] if last else [])]]


def has_work(study: ReaderStudy) -> bool:
    """Whether a worker has something to do for this study."""
    return Job.objects.filter(study=study, state__in=[Job.State.WAITING, Job.State.RUNNING]).exists()
