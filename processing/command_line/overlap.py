"""Compare two masks: Dice, volume similarity, Hausdorff distance, average surface distance as JSON.

In: REFERENCE and TEST, masks on one grid (NIfTI, NRRD or DICOM segmentation).
Out: one JSON object on stdout: conventions, and per label Dice and volume similarity (0 to 1), distances in mm, voxels
     of both, and reasons for what is null.
Example: python -m processing overlap reader1.nii.gz reader2.nii.gz
"""

# A command of its own beside `compare`: its inputs are labels, not intensities, and its result has other keys.

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from processing.errors import InputError
from processing.masks import Mask, read_mask
from processing.metrics.overlap import CONVENTIONS, overlap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """REFERENCE TEST [--label N]."""
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="labels: NIfTI, NRRD, DICOM segmentation")
    parser.add_argument("test", type=Path, metavar="TEST", help="the same, on the same grid")
    parser.add_argument("--label", type=int, metavar="N", help="this label only (default: each that either has)")


def run(arguments: argparse.Namespace) -> None:
    """Print one JSON object: conventions, and one entry per label."""
    reference, test = ({one.label: one for one in read_mask(path)} for path in (arguments.reference, arguments.test))
    labels = sorted({*reference, *test}) if arguments.label is None else [arguments.label]
    grid = next(iter(reference.values()))
    for one in (*reference.values(), *test.values()):
        if one.array.shape != grid.array.shape or np.abs(one.affine - grid.affine).max() > 0.01:
            raise InputError("The masks lie on different grids; bring them onto one first.")
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)[::-1]
    rows = []
    for label in labels:
        if label not in reference and label not in test:
            raise InputError(f"Neither mask has the label {label}.")
        found = overlap(_array(reference.get(label), grid), _array(test.get(label), grid), spacing=spacing)
        rows.append({"label": label, **found.values, "voxels": list(found.voxels), "reasons": found.reasons})
    conventions = {**CONVENTIONS, "spacing": [round(float(step), 6) for step in spacing]}
    print(json.dumps({"conventions": conventions, "labels": rows}, indent=1))


def _array(mask: Mask | None, grid: Mask) -> np.ndarray:
    return np.zeros(grid.array.shape, bool) if mask is None else mask.array
