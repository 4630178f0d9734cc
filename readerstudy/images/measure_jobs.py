"""Which volumes of interest are measured in which arms, and the jobs that do."""

from readerstudy.images.models import VolumeMeasure
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.alignments import AWAITED, placing
from readerstudy.material.drawing import fits
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import in_use, present_series
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State

MEASURE = "results.measure"
VERSION = 2  # another rule for a measure is another version: volumes are measured again


def reference_of(there: dict[int, Series]) -> Series | None:
    """The reference among the active series of a case, by arm; None where it has none."""
    return next((one for one in there.values() if one.arm.is_reference), None)


def ask_for_measures(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for the measures of every case with volumes of interest and a series of the reference arm; returns new
    jobs. One job measures all volumes of a case in all arms. None in a locked study, which cannot change."""
    if study.state == State.LOCKED:
        return 0
    return sum(_ask_for_measures(study, one, there) for one, there in present_series(study, case))


def _ask_for_measures(study: ReaderStudy, case: Case, there: dict[int, Series]) -> bool:
    volumes, reference = active_volumes(case), reference_of(there)
    if not volumes or reference is None:
        return False
    alignments = list(Alignment.objects.filter(fixed__case=case))
    series = {one.pk: one for one in there.values()}
    placed = {
        (volume.pk, one.pk): placing(volume.drawn_on, one, alignments) for volume in volumes for one in there.values()
    } | {(0, one.pk): placing(reference, one, alignments) for one in there.values()}
    if any(one.how == AWAITED for one in placed.values()):
        return False  # asked for again when the alignment is there
    drawn = {volume.pk: volume for volume in volumes}
    placed = {
        (volume, one): where
        for (volume, one), where in placed.items()
        if not volume or fits(drawn[volume], series[one], where)  # asked for again when a person has looked
    }
    asked: dict = {
        "function": MEASURE,
        "study": study,
        "label": f"volumes of {case.code}",
        "parameters": {"case": case.pk},
        "inputs": {
            "version": VERSION,
            "masks": [[volume.pk, volume.sha256] for volume in volumes],
            "series": [[one.pk, one.sha256] for one in there.values()],
            "placed": [[*key, one.matrix] for key, one in sorted(placed.items())],
        },
    }
    job, new = request_job(**asked)
    later = Job.objects.filter(function=MEASURE, parameters__case=case.pk, pk__gt=job.pk)
    if job.state == Job.State.DONE and later.exists():  # something was undone: a later job replaced its measures
        Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()
        new = request_job(**asked)[1]
    return new


def present_measures(study: ReaderStudy):
    """Measures of volumes and series that count."""
    return VolumeMeasure.objects.filter(
        in_use("voi__case__"), study=study, series__active=True, voi__removed_at=None
    ).exclude(reference__active=False)
