"""Compare a test series with a reference: SSIM, MS-SSIM, PSNR, MSE, NRMSE, L1, SNR, EPI, CoC as JSON.

In: REFERENCE and TEST (DICOM folder or file, NIfTI or NRRD) on one grid in any order of storage, or --register. Two
    masks: `overlap`.
Out: one JSON object on stdout: conventions, volume, foreground, voi, slices, reasons. L1 in image units, MSE in their
     square, PSNR and SNR in dB, the others without unit; null is undefined, and reasons says why.
Example: python -m processing compare soc.nii.gz fast.nii.gz --mask brain.nii.gz --register
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

from processing import registration, series
from processing.caution import warn
from processing.errors import InputError
from processing.metrics import quality
from processing.volume import Volume


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """REFERENCE TEST [--mask MASK] [--voi MASK] [--register] [--range volume|slice|2**16|NUMBER]."""
    parser.add_argument("reference", type=Path, metavar="REFERENCE")
    parser.add_argument("test", type=Path, metavar="TEST")
    parser.add_argument("--mask", type=Path, metavar="MASK", help="foreground: above zero, same grid")
    parser.add_argument("--voi", type=Path, metavar="MASK", help="volume of interest: above zero, same grid")
    parser.add_argument("--register", action="store_true", help="align TEST rigidly to REFERENCE before comparing")
    parser.add_argument(
        "--range",
        default="volume",
        metavar="volume|slice|2**16|NUMBER",
        help="peak in image units; volume, slice: the greatest of REFERENCE there (volume)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print one JSON object."""
    chosen: quality.Range
    if arguments.range in ("volume", "slice"):
        chosen = arguments.range
    else:
        try:
            chosen = 2.0**16 if arguments.range == "2**16" else float(arguments.range)
        except ValueError:
            raise InputError('The range must be "volume", "slice", 2**16 or a positive number.') from None
    reference, test, within = series.read(arguments.reference), series.read(arguments.test), None
    warn(reference.cautions, arguments.reference.name)
    warn(test.cautions, arguments.test.name)
    mask, voi = (None if path is None else _above_zero(path, reference) for path in (arguments.mask, arguments.voi))
    if arguments.register:
        alignment = registration.register(reference, test)
        if not alignment.used:
            raise InputError(f"The two series could not be registered. {alignment.reason}")
        test, within = registration.apply(alignment.matrix, test, like=reference)
    result = quality.compare(reference, test, mask=mask, data_range=chosen, within=within, voi=voi)
    if arguments.register:
        result.conventions.update(
            registered=True,
            registration=registration.CONVENTIONS | registration.as_dict(alignment),
            matrix=alignment.matrix.tolist(),
        )
    print(json.dumps(dataclasses.asdict(result), indent=1))


def _above_zero(path: Path, reference: Volume) -> np.ndarray:
    mask = series.read(path).in_order_of(reference)
    if not mask.same_place(reference):
        raise InputError(f"The mask {path.name} does not lie on the grid of REFERENCE; bring it there first.")
    return mask.array > 0
