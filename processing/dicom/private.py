"""What only private tags say about an acquisition, made standard before they are removed."""

from __future__ import annotations

import re

from pydicom import Dataset

_SIEMENS_TIME = re.compile(r"^TA\s*(?:(\d+):)?(\d+(?:\.\d+)?)\s*(?:\*\d+)?$")
_DEEP_LEARNING = re.compile(
    r"(?:CS_SENSE_AI|AIR[_ ]?RECON[_ ]?DL|DEEP[_ ]?RESOLVE|AICE|DLR|DRB|DRS|DRG)", re.IGNORECASE
)

_B_VALUES = (
    (0x0019, "SIEMENS MR HEADER", 0x0C),
    (0x0043, "GEMS_PARM_01", 0x39),
    (0x2001, "Philips Imaging DD 001", 0x03),
)


def _text(dataset: Dataset, group: int, creator: str, element: int) -> str:
    try:
        return str(dataset.private_block(group, creator)[element].value).strip()
    except (KeyError, ValueError):
        return ""


def private_component(dataset: Dataset) -> str | None:
    """PHASE, REAL or IMAGINARY where GE (0043,xx2F) or Philips (2005,xx11) says so; None for magnitude or no word."""
    ge = {"1": "PHASE", "2": "REAL", "3": "IMAGINARY"}
    philips = {"P": "PHASE", "R": "REAL", "I": "IMAGINARY"}
    return ge.get(_text(dataset, 0x0043, "GEMS_PARM_01", 0x2F)) or philips.get(
        _text(dataset, 0x2005, "Philips MR Imaging DD 001", 0x11).upper()
    )


def promote(dataset: Dataset) -> None:
    """Write AcquisitionDuration (s) from Siemens (0051,xx0A) or GE (0019,xx5A) and the b-value (s/mm²) with its
    direction from Siemens (0019,xx0C, xx0E), GE (0043,xx39) or Philips (2001,xx03) where missing, in place.

    Philips' private scale slope (2005,xx0E) is left out on purpose: RescaleSlope gives the values that
    the scanner displays, and the private one only turns these into arbitrary floating-point units.
    """
    _promote_diffusion(dataset)
    if dataset.get("AcquisitionDuration") is not None:
        return
    siemens = _SIEMENS_TIME.match(_text(dataset, 0x0051, "SIEMENS MR HEADER", 0x0A))
    if siemens:
        dataset.AcquisitionDuration = 60.0 * float(siemens[1] or 0) + float(siemens[2])
        return
    microseconds = _text(dataset, 0x0019, "GEMS_ACQU_01", 0x5A)
    if re.fullmatch(r"\d+(\.\d+)?", microseconds) and float(microseconds) > 0:
        dataset.AcquisitionDuration = float(microseconds) / 1e6


def _promote_diffusion(dataset: Dataset) -> None:
    if dataset.get("DiffusionBValue") is not None:
        return
    texts = [_text(dataset, *place) for place in _B_VALUES]
    known = [text.strip("[]").split(",")[0].strip() for text in texts if text]
    if not known or not re.fullmatch(r"\d+(\.\d+)?", known[0]):
        return
    dataset.DiffusionBValue = float(known[0]) % 1e9  # GE adds 10⁹ to some
    try:
        direction = [float(v) for v in dataset.private_block(0x0019, "SIEMENS MR HEADER")[0x0E].value]
    except (KeyError, TypeError, ValueError):
        return
    if len(direction) == 3:
        dataset.DiffusionGradientOrientation = direction


def has_deep_learning(dataset: Dataset) -> bool:
    """Whether the vendor says that the series was reconstructed with deep learning.

    Looked up in Philips (2005,xx10) of block "Philips MR Imaging DD 00n" and in the image type
    (Siemens Deep Resolve writes DRB, DRS or DRG there).
    """
    words = [str(word) for word in dataset.get("ImageType") or []]
    for number in range(1, 10):
        words.append(_text(dataset, 0x2005, f"Philips MR Imaging DD {number:03d}", 0x10))
    return any(_DEEP_LEARNING.fullmatch(word) for word in words)
