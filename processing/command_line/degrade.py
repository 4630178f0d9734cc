"""Simulate a faster or disturbed scan: DICOM in, derived DICOM out; NIfTI in, NIfTI out.

In: IN, a magnitude series (DICOM folder or file, NIfTI or NRRD), and one degradation or more.
Out: OUT, the series in its place and units: a folder for DICOM, else a NIfTI file. The same seed gives the same values.
Example: python -m processing degrade soc fast --half-matrix kspace --half-nex --sigma-fraction 0.03 --seed 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

from processing import series
from processing.caution import warn
from processing.derived import write_like
from processing.errors import InputError
from processing.simulate.degrade import Degradation, degrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN OUT and at least one degradation; see processing.simulate.degrade.Degradation."""
    parser.add_argument("source", type=Path, metavar="IN", help="DICOM folder or file, or NIfTI")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for DICOM, file for NIfTI")
    parser.add_argument("--half-matrix", choices=("linear", "kspace"), help="half the rows and columns")
    parser.add_argument("--half-nex", action="store_true", help="Rician noise, with --sigma or --sigma-fraction")
    parser.add_argument("--sigma", type=float, metavar="S", help="noise per channel in image units")
    parser.add_argument("--sigma-fraction", type=float, metavar="F", help="noise as share of the 99.9th percentile")
    parser.add_argument("--gibbs", type=float, metavar="F", help="share of the highest frequencies cut off")
    parser.add_argument("--ghosting", type=float, metavar="F", help="weakening of every second line of k-space")
    parser.add_argument("--ghosting-lines", choices=("odd", "even"), help="which lines of k-space (odd)")
    parser.add_argument("--ghosting-phase", type=float, metavar="DEG", help="error of their phase in degrees (0)")
    parser.add_argument("--motion", type=float, metavar="A", help="largest displacement in mm")
    parser.add_argument("--patches", action="store_true", help="one bright bar per slice")
    parser.add_argument("--undersample", type=int, choices=(4, 8), help="lines of k-space as in fastMRI")
    parser.add_argument("--thick", type=int, metavar="N", help="one slice of N neighbours")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (0)")


def run(arguments: argparse.Namespace) -> None:
    """Write the degraded series."""
    noisy = arguments.sigma is not None or arguments.sigma_fraction is not None
    if arguments.half_nex != noisy:
        raise InputError("Give --half-nex together with --sigma or --sigma-fraction.")
    if arguments.seed < 0:
        raise InputError("The seed must not be negative.")
    wanted = Degradation(
        patches=arguments.patches,
        motion=arguments.motion,
        ghosting=arguments.ghosting,
        ghosting_lines=arguments.ghosting_lines,
        ghosting_phase=arguments.ghosting_phase,
        undersample=arguments.undersample,
        gibbs=arguments.gibbs,
        half_matrix=arguments.half_matrix,
        half_nex_sigma=arguments.sigma,
        half_nex_fraction=arguments.sigma_fraction,
        thick=arguments.thick,
        seed=arguments.seed,
    )
    volume = series.read(arguments.source)
    warn(volume.cautions, arguments.source.name)
    made = degrade(volume, wanted)
    warn(made.cautions[len(volume.cautions) :], arguments.source.name)
    write_like(arguments.source, made, arguments.out, model=wanted.identity)
