"""Put one series through a model, to look at; measure it against a reference where there is one."""

import os
import tempfile
from pathlib import Path

import numpy as np
from django.conf import settings

from processing.errors import InputError
from processing.volume import Volume
from readerstudy.archive.store import exists, put_file
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import chore, job_function
from readerstudy.material import enhancers, previews, volumes
from readerstudy.material.models import Series

METRICS = ("psnr", "ssim")


@job_function(previews.PREVIEW)
def preview_series(job: Job, report):
    from processing.enhancement.enhance import enhance
    from processing.nifti import write_nifti

    source = Series.objects.get(pk=job.parameters["source"])
    folder = enhancers.folder(job.parameters["model"])
    if enhancers.read_identity(folder).sha256 != job.parameters["model_sha256"]:
        raise InputError("Another version of the model is here now; ask again from its page.")
    image = _pixels(source)
    enhanced = enhance(
        image,
        model=folder,
        threads=max(1, (os.cpu_count() or 1) // settings.WORKER_SLOTS),
        progress=lambda done, total: report(0.8 * done / total, f"slice {done} of {total}"),
    )
    measured = None
    if job.parameters["reference"]:
        report(0.85, "comparing with the reference")
        reference = Series.objects.select_related("arm").get(pk=job.parameters["reference"])
        measured = _measured(_pixels(reference), (image, enhanced.volume), job.parameters["matrix"])
        measured |= {"reference": reference.arm.code}
    report(0.95, "storing")
    with tempfile.TemporaryDirectory() as place:
        sha256, _ = put_file(write_nifti(enhanced.volume, Path(place) / "preview.nii.gz"))
    return lambda: {
        "sha256": sha256,
        "noise_sigma": enhanced.noise_sigma,
        "noise_method": enhanced.noise_method,
        "seconds": enhanced.seconds,
        "precision": enhanced.model.precision,
        "version": enhanced.model.version,
        "slices": image.shape[0],
        "measured": measured,
        "lacking": job.parameters["lacking"],
    }


def _pixels(series: Series) -> Volume:
    try:
        return volumes.load(series)
    except (InputError, FileNotFoundError) as error:
        if all(exists(sha256) for sha256 in series.instances.values_list("sha256", flat=True)):
            raise
        raise InputError(f"The pixels of {series.arm.code} of {series.case.code} are not in the archive.") from error


def _measured(reference: Volume, shown: tuple[Volume, Volume], matrix: list | None) -> dict:
    """PSNR and SSIM of input and output against the reference, whole and foreground; how, and why one is undefined."""
    from processing.metrics.quality import compare
    from processing.registration import apply

    found: dict = {"registered": matrix is not None}
    for name, volume in zip(("input", "output"), shown, strict=True):
        moved, inside = apply(np.eye(4) if matrix is None else np.array(matrix), volume, like=reference)
        comparison = compare(reference, moved, within=inside)
        found[name] = {
            "whole": {metric: comparison.volume[metric] for metric in METRICS},
            "foreground": {metric: comparison.foreground[metric] for metric in METRICS},
            "reasons": {k: v for k, v in comparison.reasons.items() if not k.startswith("slices.")},
        }
        found["data_range"] = comparison.conventions["data_range"]
    return found


@chore
def forget_previews() -> None:
    previews.forget()
