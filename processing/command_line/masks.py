"""Convert masks: NIfTI, NRRD, DICOM segmentation or RT structure set to DICOM segmentation or NIfTI.

In: MASKS; with --on the series that they were drawn on, which structure sets need: masks come onto its grid.
Out: OUT.dcm, one DICOM segmentation of all; or a folder with NAME.nii.gz for each; what each is on stdout as JSON.
Example: python -m processing masks rtstruct.dcm seg.dcm --on folder
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from processing import nifti, series
from processing.dicom.write_segmentation import Source, nameless, source_of, write_segmentation
from processing.errors import InputError
from processing.masks import Mask, carry, read_mask, write_mask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MASKS OUT [--on SERIES]."""
    parser.add_argument("masks", type=Path, metavar="MASKS", help="NIfTI, NRRD, DICOM segmentation or structure set")
    parser.add_argument("out", type=Path, metavar="OUT", help="a file .dcm, or a folder for NIfTI")
    parser.add_argument("--on", type=Path, metavar="SERIES", help="DICOM folder or file, NIfTI or NRRD: its grid")


def run(arguments: argparse.Namespace) -> None:
    """Write all masks of a file anew; a list of name, voxels and millilitres goes to stdout."""
    source: Source | None = None
    if arguments.on:
        volume = series.read(arguments.on)
        found = read_mask(arguments.masks, (volume.shape, volume.affine))
        masks = [carry(mask, volume.shape, volume.affine).mask for mask in found]
        source = _source(arguments.on, volume.sha256)
    else:
        masks = read_mask(arguments.masks)
        source = nameless("", "")
    named = dict(zip(_names(masks), masks, strict=True))
    if arguments.out.suffix.lower() == ".dcm":
        grid = masks[0]
        if any(one.array.shape != grid.array.shape or (one.affine != grid.affine).any() for one in masks):
            raise InputError("The masks lie on several grids; name the series that they were drawn on (--on).")
        write_segmentation(
            {name: mask.array for name, mask in named.items()}, grid.affine, arguments.out, source=source
        )
    else:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, mask in named.items():
            write_mask(mask, arguments.out / f"{re.sub(r'[^A-Za-z0-9.+-]', '_', name)}.nii.gz")
    rows = [{"name": name, "voxels": one.voxels, "millilitres": one.millilitres} for name, one in named.items()]
    print(json.dumps(rows, indent=1, ensure_ascii=False))


def _source(path: Path, sha256: str) -> Source:
    if path.is_file() and nifti.is_volume_file(path):
        return nameless("", sha256)
    return source_of(sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path])


def _names(masks: list[Mask]) -> list[str]:
    """What each is called: its own name; its label where it has none, and behind one that others have too."""
    own = [" ".join(mask.name.split()) for mask in masks]
    return [
        name if name and own.count(name) == 1 else f"{name or 'label'} {mask.label}"
        for name, mask in zip(own, masks, strict=True)
    ]
