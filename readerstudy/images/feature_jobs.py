"""Which radiomic features are asked for, and the jobs that compute them."""

from importlib.metadata import version

from readerstudy.images.models import RADIOMICS
from readerstudy.images.radiomics import active_settings
from readerstudy.jobs.services import request_job
from readerstudy.material.alignments import AWAITED, placing
from readerstudy.material.drawing import fits
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import present_series
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol.models import ReaderStudy


def ask_for_features(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for the features of every volume of interest on every series that is there; returns new jobs.

    What a result depends on is in the job's key: another mask, series, alignment, settings or pyradiomics is new work.
    """
    return sum(_ask_for_features(study, one, there) for one, there in present_series(study, case))


def _ask_for_features(study: ReaderStudy, case: Case, there: dict[int, Series]) -> int:
    volumes = active_volumes(case)
    if not volumes:
        return 0
    settings, new = active_settings(study), 0
    alignments = list(Alignment.objects.filter(fixed__case=case))
    for series in there.values():  # what is made of the whole series serves the volumes that follow
        for volume in volumes:
            placed = placing(volume.drawn_on, series, alignments)
            if placed.how == AWAITED or not fits(volume, series, placed):
                continue  # asked for again when the alignment is there, or a person has looked
            new += request_job(
                function=RADIOMICS,
                study=study,
                label=f"{volume.name} of {case.code} on {series.arm.code}",
                parameters={
                    "voi": volume.pk,
                    "series": series.pk,
                    "settings": settings.pk,
                    "matrix": placed.matrix,
                    "how": placed.how,
                },
                inputs={
                    "voi": volume.pk,
                    "mask": volume.sha256,
                    "series": series.pk,
                    "pixels": series.sha256,
                    "matrix": placed.matrix,
                    "settings": settings.sha256,
                    "pyradiomics": version("pyradiomics"),
                },
            )[1]
    return new
