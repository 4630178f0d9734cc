"""Make the series of a made arm from its source, by a model or a recipe; put one through a model, to look at."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from django.conf import settings

from processing.caution import Caution
from processing.errors import InputError
from processing.model_identity import DEGRADATION, SIMULATED, ModelIdentity
from processing.percentile import high_percentile
from processing.series import read
from processing.volume import Volume
from readerstudy.archive.keeping import ensure_kept
from readerstudy.archive.store import exists, put_file
from readerstudy.enhancement import previews
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import chore, job_function
from readerstudy.jobs.services import ask_for_missing
from readerstudy.jobs.slots import processors_of_a_job
from readerstudy.material import volumes
from readerstudy.material.models import Case, Series
from readerstudy.material.selectors import ENHANCE, SIMULATE
from readerstudy.material.services import add_series
from readerstudy.protocol import enhancers, recipes
from readerstudy.protocol.models import Arm
from readerstudy.protocol.selectors import slices_in_one

METRICS = ("psnr", "ssim")


@job_function(ENHANCE)
def enhance_series(job: Job, report):
    # Torch is loaded here, in the worker's child process, never by the web server.
    from processing.derived import write_derived
    from processing.enhancement.enhance import enhance

    source = Series.objects.select_related("study").get(pk=job.parameters["source"])
    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    arm = Arm.objects.select_related("made_from").get(pk=job.parameters["arm"])
    # Slices that were made thick become as many as they were made of; else the model decides.
    thins = enhancers.makes_thin_slices(job.parameters["model"])
    thick = slices_in_one(arm.made_from) if arm.made_from and thins else 1
    with tempfile.TemporaryDirectory() as folder, volumes.stored_files(source) as paths:
        enhanced = enhance(
            _as_placed(source, read(paths)),
            model=(model := enhancers.folder(job.parameters["model"])),
            device=_device(model),
            threads=processors_of_a_job(),
            progress=lambda done, total: report(0.9 * done / total, f"slice {done} of {total}"),
            parts=thick if thick > 1 else None,
        )
        files = write_derived(paths, enhanced.volume, Path(folder), model=enhanced.model)
        report(0.95, "storing")
        made = read(files)
        instances = volumes.archive_files(files)
    facts = _facts(source, made, enhanced.model, source.simulated)
    facts |= {"processing_seconds": enhanced.seconds, "cautions": cautions_of_made(source, enhanced.volume)}

    def store() -> dict:
        ensure_kept(sha256 for sha256, _ in instances)
        add_series(case=case, arm=arm, instances=instances, replace=True, **facts)
        ask_for_missing(case.study, case=case)
        return {"noise_sigma": enhanced.noise_sigma, "share": enhanced.share, "seconds": enhanced.seconds}

    return store


def _device(model: Path) -> str:
    """Where a model computes on this worker; one in ONNX does on the processor alone."""
    from processing.enhancement.onnx.manifest import is_onnx

    return "cpu" if is_onnx(model) else settings.DEVICE


@job_function(SIMULATE)
def simulate_series(job: Job, report):
    from processing.derived import write_derived

    source = Series.objects.select_related("study").get(pk=job.parameters["source"])
    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    arm = Arm.objects.get(pk=job.parameters["arm"])
    with tempfile.TemporaryDirectory() as folder, volumes.stored_files(source) as paths:
        volume, maker = apply_recipe(
            _as_placed(source, read(paths)),
            job.parameters["recipe"],
            lambda done, total: report(0.9 * done / total, f"slice {done} of {total}"),
        )
        files = write_derived(paths, volume, Path(folder), model=maker)
        report(0.95, "storing")
        made = read(files)
        instances = volumes.archive_files(files)
    said = maker.description.removeprefix(SIMULATED).split(". ")[0].strip(" .")
    how = "degraded" if maker.name == DEGRADATION else "reconstructed"
    simulated = "; ".join(filter(None, (source.simulated, f"{how}: {said}")))
    facts = _facts(source, made, maker, simulated)  # no processing time: a scanner would have spent none
    facts["cautions"] = cautions_of_made(source, volume)

    def store() -> None:
        ensure_kept(sha256 for sha256, _ in instances)
        add_series(case=case, arm=arm, instances=instances, replace=True, **facts)
        ask_for_missing(case.study, case=case)

    return store


def apply_recipe(volume: Volume, recipe: dict, progress: Callable[[int, int], None]) -> tuple[Volume, ModelIdentity]:
    """What a recipe makes of a series, and its identity."""
    from processing.reconstruction.reconstruct import reconstruct
    from processing.reconstruction.signal import simulated
    from processing.simulate.degrade import Degradation, degrade

    ((command, settings),) = recipe.items()
    if command == recipes.RECONSTRUCT:
        found = reconstruct(simulated(volume, settings["seed"]), **settings, progress=progress)
        return found.volume, found.model
    wanted = Degradation(**settings)
    return degrade(volume, wanted, progress=progress), wanted.identity


def _facts(source: Series, made: Volume, maker: ModelIdentity, simulated: str) -> dict:
    """The fields of a Series that was made from another. simulated: how it, or what it came from, was."""
    fields = volumes.series_fields(made, pixel_hash=source.study.pixel_hash)
    if simulated:  # no stored file says so: its equipment is not kept
        kept = {k: v for k, v in fields["parameters"].items() if not k.startswith("acquisition_")}
        fields["parameters"] = kept | {"simulated": simulated}
    return fields | {
        "part": source.part,
        "format": source.format,
        "made_from": source,
        "model_name": maker.name,
        "model_version": maker.version,
        "model_sha256": maker.sha256,
    }


def cautions_of_made(source: Series, made: Volume) -> list[dict[str, str]]:
    """Those of the source, and that its slices were thickened or thinned although they do not touch."""
    new = [vars(one) for one in made.cautions if one.code == "gaps"]
    return [*source.cautions, *(one for one in new if one not in source.cautions)]


@job_function(previews.PREVIEW)
def preview_series(job: Job, report):
    from processing.enhancement.enhance import enhance
    from processing.nifti import write_nifti

    source = Series.objects.get(pk=job.parameters["source"])
    folder = enhancers.folder(job.parameters["model"])
    if enhancers.read_identity(folder).sha256 != job.parameters["model_sha256"]:
        raise InputError("Another version of the model is here now; ask again from its page.")
    image = _as_placed(source, _pixels(source))
    enhanced = enhance(
        image,
        model=folder,
        device=_device(folder),
        threads=processors_of_a_job(),
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
    found = {
        "sha256": sha256,
        "noise_sigma": enhanced.noise_sigma,
        "noise_method": enhanced.noise_method,
        "seconds": enhanced.seconds,
        "change_percent": _change_percent(image, enhanced.volume),
        "precision": enhanced.model.precision,
        "version": enhanced.model.version,
        "slices": image.shape[0],
        "measured": measured,
        "lacking": job.parameters["lacking"],
    }

    def store() -> dict:
        ensure_kept([sha256])
        return found

    return store


def _change_percent(before: Volume, after: Volume) -> float | None:
    """Root mean square of what changed, in percent of the input's 99.9th percentile; None on other slices."""
    scale = high_percentile(before.measured, 99.9)
    if before.shape != after.shape or not scale:
        return None
    return float(100 * np.sqrt(np.mean((after.array - before.array) ** 2)) / scale)


def _as_placed(series: Series, volume: Volume) -> Volume:
    """The volume with what was said of it when it came in: the name of its file, which a stored one has lost."""
    return replace(volume, cautions=(*volume.cautions, *(Caution(**one) for one in series.cautions)))


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
    previews.erase_old_previews()
