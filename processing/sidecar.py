"""JSON sidecars of NIfTI images as BIDS writes them: a few whitelisted keys become parameters, all else is dropped.

Brain Imaging Data Structure 1.9, magnetic resonance imaging; times there are in seconds.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from processing.deidentify import rules
from processing.dicom.weighting import Family, from_timing
from processing.errors import InputError
from processing.nifti import SUFFIXES
from processing.volume import Parameters

LARGEST_BYTES = 1 << 20
LONE = "A JSON file without a NIfTI image of the same name; nothing else in JSON is read."

# Key: field, factor to its unit, largest value in that unit.
_NUMBERS: dict[str, tuple[str, float, float]] = {
    "RepetitionTime": ("tr", 1000, 1e6),
    "EchoTime": ("te", 1000, 1e5),
    "InversionTime": ("ti", 1000, 1e6),
    "FlipAngle": ("flip_angle", 1, 360),
    "MagneticFieldStrength": ("field_strength", 1, 30),
    "EchoTrainLength": ("echo_train_length", 1, 1e5),
    "NumberOfAverages": ("averages", 1, 1e4),
    "SliceThickness": ("slice_thickness", 1, 1e3),
    "AcquisitionDuration": ("acquisition_seconds", 1, 1e5),
}
_TEXTS = {
    "Manufacturer": ("manufacturer", "Manufacturer"),
    "ManufacturersModelName": ("model", "ManufacturerModelName"),
    "SoftwareVersions": ("software", "SoftwareVersions"),
}


def basename(name: str) -> str:
    """The name of an image or a sidecar without what differs between the two."""
    lowered = name.lower()
    suffix = next((suffix for suffix in (".json", *SUFFIXES) if lowered.endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def with_sidecar(parameters: Parameters, path: Path) -> Parameters:
    """The parameters of an image with what its sidecar says. Raises InputError if that is no JSON object."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError("The JSON sidecar is larger than 1 MB; it is not read.")
        sidecar = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError("The JSON sidecar is damaged; it is not read.") from None
    if not isinstance(sidecar, dict):
        raise InputError("The JSON sidecar is no list of names and values; it is not read.")
    read_parameters: dict[str, Any] = {}
    for key, (name, factor, most) in _NUMBERS.items():
        value = sidecar.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            scaled = round(value * factor, 6)
            if 0 <= scaled <= most:
                read_parameters[name] = int(scaled) if name == "echo_train_length" else float(scaled)
    for key, (name, keyword) in _TEXTS.items():
        if isinstance(sidecar.get(key), str):
            read_parameters[name] = rules.vetted_text(keyword, sidecar[key])
    if not read_parameters.get("ti"):
        read_parameters.pop("ti", None)
    updated = replace(parameters, **read_parameters)
    if updated.weighting is None:
        updated = replace(updated, weighting=_weighting(sidecar, updated))
    return updated


def _weighting(said: dict[str, Any], taken: Parameters) -> str | None:
    codes = said.get("ScanningSequence")
    words = codes.replace("\\", "_").split("_") if isinstance(codes, str) else codes if isinstance(codes, list) else []
    family: Family | None = "SE" if "SE" in words else "GR" if "GR" in words else None
    return from_timing(family=family, tr=taken.tr, te=taken.te, ti=taken.ti, flip_angle=taken.flip_angle)
