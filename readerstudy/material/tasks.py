"""Register two acquisitions of a case; erase what was withdrawn."""

import numpy as np

from processing.errors import InputError
from readerstudy.archive.keeping import ensure_kept
from readerstudy.archive.store import put_bytes
from readerstudy.audit.actions import Action
from readerstudy.audit.registry import unit_name
from readerstudy.audit.services import record
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material import erasure, volumes
from readerstudy.material.alignments import REGISTER
from readerstudy.material.models import Alignment, Case, Series


@job_function(REGISTER)
def register_series(job: Job, report):
    from processing.pictures.picture import alignment_png
    from processing.registration import CONVENTIONS, apply, as_dict, refused, register

    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    fixed, moving = (Series.objects.select_related("arm").get(pk=job.parameters[name]) for name in ("fixed", "moving"))
    still, moved = volumes.load(fixed), volumes.load(moving)
    report(0.1, "aligning")
    try:
        registration = register(still, moved, progress=lambda share: report(0.1 + 0.8 * share, "aligning"))
    except InputError as error:  # too few slices, no contrast: there is none, and why is kept
        registration = refused(str(error))
    placed = [apply(matrix, moved, like=still)[0] for matrix in (np.eye(4), registration.matrix)]
    picture = put_bytes(alignment_png(still, *placed))

    def store() -> dict:
        ensure_kept([picture])
        alignment, _ = Alignment.objects.update_or_create(
            fixed=fixed,
            moving=moving,
            defaults={
                "study": case.study,
                "matrix": registration.matrix.tolist(),
                "quality": as_dict(registration),
                "conventions": CONVENTIONS,
                "picture": picture,
            },
        )
        record(
            study=case.study,
            action=Action.ACQUISITIONS_ALIGNED,
            case=case.code,
            fixed=fixed.arm.code,
            moving=moving.arm.code,
            seals=[("alignments", unit_name(alignment.fixed_id, alignment.moving_id))],
        )
        ask_for_missing(case.study, case=case)
        return as_dict(registration)

    return store


@job_function(erasure.ERASE)
def erase_pixels(job: Job, report):
    erased = erasure.erase_files(job.parameters["hashes"])
    return lambda: erased
