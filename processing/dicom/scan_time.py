"""How long a series took to acquire: one number in seconds, where it stands, and why it is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from processing.deidentify import rules
from processing.dicom.frames import measure, number
from processing.dicom.private import block_text, made_by, uih_text

_SIEMENS = re.compile(r"TA\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)\s*(\*\s*\d+)?")
_NEAR = 0.99  # of a repetition: rounded times


@dataclass(frozen=True)
class ScanTime:
    """seconds, or None; source: "attribute" (AcquisitionDuration) or "private"; note: what a person should know."""

    seconds: float | None = None
    source: str | None = None
    note: str = ""


def scan_time(dataset: Dataset, found: Mapping[str, Any]) -> ScanTime:
    """The time that a header states.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The header with its private attributes.
    found : mapping
        Standard attributes of the frame by keyword.

    Returns
    -------
    ScanTime
        From AcquisitionDuration; where that is missing or impossible, from the private attributes of Siemens, GE,
        Philips or United Imaging.

    Notes
    -----
    A time is impossible over three hours, or below one repetition: Siemens and United Imaging write that of one slice
    or readout for mosaics. It is not computed from TR, phase encoding steps, averages and echo train: parallel imaging,
    partial Fourier and concatenations are not all in classic headers, and the result is wrong by a factor of two and
    more.
    """
    repetition = measure(found, "RepetitionTime") or 0.0
    note = ""
    for seconds, source, remark in (_attribute(dataset, found), _private(dataset)):
        if seconds is None:
            note = note or remark
        elif rules.vetted_number("AcquisitionDuration", seconds) is None:
            note = note or "Scan time left out: no scan takes as long as the header says."
        elif seconds <= 0 or seconds < _NEAR * repetition / 1000:
            note = note or "Scan time left out: the header says less than one repetition, which is not the whole scan."
        else:
            return ScanTime(seconds, source, remark)
    return ScanTime(note=note)


def _attribute(dataset: Dataset, found: Mapping[str, Any]) -> tuple[float | None, str, str]:
    value = number(found.get("AcquisitionDuration"))
    ours = str(dataset.get("DeidentificationMethod") or "").startswith(rules.METHOD.split(":")[0])
    if value is None or ours or not made_by(dataset, "UIH", "UNITED IMAGING"):
        return value, "attribute", ""
    if any(tag.group == 0x0065 for tag in dataset.keys()):  # noqa: SIM118 - a data set iterates over values
        return value / 1000, "attribute", "Scan time converted from milliseconds, as United Imaging writes it."
    return (
        None,
        "attribute",
        "Scan time left out: United Imaging wrote milliseconds or seconds; nothing tells.",
    )


def _private(dataset: Dataset) -> tuple[float | None, str, str]:
    siemens = _SIEMENS.fullmatch(block_text(dataset, 0x0051, "SIEMENS MR HEADER", 0x0A))
    if siemens and siemens[4]:
        return None, "private", "Scan time left out: the header tells that of one part of the scan only."
    if siemens:
        return 3600 * int(siemens[1] or 0) + 60 * int(siemens[2] or 0) + float(siemens[3]), "private", ""
    for text, scale in (
        (block_text(dataset, 0x0019, "GEMS_ACQU_01", 0x5A), 1e-6),
        (block_text(dataset, 0x2005, "Philips MR Imaging DD 001", 0x33), 1.0),
        (uih_text(dataset, 0x29), 1.0),
    ):
        if (value := number(text or None)) is not None and value > 0:
            return value * scale, "private", ""
    return None, "private", ""


def tesla(value: float | None) -> tuple[float | None, str]:
    """Field strength in tesla, and a note where it was stated in gauss or is impossible."""
    if value is None or rules.vetted_number("MagneticFieldStrength", value) is not None:
        return value, ""
    converted = rules.vetted_number("MagneticFieldStrength", value / 10_000)
    if converted is not None and value >= 100:
        return converted, "Field strength converted from gauss to tesla."
    return None, "Field strength left out: no scanner has the one that the header says."
