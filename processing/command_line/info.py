"""Say what a series is: geometry, acquisition parameters and hash as JSON.

In: PATH, one series.
Out: one JSON object on stdout: shape (slices, rows, columns); spacing (columns, rows, slices) and affine in mm, LPS;
     units and range of intensities; sha256; times in ms and s, angles in degrees, field strength in tesla; where the
     scan time stands, and notes on what was converted or left out. What to beware of is said on stderr.
Example: python -m processing info soc
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from processing import series
from processing.caution import warn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PATH."""
    parser.add_argument("path", type=Path, metavar="PATH", help="DICOM folder or file, NIfTI or NRRD")


def run(arguments: argparse.Namespace) -> None:
    """Print one JSON object."""
    volume = series.read(arguments.path)
    warn(volume.cautions, arguments.path.name)
    print(
        json.dumps(
            {
                "shape": volume.shape,
                "spacing": volume.spacing,
                "affine": volume.affine.tolist(),
                "units": volume.units,
                "range": [float(volume.array.min()), float(volume.array.max())],
                "sha256": volume.sha256,
                **dataclasses.asdict(volume.parameters),
            },
            indent=1,
        )
    )
