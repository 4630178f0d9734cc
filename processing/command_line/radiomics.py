"""Radiomic features of a volume of interest, or of a list of them, as CSV, as pyradiomics defines them.

In: IMAGE and MASK; where one of them is DICOM, the mask is carried to the grid of the image, else both share one. Or a
    list of images and masks, which several processes share; rows stand in its order.
Out: CSV with a row per feature, columns as in docs/tables/features.json, numbers in full; notes on stderr.
Example: python -m processing radiomics soc.nii.gz cord.nii.gz --arm SOC --subject S01 --out features.csv
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import SimpleITK
from pydicom import Dataset

from processing import masks, nifti, series
from processing.caution import warn
from processing.dicom.contours import is_structure_set
from processing.dicom.header import open_dicom
from processing.dicom.segmentation import is_segmentation
from processing.errors import InputError
from processing.ingest.workers import each, processors
from processing.radiomics.extraction import extract
from processing.radiomics.images import itk_image, itk_mask, measured_part, placed
from processing.radiomics.presets import preset_text, presets
from processing.radiomics.settings import Settings, read_settings
from processing.volume import Volume

COLUMNS = (
    "subject",
    "case",
    "roi",
    "arm",
    "image_type",
    "class",
    "feature",
    "value",
    "status",
    "reason",
    "settings_hash",
    "mask",
)


LISTED = ("image", "mask", "label", "subject", "case", "roi", "arm")


@dataclass(frozen=True)
class Wanted:
    """One volume of interest on one image, and what its rows are called; empty: by default."""

    image: Path
    mask: Path
    label: int = 1
    subject: str = ""
    case: str = ""
    roi: str = ""
    arm: str = "image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE MASK, or --list FILE; [--label N] [--settings FILE | --preset NAME] [--out FILE], names of rows."""
    parser.add_argument("image", type=Path, metavar="IMAGE", nargs="?", help="DICOM folder or file, NIfTI or NRRD")
    parser.add_argument(
        "mask", type=Path, metavar="MASK", nargs="?", help="NIfTI, NRRD, DICOM segmentation, structure set or series"
    )
    parser.add_argument(
        "--list",
        type=Path,
        metavar="LIST.csv",
        help=f"many at once instead: columns image and mask (paths, from the list's folder), if wanted {LISTED[2:]}",
    )
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        default=processors(),
        help="at a time, of a list (default: all processors)",
    )
    parser.add_argument("--label", type=int, metavar="N", help="value or segment number in MASK (default 1)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--settings", type=Path, metavar="FILE", help="YAML or JSON of pyradiomics (default: its own)")
    how.add_argument("--preset", metavar="NAME", help=f"settings that come with it: {', '.join(presets())}")
    parser.add_argument("--out", type=Path, metavar="FEATURES.csv", help="file (default: standard output)")
    parser.add_argument("--append", action="store_true", help="add to the rows that --out has already")
    parser.add_argument("--subject", metavar="NAME", default="", help="column subject (default: name of IMAGE)")
    parser.add_argument("--case", default="", metavar="NAME", help="column case (default: empty)")
    parser.add_argument(
        "--roi", metavar="NAME", default="", help="column roi (default: name of MASK, and the label if not 1)"
    )
    parser.add_argument("--arm", default="image", metavar="NAME", help="column arm (default: image)")


def run(arguments: argparse.Namespace) -> None:
    """Write one row per feature in the columns of features.csv; notes go to stderr."""
    if arguments.append and arguments.out is None:
        raise InputError("Name the file to append to with --out.")
    if (arguments.list is None) == (arguments.image is None) or (arguments.image is None) != (arguments.mask is None):
        raise InputError("Name an image and a mask, or a list of them with --list.")
    settings = read_settings(preset_text(arguments.preset) if arguments.preset else arguments.settings)
    if arguments.list is None:
        wanted = [
            Wanted(
                arguments.image,
                arguments.mask,
                1 if arguments.label is None else arguments.label,
                arguments.subject,
                arguments.case,
                arguments.roi,
                arguments.arm,
            )
        ]
    else:
        wanted = _listed(arguments.list)
    rows: list[dict[str, str]] = []
    # In the order of the list; what a process that died had not done is done again by this one.
    for done, found in enumerate(each(partial(_rows, settings), wanted, processes=arguments.processes), 1):
        if isinstance(found, str):
            raise InputError(found if arguments.list is None else f"Line {done + 1} of the list: {found}")
        rows += found
        if arguments.list is not None:
            print(f"{done} of {len(wanted)}", file=sys.stderr)
    if arguments.out is None:
        _write(sys.stdout, rows, header=True)
        return
    header = not (arguments.append and arguments.out.is_file() and arguments.out.stat().st_size)
    try:
        with arguments.out.open("w" if header else "a", encoding="utf-8", newline="") as file:
            _write(file, rows, header=header)
    except OSError:
        raise InputError(f"The file {arguments.out.name} cannot be written.") from None


