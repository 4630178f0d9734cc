"""A subject is withdrawn: pixels, masks and the numbers made from them go; rows and hashes that tell what was, stay.

Apps above hold more of a subject than series and masks: each says what, and takes it away itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from readerstudy.archive import store
from readerstudy.archive.keeping import take_turn
from readerstudy.audit import heads
from readerstudy.audit.registry import unit_name
from readerstudy.audit.seals import Seal
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel, request_job
from readerstudy.material import volumes
from readerstudy.material.models import Alignment, Case, Instance, Subject, VolumeOfInterest

ERASE = "material.erase"
CHUNK = 500  # hashes per query


def cancel_jobs(subject: Subject) -> int:
    """Let no job on this subject store anything more; returns how many were stopped."""
    cases = list(subject.cases.values_list("pk", flat=True))
    masks = list(VolumeOfInterest.objects.filter(case__in=cases).values_list("pk", flat=True))
    of_cases = Job.objects.filter(study=subject.study_id, parameters__case__in=cases)
    of_masks = Job.objects.filter(study=subject.study_id, parameters__voi__in=masks)
    return sum(cancel(job=job) for job in [*of_cases, *of_masks])


@dataclass(frozen=True)
class Holder:
    """What an app holds of a subject, beside series and masks.

    seals: (cases) of its rows that `erase` removes or changes; files: (subject, cases) hashes of its files; erase:
    (subject, cases) removes its rows and returns counts for the log; needed: (hashes) those of them of which something
    of its own is made that is not withdrawn. cases: a queryset.
    """

    seals: Callable[..., Iterable[Seal]] = lambda cases: ()
    files: Callable[..., Iterable[str]] = lambda subject, cases: ()
    erase: Callable[..., dict[str, int]] = lambda subject, cases: {}
    needed: Callable[[list[str]], Iterable[str]] = lambda hashes: ()


_holders: list[Holder] = []


def register(holder: Holder) -> None:
    """Have this erased too. For AppConfig.ready()."""
    _holders.append(holder)


def units(name: str, rows: QuerySet) -> list[Seal]:
    """The sealed units of these rows, which are the values that name them."""
    return [(name, unit_name(*row)) for row in rows.order_by().distinct()]


def sealed_units(subject: Subject) -> list[Seal]:
    """What the log seals of the rows that `erase_subject` removes or changes, and of the subject."""
    cases = Case.objects.filter(subject=subject)
    alignments = Alignment.objects.filter(fixed__case__in=cases)
    return [
        ("subjects", subject.code),
        *units("alignments", alignments.values_list("fixed_id", "moving_id")),
        *units("volumes", VolumeOfInterest.objects.filter(case__in=cases).values_list("pk")),
        *(unit for holder in _holders for unit in holder.seals(cases)),
    ]


def erase_subject(*, subject: Subject) -> dict[str, int]:
    """Remove what was made from a subject's pixels, and ask a worker to erase the files. In a transaction.

    Series and instances keep their rows with hashes. Returns counts for the log.
    """
    assert subject.withdrawn_at is not None
    cases = Case.objects.filter(subject=subject)
    alignments = Alignment.objects.filter(fixed__case__in=cases)
    masks = VolumeOfInterest.objects.filter(case__in=cases)
    hashes = {
        *Instance.objects.filter(series__case__in=cases).values_list("sha256", flat=True),
        *masks.values_list("sha256", flat=True),
        *alignments.values_list("picture", flat=True),
        *(sha256 for holder in _holders for sha256 in holder.files(subject, cases)),
    }
    counts = {
        "series": subject.study.series.filter(case__in=cases).count(),
        "masks": masks.count(),
        "files": len(hashes),
    }
    for holder in _holders:
        counts |= holder.erase(subject, cases)
    alignments.delete()
    masks.filter(removed_at=None).update(removed_at=timezone.now())
    transaction.on_commit(volumes.forget)  # other processes keep none for longer than a minute
    request_job(
        function=ERASE,
        study=subject.study,
        label=f"Pixels of {subject.code}",
        parameters={"hashes": sorted(hashes)},
        inputs={"subject": subject.pk, "withdrawn": subject.withdrawn_at.isoformat(), "hashes": sorted(hashes)},
    )
    slug, number, code = subject.study.slug, subject.pk, subject.code
    transaction.on_commit(lambda: heads.write_erasure(slug=slug, subject=number, code=code))
    return counts


def still_needed(hashes: Iterable[str]) -> set[str]:
    """Those of the files that something else in the archive is made of: the same bytes may have been sent twice."""
    wanted, needed = sorted(hashes), set[str]()
    alive = {"case__subject__withdrawn_at": None}
    for start in range(0, len(wanted), CHUNK):
        these = wanted[start : start + CHUNK]
        instances = Instance.objects.filter(sha256__in=these, series__case__subject__withdrawn_at=None)
        needed.update(instances.values_list("sha256", flat=True))
        needed.update(VolumeOfInterest.objects.filter(sha256__in=these, **alive).values_list("sha256", flat=True))
        needed.update(Alignment.objects.filter(picture__in=these).values_list("picture", flat=True))
        for holder in _holders:
            needed.update(holder.needed(these))
    return needed


def erase_files(hashes: list[str]) -> dict[str, int]:
    """Erase these files from the archive unless something else needs them. Doing it again changes nothing.

    Returns how many were erased, how many were not there, and how many are needed elsewhere.
    """
    wanted, needed, erased = sorted(set(hashes)), 0, list[bool]()
    for start in range(0, len(wanted), CHUNK):
        these = wanted[start : start + CHUNK]
        with transaction.atomic():
            take_turn()
            still = still_needed(these)
            erased += [store.erase(sha256) for sha256 in these if sha256 not in still]
        needed += len(still)
    return {"erased": sum(erased), "not there": len(erased) - sum(erased), "needed elsewhere": needed}
