"""Enhance a series with a model: DICOM in, derived DICOM out; NIfTI in, NIfTI out.

In: IN, a magnitude series (DICOM folder or file, NIfTI or NRRD).
Out: OUT, the series in its place and units, thin slices at places of their own: a folder for DICOM, else a NIfTI file;
     on stdout one JSON object: noise_sigma in image units (null where the model is not told), noise_method, model,
     seconds.
Example: python -m processing enhance fast fast-dl --model denoise
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from processing import series
from processing.caution import warn
from processing.derived import write_like
from processing.enhancement.enhance import DEFAULT_MODEL, enhance
from processing.enhancement.thin_slices import PARTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN OUT --model NAME [--device cpu|cuda] [--noise-sigma S] [--parts N]."""
    parser.add_argument("source", type=Path, metavar="IN", help="DICOM folder or file, or NIfTI")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for DICOM, file for NIfTI")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="shipped model or a model's folder")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--noise-sigma", type=float, metavar="S", help="of the noise, in image units; estimated if not given"
    )
    parser.add_argument(
        "--parts", type=int, choices=PARTS, help="thin slices of each slice; by default voxels come nearest to cubes"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the enhanced series; print noise, model and seconds as JSON."""
    volume = series.read(arguments.source)
    warn(volume.cautions, arguments.source.name)
    enhanced = enhance(
        volume,
        model=arguments.model,
        device=arguments.device,
        noise_sigma=arguments.noise_sigma,
        parts=arguments.parts,
    )
    warn(enhanced.volume.cautions[len(volume.cautions) :], arguments.source.name)
    write_like(arguments.source, enhanced.volume, arguments.out, model=enhanced.model)
    print(
        json.dumps(
            {
                "noise_sigma": enhanced.noise_sigma,
                "noise_method": enhanced.noise_method,
                "model": asdict(enhanced.model),
                "seconds": round(enhanced.seconds, 2),
            },
            indent=1,
        )
    )
