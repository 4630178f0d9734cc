"""Reconstruct from a part of k-space: DICOM in, derived DICOM out; NIfTI or ISMRMRD in, NIfTI out.

In: IN, a magnitude series (DICOM folder or file, NIfTI or NRRD; k-space is simulated with a smooth random phase), a
    complex NIfTI image, or whole Cartesian k-space in ISMRMRD's HDF5 (several coils: root sum of squares).
Out: OUT, the magnitude in its place and units: a folder for DICOM, else a NIfTI file; on stdout one JSON object: kspace
     (where it is from), method, undersample, seed, lines, of, model, seconds.
Example: python -m processing reconstruct soc fast --method compressed-sensing --undersample 4 --seed 1
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from processing.caution import warn
from processing.derived import write_like
from processing.errors import InputError
from processing.reconstruction.cascade import DEFAULT_MODEL
from processing.reconstruction.reconstruct import METHODS, reconstruct
from processing.reconstruction.signal import read_signal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN OUT --method NAME --undersample 4|8 [--seed N] [--model NAME]."""
    parser.add_argument("source", type=Path, metavar="IN", help="DICOM folder or file, NIfTI, or ISMRMRD")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for DICOM, else a NIfTI file")
    parser.add_argument("--method", choices=METHODS, required=True, help="how missing lines are filled")
    parser.add_argument("--undersample", type=int, choices=(4, 8), required=True, help="one line in so many is used")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of lines and simulated phase (0)")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="a cascade's name or folder (cascade)")


def run(arguments: argparse.Namespace) -> None:
    """Write the reconstructed series; print how it was made as JSON."""
    if arguments.seed < 0:
        raise InputError("The seed must not be negative.")
    signal = read_signal(arguments.source, arguments.seed)
    warn(signal.volume.cautions, arguments.source.name)
    found = reconstruct(
        signal,
        method=arguments.method,
        undersample=arguments.undersample,
        seed=arguments.seed,
        model=arguments.model,
    )
    write_like(arguments.source, found.volume, arguments.out, model=found.model)
    shown = {
        "kspace": signal.origin,
        "method": arguments.method,
        "undersample": arguments.undersample,
        "seed": arguments.seed,
        "lines": found.lines,
        "of": found.of,
        "model": asdict(found.model),
        "seconds": round(found.seconds, 2),
    }
    print(json.dumps(shown, indent=1))
