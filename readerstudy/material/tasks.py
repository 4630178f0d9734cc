"""Make the series of a made arm from its source; register two acquisitions of a case; erase what was withdrawn."""

import os
import tempfile
from pathlib import Path

import numpy as np
from django.conf import settings

from processing.errors import InputError
from readerstudy.archive.store import put_bytes
from readerstudy.audit.actions import Action
from readerstudy.audit.registry import unit_name
from readerstudy.audit.services import record
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material import (
    enhancers,
    erasure,
    services,
    tasks_models,  # noqa: F401  registers its functions
    volumes,
)
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.protocol.models import Arm


@job_function("material.enhance")
def enhance_series(job: Job, report):
    # Torch is loaded here, in the worker's child process, never by the web server.
    from processing.derived import write_derived
    from processing.enhancement.enhance import enhance

    source = Series.objects.get(pk=job.parameters["source"])
    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    arm = Arm.objects.get(pk=job.parameters["arm"])
    with tempfile.TemporaryDirectory() as folder, volumes.stored_files(source) as paths:
        enhanced = enhance(
            volumes.read(paths),
            model=enhancers.folder(job.parameters["model"]),
            threads=max(1, (os.cpu_count() or 1) // settings.WORKER_SLOTS),
            progress=lambda done, total: report(0.9 * done / total, f"slice {done} of {total}"),
        )
        files = write_derived(paths, enhanced.volume, Path(folder), model=enhanced.model)
        report(0.95, "storing")
        made = volumes.read(files)
        instances = volumes.archive_files(files)
    facts = volumes.facts(made) | {
        "format": source.format,
        "made_from": source,
        "model_name": enhanced.model.name,
        "model_version": enhanced.model.version,
        "model_sha256": enhanced.model.sha256,
        "processing_seconds": enhanced.seconds,
    }

    def store() -> dict:
        services.add_series(case=case, arm=arm, instances=instances, replace=True, **facts)
        services.advance(case.study, case=case)
        return {"noise_sigma": enhanced.noise_sigma, "seconds": enhanced.seconds}

    return store


@job_function("material.register")
def register_series(job: Job, report):
    from processing.pictures.picture import alignment_png
    from processing.registration import CONVENTIONS, apply, as_dict, refused, register

    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    fixed, moving = (Series.objects.select_related("arm").get(pk=job.parameters[name]) for name in ("fixed", "moving"))
    still, moved = volumes.load(fixed), volumes.load(moving)
    report(0.1, "aligning")
    try:
        found = register(still, moved, progress=lambda share: report(0.1 + 0.8 * share, "aligning"))
    except InputError as error:  # too few slices, no contrast: there is none, and why is kept
        found = refused(str(error))
    placed = [apply(matrix, moved, like=still)[0] for matrix in (np.eye(4), found.matrix)]
    picture = put_bytes(alignment_png(still, *placed))

    def store() -> dict:
        made, _ = Alignment.objects.update_or_create(
            fixed=fixed,
            moving=moving,
            defaults={
                "study": case.study,
                "matrix": found.matrix.tolist(),
                "quality": as_dict(found),
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
            seals=[("alignments", unit_name(made.fixed_id, made.moving_id))],
        )
        services.advance(case.study, case=case)
        return as_dict(found)

    return store


@job_function(erasure.ERASE)
def erase_pixels(job: Job, report):
    erased = erasure.erase_files(job.parameters["hashes"])
    return lambda: erased
