"""Acquisition parameters of a series from its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from pydicom import Dataset

from processing.deidentify import rules
from processing.dicom import vocabulary
from processing.dicom import weighting as contrast
from processing.dicom.frames import attributes, measure, number
from processing.dicom.scan_time import scan_time, tesla
from processing.dicom.simulated import simulated_by, without_scan_time
from processing.volume import Parameters

OLDEST = 90  # years: 90 stands for 90 and more
_FREE_TEXTS = ("SeriesDescription", "ProtocolName", "StudyDescription")


def plane(affine: np.ndarray) -> str:
    """sagittal, coronal or axial by the slice normal; oblique if it is over 30° from all three axes."""
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    shares = np.abs(normal) / np.linalg.norm(normal)
    axis = int(np.argmax(shares))
    return ("sagittal", "coronal", "axial")[axis] if shares[axis] >= np.cos(np.radians(30)) else "oblique"


def age_in_years(dataset: Dataset) -> float | None:
    """From PatientAge, else from birth and study date; 90 for 90 and more."""
    match = re.fullmatch(r"(\d{3})([DWMY])", str(dataset.get("PatientAge", "")).strip())
    if match:
        days = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}[match[2]]
        years = round(int(match[1]) * days / 365.25, 2)
        if years == 0 and match[2] == "Y":  # a placeholder
            return None
    else:
        try:
            born, seen = (
                date.fromisoformat(re.sub(r"\D", "", str(dataset.get(keyword, "")))[:8])
                for keyword in ("PatientBirthDate", "StudyDate")
            )
        except ValueError:
            return None
        years = float((seen - born).days // 365.25)
        if not 0 <= years < 130:
            return None
    return float(min(years, OLDEST))


def weighting_of(found: Mapping[str, Any], free_words: set[str]) -> str | None:
    """Contrast: quantitative maps first, then what the scanner declares, then timing, then whitelisted words."""
    kinds = {str(kind).upper() for kind in [*(found.get("ImageType") or []), *(found.get("FrameType") or [])]}
    if "ADC" in kinds:
        return "ADC"
    declared = contrast.FROM_CONTRAST.get(str(found.get("AcquisitionContrast", "")))
    if declared:
        return declared
    if (measure(found, "DiffusionBValue") or 0) > 0 or "DIFFUSION" in kinds:
        return "DWI"
    ti = measure(found, "InversionTimes") or measure(found, "InversionTime")
    if str(found.get("InversionRecovery", "")) == "NO":
        ti = None
    return contrast.from_timing(
        family=_family(found),
        tr=measure(found, "RepetitionTime"),
        te=measure(found, "EffectiveEchoTime") or measure(found, "EchoTime"),
        ti=ti,
        flip_angle=measure(found, "FlipAngle"),
    ) or contrast.from_tokens(free_words)


def _family(found: Mapping[str, Any]) -> contrast.Family | None:
    classic = found.get("ScanningSequence") or ()
    codes = {classic} if isinstance(classic, str) else {str(code) for code in classic}
    enhanced = str(found.get("EchoPulseSequence", ""))
    if "SE" in codes or enhanced in ("SPIN", "BOTH"):
        return "SE"
    if "GR" in codes or enhanced == "GRADIENT":
        return "GR"
    return None


def region_of(dataset: Dataset, found: Mapping[str, Any]) -> str | None:
    """Region by BodyPartExamined, else the anatomic region code, else whitelisted words of descriptions."""
    return (
        vocabulary.region(vocabulary.tokens(dataset.get("BodyPartExamined")))
        or vocabulary.ANATOMY.get(str(found.get("CodeValue", "")))
        or vocabulary.region(vocabulary.tokens(*(dataset.get(keyword) for keyword in _FREE_TEXTS)))
    )


def free_words(dataset: Dataset) -> set[str]:
    """Words of the descriptions, for look-up in whitelists only."""
    return vocabulary.tokens(*(dataset.get(keyword) for keyword in _FREE_TEXTS))


def parameters_of(dataset: Dataset, index: int, affine: np.ndarray) -> Parameters:
    """Parameters of the volume to which frame `index` of the file belongs; only vetted texts are taken."""
    found = attributes(dataset, index)
    notes: list[str] = []

    def value(*keywords: str) -> float | None:
        for keyword in keywords:
            if number(found.get(keyword)) is None:
                continue
            if (kept := measure(found, keyword)) is not None:
                return kept
            notes.append(f"{keyword} left out: no such value is possible.")
        return None

    def text(keyword: str) -> str | None:
        return rules.vetted_text(keyword, dataset.get(keyword))

    inversion = value("InversionTimes", "InversionTime")
    trains = value("EchoTrainLength", "RFEchoTrainLength")
    sex = str(dataset.get("PatientSex", "")).strip().upper()
    field, about_field = tesla(number(found.get("MagneticFieldStrength")))
    time = scan_time(dataset, found)
    taken = Parameters(
        region=region_of(dataset, found),
        plane=plane(affine),
        weighting=weighting_of(found, free_words(dataset)),
        manufacturer=text("Manufacturer"),
        model=text("ManufacturerModelName"),
        software=text("SoftwareVersions"),
        field_strength=field,
        tr=value("RepetitionTime"),
        te=value("EffectiveEchoTime", "EchoTime"),
        ti=inversion if inversion else None,
        flip_angle=value("FlipAngle"),
        echo_train_length=None if trains is None else int(trains),
        averages=value("NumberOfAverages"),
        slice_thickness=value("SliceThickness"),
        acquisition_seconds=time.seconds,
        acquisition_source=time.source,
        age=age_in_years(dataset),
        sex=sex if sex in ("F", "M", "O") else None,
    )
    notes += filter(None, (about_field, time.note))
    return without_scan_time(replace(taken, notes=tuple(notes) or None), simulated_by(dataset))
