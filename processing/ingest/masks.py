"""Files of masks that somebody sends: read under limits, cleaned, bound to the series they were drawn on.

Runs in the confined child; names and identifiers of a file come back only as words of anatomy and keyed hashes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from processing.deidentify.engine import keyed_uid, pseudonym
from processing.dicom.drawn_on import DrawnOn, drawn_on
from processing.dicom.header import open_dicom
from processing.errors import InputError
from processing.ingest.confined import ProcessLimits, run
from processing.ingest.persons import names_nobody
from processing.masks import anatomical_name, carry, is_dicom, read_mask, write_mask
from processing.volume import Array

LIMITS = ProcessLimits(memory=3 << 30, cpu_seconds=90, file_bytes=1 << 30, wall_seconds=100)
PSEUDONYM = re.compile(r"[0-9a-f]{8}")
MOST_OUTSIDE = 0.1  # of a mask: what was drawn on a series lies on it


@dataclass(frozen=True)
class TakenMask:
    """A mask as it is kept: a NIfTI file of its voxels, and of its name what names no person."""

    path: Path
    name: str
    voxels: int
    millilitres: float


@dataclass(frozen=True)
class Said:
    """What a file says it was drawn on: UIDs of images and of frames of reference, and its patient if it names one.

    Each in every form that a de-identified series may have it in: as it stands, and keyed.
    """

    images: list[list[str]]
    frames: list[list[str]]
    patient: list[str]


def take_masks(
    files: list[Path],
    out: Path,
    *,
    shape: tuple[int, int, int],
    affine: Array,
    key: bytes,
    known: Sequence[str] = (),
) -> tuple[list[TakenMask], list[Said]]:
    """The masks of files that were drawn on a series of this shape and affine, and what each file says of that series.

    They are read in a confined child. out: an empty folder for the cleaned masks. key: of the study. known: names of
    masks that name no person; others are kept if all their words are anatomical. Raises InputError if a file holds no
    mask, takes more than is allowed, or lies beside the series.
    """
    asked = {
        "files": [str(file) for file in files],
        "out": str(out),
        "shape": list(shape),
        "affine": np.asarray(affine).tolist(),
        "key": key.hex(),
        "known": list(known),
    }
    said = run("processing.ingest.masks:read_files", asked, limits=LIMITS)
    masks = [
        TakenMask(out / f"{number}.nii.gz", str(name)[:40], int(voxels), float(millilitres))
        for number, (name, voxels, millilitres) in enumerate(said["masks"])
    ]
    return masks, [Said(**one) for one in said["files"]]


def read_files(asked: dict[str, Any], tell: object) -> dict[str, Any]:
    """What the child does: see `take_masks`."""
    known = {name.casefold(): name for name in asked["known"]}
    shape, affine, key = tuple(asked["shape"]), np.array(asked["affine"], float), bytes.fromhex(asked["key"])
    masks: list[tuple[str, int, float]] = []
    for file in asked["files"]:
        for mask in read_mask(Path(file), (shape, affine)):
            outside = carry(mask, shape, affine).outside
            if outside > MOST_OUTSIDE:
                raise InputError(
                    f"{outside:.0%} of a mask lies outside the series. Choose the series on which it was drawn."
                )
            write_mask(mask, Path(asked["out"], f"{len(masks)}.nii.gz"))
            name = known.get(" ".join(mask.name.split()).casefold()) or anatomical_name(mask.name)
            masks.append((name, mask.voxels, mask.millilitres))
    return {"masks": masks, "files": [vars(_said(Path(file), key)) for file in asked["files"]]}


def _said(file: Path, key: bytes) -> Said:
    found = drawn_on(open_dicom(file, pixels=False)) if is_dicom(file) else DrawnOn()
    images, frames = ([[uid, keyed_uid(key, uid)] for uid in uids] for uids in (found.images, found.frames))
    patient = []
    if not names_nobody(found.patient):
        patient = [pseudonym(key, found.patient)]
        # What was drawn on a de-identified series carries its pseudonym; a name in the clear stays in this process.
        patient += [found.patient] if PSEUDONYM.fullmatch(found.patient) else []
    return Said(images, frames, patient)
