"""What came in: being sorted, to confirm, not used."""

from collections import Counter, defaultdict

from django.db.models import Count, Max, QuerySet, Sum

from readerstudy.intake.models import SORT, Candidate, Refusal, Upload
from readerstudy.jobs.models import Job
from readerstudy.protocol.models import ReaderStudy


def to_confirm(study: ReaderStudy) -> QuerySet[Candidate]:
    """Series that wait for an admin: certain ones first, then by subject."""
    return (
        study.candidates.filter(state=Candidate.State.PROPOSED)
        .select_related("arm", "site")
        .defer("affine", "instances")
        .order_by("-certain", "subject_code", "region", "plane", "weighting", "arm__place", "pk")
    )


def awaited(study: ReaderStudy) -> set[tuple]:
    """(subject, region, plane, weighting, number of the arm) of the series that wait for an admin."""
    columns = ("subject_code", "region", "plane", "weighting", "arm")
    return set(study.candidates.filter(state=Candidate.State.PROPOSED).values_list(*columns))


def put_aside(study: ReaderStudy) -> QuerySet[Candidate]:
    return study.candidates.filter(state=Candidate.State.DISMISSED).defer("affine", "instances").order_by("-pk")


def known_series(study: ReaderStudy) -> QuerySet[Candidate]:
    """Series that came a second time."""
    return study.candidates.filter(state=Candidate.State.KNOWN).defer("affine", "instances").order_by("-pk")


def not_used(study: ReaderStudy) -> list[dict]:
    """Refused files by reason: how many, and the hash of one of them (a file name may identify)."""
    by_reason = Refusal.objects.filter(upload__study=study).values("reason")
    counted = by_reason.annotate(files=Sum("count"), example=Max("sha256")).order_by("-files", "reason")
    return [dict(row) for row in counted]


def being_sorted(study: ReaderStudy) -> list[dict]:
    """Uploads that are not sorted yet, each with its job; and the last one that is, with what it brought."""
    waiting = list(study.uploads.filter(state=Upload.State.SORTING).order_by("-pk"))
    of_uploads = Job.objects.filter(study=study, function=SORT, parameters__upload__in=[one.pk for one in waiting])
    jobs = {job.parameters["upload"]: job for job in (of_uploads if waiting else ())}
    rows: list[dict] = [{"upload": upload, "job": jobs.get(upload.pk)} for upload in waiting]
    if last := study.uploads.filter(state=Upload.State.SORTED).order_by("-pk").first():
        refused = last.refusals.aggregate(files=Sum("count"))["files"] or 0
        rows.append({"upload": last, "job": None, "refused": refused, "series": last.candidates.count()})
    return rows


def latest_uploads(study: ReaderStudy, number: int) -> list[dict]:
    """The last uploads that were received whole, each with what it brought: series in all and confirmed."""
    uploads = list(study.uploads.exclude(state=Upload.State.RECEIVING).select_related("user").order_by("-pk")[:number])
    ids = [one.pk for one in uploads]
    refused = Refusal.objects.filter(upload__in=ids).values("upload").annotate(files=Sum("count"))
    files = dict(refused.order_by().values_list("upload", "files"))
    brought: dict[int, Counter] = defaultdict(Counter)
    states = Candidate.objects.filter(upload__in=ids).values_list("upload", "state").order_by()
    for upload, state, count in states.annotate(count=Count("pk")):
        brought[upload][state] = count
    return [
        {
            "upload": one,
            "series": brought[one.pk].total(),
            "confirmed": brought[one.pk][Candidate.State.CONFIRMED],
            "refused": files.get(one.pk, 0),
        }
        for one in uploads
    ]


def has_work(study: ReaderStudy) -> bool:
    """Whether a worker has something to do for this study."""
    return Job.objects.filter(study=study, state__in=[Job.State.WAITING, Job.State.RUNNING]).exists()
