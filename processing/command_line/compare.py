"""Compare a test series with a reference: SSIM, MS-SSIM, PSNR, MSE, NRMSE, L1 as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from processing import quality, series
from processing.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """REFERENCE TEST [--mask MASK] [--range volume|slice|NUMBER]."""
    parser.add_argument("reference", type=Path, metavar="REFERENCE")
    parser.add_argument("test", type=Path, metavar="TEST")
    parser.add_argument("--mask", type=Path, metavar="MASK", help="foreground: above zero, same grid")
    parser.add_argument("--range", default="volume", metavar="volume|slice|NUMBER", help="data range (default: volume)")


def run(arguments: argparse.Namespace) -> None:
    """Print one JSON object."""
    chosen: quality.Range
    if arguments.range in ("volume", "slice"):
        chosen = arguments.range
    else:
        try:
            chosen = float(arguments.range)
        except ValueError:
            raise InputError('The range must be "volume", "slice" or a positive number.') from None
    mask = None if arguments.mask is None else series.read(arguments.mask).array > 0
    result = quality.compare(
        series.read(arguments.reference), series.read(arguments.test), mask=mask, data_range=chosen
    )
    print(json.dumps(dataclasses.asdict(result), indent=1))