def _listed(path: Path) -> list[Wanted]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"The list {path.name} cannot be read as CSV.") from None
    if not lines or not {"image", "mask"} <= set(lines[0]) <= set(LISTED):
        raise InputError(f"The list has the columns image and mask, and may have {', '.join(LISTED[2:])}.")
    found = []
    for number, line in enumerate(lines, 2):
        said = {name: text.strip() for name, text in line.items() if text and text.strip()}
        label = said.pop("label", "1")
        if not label.isdecimal() or not {"image", "mask"} <= set(said):
            raise InputError(f"Line {number} of the list needs an image, a mask, and a whole number as label.")
        image, mask = (path.parent / said[name] for name in ("image", "mask"))
        names = {name: said[name] for name in ("subject", "case", "roi", "arm") if name in said}
        found.append(Wanted(image, mask, int(label), **names))
    return found


def _rows(settings: Settings, wanted: Wanted) -> list[dict[str, str]] | str:
    """The rows of one volume of interest, or why there are none."""
    try:
        image, mask = _read(wanted.image, wanted.mask, wanted.label)
        result = extract(image, mask, label=wanted.label, settings=settings)
    except InputError as reason:
        return str(reason)
    names = {
        "subject": wanted.subject or _stem(wanted.image),
        "case": wanted.case,
        "roi": wanted.roi or _stem(wanted.mask) + ("" if wanted.label == 1 else f"-{wanted.label}"),
        "arm": wanted.arm,
        "settings_hash": result.settings_hash,
        "mask": _hash(wanted.mask),
    }
    return [
        names
        | {
            "image_type": row.image_type,
            "class": row.feature_class,
            "feature": row.feature,
            "status": row.status,
            "value": "" if row.value is None else repr(row.value),
            "reason": row.reason,
        }
        for row in result.rows
    ]


def _write(file: IO[str], rows: list[dict[str, str]], *, header: bool) -> None:
    writer = csv.DictWriter(file, COLUMNS)
    if header:
        writer.writeheader()
    writer.writerows(rows)


def _read(image: Path, mask: Path, label: int) -> tuple[SimpleITK.Image, SimpleITK.Image]:
    """Image and mask as ITK reads them, so that values are those of pyradiomics on the same files.

    Where one of them is DICOM, which may lie on another grid of the same patient, the mask is carried to the image.
    """
    for path in (image, mask):
        if not path.exists():
            raise InputError(f"There is no file or folder {path.name}.")
    plain = [path.is_file() and nifti.is_volume_file(path) for path in (image, mask)]
    volume = series.read(image)
    warn(volume.cautions, image.name)
    if all(plain) and volume.padding is None:
        return _itk(image, volume), _itk(mask, series.read(mask))
    found = _masks(mask, volume)
    wanted = [one for one in found if one.label == label]
    if not wanted:
        labels = ", ".join(sorted({str(one.label) for one in found}))
        raise InputError(f"The mask has no label {label}; it has {labels}.")
    carried = masks.carry(wanted[0], volume.shape, volume.affine)
    if carried.voxels != carried.voxels_before or carried.outside:
        print(
            f"The mask was carried to the grid of the image: {carried.voxels_before} → {carried.voxels} voxels, "
            f"{carried.millilitres_before:.4g} → {carried.millilitres:.4g} ml, {carried.outside:.1%} outside.",
            file=sys.stderr,
        )
    measured = measured_part(carried.mask.array, volume)
    if left_out := carried.voxels - int(measured.sum()):
        print(f"{left_out} of {carried.voxels} voxels of the mask lie on padding: they are left out.", file=sys.stderr)
    labelled = itk_mask(measured, carried.mask.affine)
    return itk_image(volume), SimpleITK.Cast(labelled, SimpleITK.sitkUInt32) * label


def _masks(path: Path, image: Volume) -> list[masks.Mask]:
    single = path if path.is_file() else next(iter(sorted(p for p in path.rglob("*") if p.is_file())), path)
    if single.is_file() and (nifti.is_volume_file(single) or _is_mask(open_dicom(single, pixels=False))):
        return masks.read_mask(single, (image.shape, image.affine))
    volume = series.read(path)  # labels stored as an ordinary series
    return masks.by_label(volume.array, volume.affine)


def _is_mask(header: Dataset) -> bool:
    return is_segmentation(header) or is_structure_set(header)


def _itk(path: Path, volume: Volume) -> SimpleITK.Image:
    """Values in the type of the file, as ITK reads them; their place as every command reads it, in `volume`."""
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        return itk_image(volume)  # ITK refuses orientations that are not quite orthogonal
    if image.GetDimension() != 3:  # further axes of length 1
        return itk_image(volume)
    return placed(image, volume.affine)


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.resolve().name


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()
