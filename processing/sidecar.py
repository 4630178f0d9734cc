"""JSON sidecars of NIfTI images as BIDS writes them: a few whitelisted keys become parameters, all else is dropped.

Brain Imaging Data Structure 1.9, magnetic resonance imaging; times there are in seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydicom import Dataset

from processing.deidentify import rules
from processing.dicom.scan_time import scan_time, tesla
from processing.dicom.weighting import Family, from_timing
from processing.errors import InputError
from processing.nifti import SUFFIXES
from processing.volume import Parameters

LARGEST_BYTES = 1 << 20
LONE = "A JSON file without a NIfTI image of the same name; nothing else in JSON is read."

# Key: field, attribute whose rule its value must pass, factor to the unit of both.
_NUMBERS: dict[str, tuple[str, str, float]] = {
    "RepetitionTime": ("tr", "RepetitionTime", 1000),
    "EchoTime": ("te", "EchoTime", 1000),
    "InversionTime": ("ti", "InversionTime", 1000),
    "FlipAngle": ("flip_angle", "FlipAngle", 1),
    "EchoTrainLength": ("echo_train_length", "EchoTrainLength", 1),
    "NumberOfAverages": ("averages", "NumberOfAverages", 1),
    "SliceThickness": ("slice_thickness", "SliceThickness", 1),
}
_TEXTS = {
    "Manufacturer": ("manufacturer", "Manufacturer"),
    "ManufacturersModelName": ("model", "ManufacturerModelName"),
    "SoftwareVersions": ("software", "SoftwareVersions"),
}
_ALONE = {
    "MagneticFieldStrength": "field_strength",
    "AcquisitionDuration": "acquisition_seconds",
    "BodyPart": "region",
    "Simulated": "simulated",
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
    notes: list[str] = []
    for key, (name, keyword, factor) in _NUMBERS.items():
        if (value := _number(sidecar.get(key))) is None:
            continue
        scaled = round(value * factor, 6)
        if rules.vetted_number(keyword, int(scaled) if name == "echo_train_length" else scaled) is None:
            notes.append(f"{key} left out: no such value is possible.")
        else:
            read_parameters[name] = int(scaled) if name == "echo_train_length" else float(scaled)
    field, about_field = tesla(_number(sidecar.get("MagneticFieldStrength")))
    told = {"AcquisitionDuration": _number(sidecar.get("AcquisitionDuration"))}
    time = scan_time(Dataset(), {**told, "RepetitionTime": read_parameters.get("tr")})
    read_parameters |= {} if field is None else {"field_strength": field}
    if time.seconds is not None:
        read_parameters |= {"acquisition_seconds": time.seconds, "acquisition_source": time.source}
    notes += filter(None, (about_field, time.note))
    if notes:
        read_parameters["notes"] = (*(parameters.notes or ()), *notes)
    for key, (name, keyword) in _TEXTS.items():
        if isinstance(sidecar.get(key), str):
            read_parameters[name] = rules.vetted_text(keyword, sidecar[key])
    if not read_parameters.get("ti"):
        read_parameters.pop("ti", None)
    updated = replace(parameters, **read_parameters)
    if updated.weighting is None:
        updated = replace(updated, weighting=_weighting(sidecar, updated))
    return updated


def sidecar_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The sidecar of an image that was acquired like this; `with_sidecar` reads the same parameters of it.

    parameters: fields of `Parameters` by name; what is missing or None is left out.
    """
    said: dict[str, Any] = {
        key: parameters[name] if factor == 1 else round(parameters[name] / factor, 9)
        for key, (name, _, factor) in _NUMBERS.items()
        if parameters.get(name) is not None
    }
    said |= {key: parameters[name] for key, (name, _) in _TEXTS.items() if parameters.get(name)}
    for key, name in _ALONE.items():
        if parameters.get(name) is not None:
            said[key] = parameters[name]
    return said


def _number(value: Any) -> float | None:
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if right else None


def _weighting(said: dict[str, Any], taken: Parameters) -> str | None:
    codes = said.get("ScanningSequence")
    words = codes.replace("\\", "_").split("_") if isinstance(codes, str) else codes if isinstance(codes, list) else []
    family: Family | None = "SE" if "SE" in words else "GR" if "GR" in words else None
    return from_timing(family=family, tr=taken.tr, te=taken.te, ti=taken.ti, flip_angle=taken.flip_angle)
