"""Volumes of interest as files to take away: NIfTI as they were drawn, DICOM segmentations of the series beneath."""

import re
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from processing.errors import InputError
from readerstudy.archive import store
from readerstudy.archive.downloads import csv_lines
from readerstudy.material.models import Case, Series, VolumeOfInterest
from readerstudy.material.volumes import stored_files
from readerstudy.material.volumes_of_interest import active_volumes, load_mask
from readerstudy.protocol.models import ReaderStudy

COLUMNS = [
    "subject",
    "case",
    "volume",
    "arm",
    "nifti",
    "segmentation",
    "segment",
    "voxels",
    "millilitres",
    "mask",
    "simulated",
    "reason",
]


def volume_files(study: ReaderStudy, case: Case | None = None) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every mask of a study or of one case, and last volumes.csv, which says what each is.

    A volume that cannot be written is in volumes.csv with its reason.
    """
    volumes = sorted(
        active_volumes(case, study=study), key=lambda one: (one.case.code, one.drawn_on.arm.place, one.drawn_on_id)
    )
    rows: list[dict[str, object]] = []
    for series, own in groupby(volumes, key=lambda one: one.drawn_on):
        yield from _of_series(series, sorted(own, key=lambda one: one.name), rows)
    yield "volumes.csv", "".join(csv_lines(COLUMNS, rows)).encode()


def _of_series(series: Series, volumes: list[VolumeOfInterest], rows: list[dict]) -> Iterator[tuple[str, bytes]]:
    folder = volumes[0].case.code
    segmentation = f"{folder}/{series.pk}-{series.arm.code}.seg.dcm"  # an arm may have several echoes and versions
    reason = ""
    try:
        yield segmentation, segmentation_of(series, volumes)
    except (InputError, FileNotFoundError) as error:
        reason = str(error) if isinstance(error, InputError) else "A file of the series is not in the archive any more."
    for number, volume in enumerate(volumes, 1):
        # Names of volumes may differ in case alone, or hold a slash: the number tells the files apart.
        nifti = f"{folder}/{volume.pk}-{re.sub(r'[^A-Za-z0-9.+-]', '_', volume.name)}.nii.gz"
        try:
            yield nifti, store.read(volume.sha256)
        except FileNotFoundError:
            nifti, reason = "", "The file of the mask is not in the archive any more."
        rows.append(
            {
                "subject": volume.case.subject.code,
                "case": folder,
                "volume": volume.name,
                "arm": series.arm.code,
                "nifti": nifti,
                "segmentation": "" if reason else segmentation,
                "segment": None if reason else number,
                "voxels": volume.voxels,
                "millilitres": volume.millilitres,
                "mask": volume.sha256,
                "simulated": series.simulated,
                "reason": reason,
            }
        )


def segmentation_of(series: Series, volumes: list[VolumeOfInterest]) -> bytes:
    """Masks that were drawn on a series as one DICOM segmentation on its grid, a segment each in this order."""
    from processing.dicom.write_segmentation import nameless, source_of, write_segmentation
    from processing.masks import carry

    shape, affine = (series.slices, series.rows, series.columns), np.array(series.affine, float)
    masks = {one.name: carry(load_mask(one), shape, affine).mask.array for one in volumes}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seg.dcm"
        source = nameless(series.case.subject.code, series.sha256)
        if series.format == "dicom":
            with stored_files(series) as files:
                source = source_of(files)
        write_segmentation(
            masks,
            affine,
            path,
            source=source,
            drawn=max(one.created_at for one in volumes),
            simulated=bool(series.simulated),
        )
        return path.read_bytes()
