"""Map what is not expected: the difference between an image and its inpainted self, or to what is around each pixel.

In: IN, a magnitude series (DICOM folder or file, NIfTI or NRRD), a model for the task inpaint or "local-contrast",
    which needs none, and if wanted MASK, lesions on the grid of IN.
Out: OUT, a NIfTI file: the map in robust standard deviations, 0 outside the patient; on stdout one JSON object:
     threshold, flagged (share of the patient above it), worst places, and with a mask dice and auc in the patient.
Example: python -m processing anomalies flair.nii.gz map.nii.gz --model models/inpaint --mask lesions.nii.gz
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from processing import nifti, series
from processing.caution import warn
from processing.enhancement.anomalies import (
    LOCAL_CONTRAST,
    THRESHOLD,
    area_under_curve,
    dice,
    filled_by,
    find_anomalies,
)
from processing.enhancement.tasks import INPAINT
from processing.errors import InputError
from processing.masks import read_mask
from processing.metrics.quality import foreground

_WORST = 5  # places that are named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN OUT --model NAME [--mask MASK]."""
    parser.add_argument("source", type=Path, metavar="IN", help="DICOM folder or file, or NIfTI")
    parser.add_argument("out", type=Path, metavar="OUT", help="NIfTI file of the map")
    parser.add_argument(
        "--model", default=INPAINT, metavar="NAME", help=f"model for inpaint, its folder, or {LOCAL_CONTRAST}"
    )
    parser.add_argument("--mask", type=Path, metavar="MASK", help="lesions: NIfTI, NRRD, DICOM segmentation")


def run(arguments: argparse.Namespace) -> None:
    """Write the map; print what was found as JSON."""
    if not nifti.is_volume_file(arguments.out):
        raise InputError("The map is written as NIfTI; name a file that ends in .nii or .nii.gz.")
    volume = series.read(arguments.source)
    warn(volume.cautions, arguments.source.name)
    lesion = np.zeros(volume.shape, bool)
    for mask in read_mask(arguments.mask) if arguments.mask else ():
        if mask.array.shape != volume.shape or np.abs(mask.affine - volume.affine).max() > 0.01:
            raise InputError("The mask lies on another grid than the series; bring it onto the same first.")
        lesion |= mask.array.astype(bool)
    found = find_anomalies(volume, fill=None if arguments.model == LOCAL_CONTRAST else filled_by(arguments.model))
    nifti.write_nifti(found.map, arguments.out, description="anomalies, robust standard deviations")
    said: dict[str, float | None] = {"threshold": THRESHOLD, "flagged": found.flagged}
    if arguments.mask:
        patient = foreground(volume.array) | lesion
        score = found.map.array[patient]
        said |= {"dice": dice(score > THRESHOLD, lesion[patient]), "auc": area_under_curve(score, lesion[patient])}
    worst = [{"slice": k, "row": row, "column": column, "value": value} for (k, row, column), value in found.worst]
    print(json.dumps(said | {"worst": worst[:_WORST]}, indent=1))
