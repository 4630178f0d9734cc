"""The map of anomalies of one series, kept as a file of the archive."""

import tempfile
from pathlib import Path

import numpy as np

from processing.errors import InputError
from processing.pictures.anomaly_map import highest
from processing.volume import Volume
from readerstudy.archive.keeping import ensure_kept
from readerstudy.archive.store import put_file
from readerstudy.images.anomaly_files import ANOMALIES
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.material.volumes import load
from readerstudy.material.volumes_of_interest import load_mask
from readerstudy.protocol import enhancers


@job_function(ANOMALIES)
def map_anomalies(job: Job, report):
    from processing.enhancement.anomalies import LOCAL_CONTRAST, THRESHOLD, filled_by, find_anomalies
    from processing.grid import oriented
    from processing.nifti import write_nifti

    series = Series.objects.select_related("case").get(pk=job.parameters["series"])
    fill = None
    if job.parameters["model"] != LOCAL_CONTRAST:
        folder = enhancers.folder(job.parameters["model"])
        if enhancers.read_identity(folder).sha256 != job.parameters["model_sha256"]:
            raise InputError("Another version of the model is here now; ask again from the page of the map.")
        fill = filled_by(folder)
    volume = load(series)
    found = find_anomalies(
        volume,
        fill=fill,
        progress=lambda done, total: report(0.9 * done / total, f"pass {done} of {total}"),
    )
    report(0.92, "comparing with volumes of interest")
    judged = _judged(volume, found.map, job.parameters["volumes"])
    report(0.95, "storing")
    shown = oriented(found.map, plane=series.case.plane)
    worst = [(index + 1, *highest(slice_), float(slice_.max())) for index, slice_ in enumerate(shown.array)]
    names = ("slice", "row", "column", "value")
    with tempfile.TemporaryDirectory() as place:
        sha256, _ = put_file(write_nifti(shown, Path(place) / "anomalies.nii.gz"))
    result = {
        "sha256": sha256,
        "threshold": THRESHOLD,
        "flagged": found.flagged,
        "worst": [dict(zip(names, row, strict=True)) for row in sorted(worst, key=lambda row: -row[3])],
        **judged,
    }

    def store() -> dict:
        ensure_kept([sha256])
        return result

    return store


def _judged(volume: Volume, score: Volume, volumes: list[dict]) -> dict:
    """Area under the curve of each volume of interest against the patient outside all, and Dice of all together."""
    from processing.enhancement.anomalies import THRESHOLD, area_under_curve, dice
    from processing.masks import carry
    from processing.metrics.quality import foreground

    masks = {}
    for one in volumes:
        voi = VolumeOfInterest.objects.get(pk=one["voi"])
        matrix = None if one["matrix"] is None else np.array(one["matrix"])
        try:
            masks[voi.pk] = carry(load_mask(voi), volume.shape, volume.affine, matrix=matrix).mask.array.astype(bool)
        except InputError:  # nothing of it lies on this arm
            continue
    if not masks:
        return {"volumes": [], "dice": None}
    every = np.any(list(masks.values()), axis=0)
    patient = foreground(volume.array) | every
    areas = []
    for number, mask in masks.items():
        mine = patient & (mask | ~every)
        areas.append({"voi": number, "auc": area_under_curve(score.array[mine], mask[mine])})
    return {"volumes": areas, "dice": dice(score.array[patient] > THRESHOLD, every[patient])}
