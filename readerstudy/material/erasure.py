"""A subject is withdrawn: pixels, masks and the numbers made from them go; rows and hashes that tell what was, stay."""

from collections.abc import Iterable

from django.utils import timezone

from readerstudy.archive import store
from readerstudy.audit.registry import unit_name
from readerstudy.audit.seals import Seal
from readerstudy.intake.models import Candidate
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel, request_job
from readerstudy.material import previews
from readerstudy.material.models import Alignment, Case, Instance, Subject, VolumeOfInterest
from readerstudy.reading.models import PreparedPair
from readerstudy.results.models import Feature, Metric

ERASE = "material.erase"
CHUNK = 500  # hashes per query


def cancel_jobs(subject: Subject) -> int:
    """Let no job on this subject store anything more; returns how many were stopped."""
    cases = list(subject.cases.values_list("pk", flat=True))
    masks = list(VolumeOfInterest.objects.filter(case__in=cases).values_list("pk", flat=True))
    of_cases = Job.objects.filter(study=subject.study_id, parameters__case__in=cases)
    of_masks = Job.objects.filter(study=subject.study_id, parameters__voi__in=masks)
    return sum(cancel(job=job) for job in [*of_cases, *of_masks])


def sealed_units(subject: Subject) -> list[Seal]:
    """What the log seals of the rows that `erase_subject` removes or changes, and of the subject."""
    of = {"case__subject": subject}
    lookups = {
        "pairs": PreparedPair.objects.filter(**of).values_list("case_id", "comparison_id"),
        "alignments": Alignment.objects.filter(fixed__case__subject=subject).values_list("fixed_id", "moving_id"),
        "volumes": VolumeOfInterest.objects.filter(**of).values_list("pk"),
        "metrics": Metric.objects.filter(**of).values_list("reference_id", "test_id"),
        "features": Feature.objects.filter(voi__case__subject=subject).values_list("voi", "series", "settings"),
    }
    found = [(name, unit_name(*row)) for name, rows in lookups.items() for row in rows.order_by().distinct()]
    return [("subjects", subject.code), *found]


def erase_subject(*, subject: Subject) -> dict[str, int]:
    """Remove what was made from a subject's pixels, and ask a worker to erase the files. In a transaction.

    Series and instances keep their rows with hashes. Returns counts for the log.
    """
    cases = Case.objects.filter(subject=subject)
    pairs, alignments = PreparedPair.objects.filter(case__in=cases), Alignment.objects.filter(fixed__case__in=cases)
    masks = VolumeOfInterest.objects.filter(case__in=cases)
    unplaced = _candidates(subject)
    hashes = {
        *Instance.objects.filter(series__case__in=cases).values_list("sha256", flat=True),
        *masks.values_list("sha256", flat=True),
        *alignments.values_list("picture", flat=True),
        *previews.files(cases=list(cases.values_list("pk", flat=True))),
        *(sha256 for both in pairs.values_list("first_left_sha256", "first_right_sha256") for sha256 in both),
        *_files(unplaced),
    }
    counts = {
        "series": subject.study.series.filter(case__in=cases).count(),
        "pairs": pairs.count(),
        "masks": masks.count(),
        "metrics": Metric.objects.filter(case__in=cases).delete()[0],
        "features": Feature.objects.filter(voi__case__in=cases).delete()[0],
        "files": len(hashes),
    }
    pairs.delete()
    alignments.delete()
    masks.filter(removed_at=None).update(removed_at=timezone.now())
    unplaced.delete()
    request_job(
        function=ERASE,
        study=subject.study,
        label=f"Pixels of {subject.code}",
        parameters={"hashes": sorted(hashes)},
        inputs={"subject": subject.pk, "withdrawn": subject.withdrawn_at.isoformat(), "hashes": sorted(hashes)},
    )
    return counts


def _candidates(subject: Subject):
    """Series of this subject that were sent and not placed."""
    found = Candidate.objects.filter(study=subject.study_id, series=None)
    mine = found.filter(subject_code=subject.code)
    return mine | found.filter(subject_key=subject.key) if subject.key else mine


def _files(candidates: Iterable[Candidate]) -> set[str]:
    return {sha256 for candidate in candidates for sha256, *_ in candidate.instances}


def still_needed(hashes: Iterable[str]) -> set[str]:
    """Those of the files that something else in the archive is made of: the same bytes may have been sent twice."""
    wanted, needed = sorted(hashes), set()
    alive = {"case__subject__withdrawn_at": None}
    for start in range(0, len(wanted), CHUNK):
        these = wanted[start : start + CHUNK]
        instances = Instance.objects.filter(sha256__in=these, series__case__subject__withdrawn_at=None)
        needed.update(instances.values_list("sha256", flat=True))
        needed.update(VolumeOfInterest.objects.filter(sha256__in=these, **alive).values_list("sha256", flat=True))
        needed.update(Alignment.objects.filter(picture__in=these).values_list("picture", flat=True))
        for column in ("first_left_sha256", "first_right_sha256"):
            needed.update(PreparedPair.objects.filter(**{f"{column}__in": these}).values_list(column, flat=True))
    kept = previews.files(withdrawn=False) & set(wanted)
    return needed | kept | (_files(Candidate.objects.filter(series=None).iterator()) & set(wanted))


def erase_files(hashes: list[str]) -> dict[str, int]:
    """Erase these files from the archive unless something else needs them. Doing it again changes nothing.

    Returns how many were erased, how many were not there, and how many are needed elsewhere.
    """
    needed = still_needed(hashes)
    erased = [store.erase(sha256) for sha256 in sorted(set(hashes) - needed)]
    return {"erased": sum(erased), "not there": len(erased) - sum(erased), "needed elsewhere": len(needed)}
