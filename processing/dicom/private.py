"""What only private tags say: which part of the signal, which diffusion, and whether deep learning made the image."""

from __future__ import annotations

import re
from typing import Any

from pydicom import Dataset

from processing.dicom.recall import recalled

_DEEP_LEARNING = re.compile(
    r"(?:CS_SENSE_AI|AIR[_ ]?RECON[_ ]?DL|DEEP[_ ]?RESOLVE|AICE|DLR|DRB|DRS|DRG)", re.IGNORECASE
)
_SIEMENS, _GE, _GE_ACQUISITION = "SIEMENS MR HEADER", "GEMS_PARM_01", "GEMS_ACQU_01"
_UIH = 0x0065  # its group; the names of its blocks differ
_B_VALUES = ((0x0019, _SIEMENS, 0x0C), (0x0043, _GE, 0x39), (0x2001, "Philips Imaging DD 001", 0x03))
_PHILIPS_COMPONENT = {"P": "PHASE", "R": "REAL", "I": "IMAGINARY"}
_GE_COMPONENT = {"1": "PHASE", "2": "REAL", "3": "IMAGINARY"}  # 2 also stands for a field map


def block_text(dataset: Dataset, group: int, creator: str, element: int) -> str:
    """The value of a private attribute as text, "" if there is none."""
    try:
        return str(dataset.private_block(group, creator)[element].value).strip()
    except (KeyError, ValueError):
        return ""


def made_by(dataset: Dataset, *makers: str) -> bool:
    """Whether the manufacturer's name begins like one of these, in capitals."""
    return str(dataset.get("Manufacturer") or "").strip().upper().startswith(makers)


def uih_text(dataset: Dataset, element: int) -> str:
    """The value of one of United Imaging's private attributes as text, "" if there is none."""
    if not made_by(dataset, "UIH", "UNITED IMAGING"):
        return ""
    texts = [block_text(dataset, _UIH, creator, element) for creator in dataset.private_creators(_UIH)]
    return next((text for text in texts if text), "")


def private_component(dataset: Dataset) -> str | None:
    """PHASE, REAL or IMAGINARY where GE (0043,xx2F) or Philips (2005,xx11) says so; None for magnitude or no word."""
    return _GE_COMPONENT.get(block_text(dataset, 0x0043, _GE, 0x2F)) or _PHILIPS_COMPONENT.get(
        block_text(dataset, 0x2005, "Philips MR Imaging DD 001", 0x11).upper()
    )


def tell_apart(dataset: Dataset) -> None:
    """Write the b-value (s/mm²) where missing, in place: from Siemens (0019,xx0C), GE (0043,xx39), Philips (2001,xx03)
    or United Imaging (0065,xx09); and its direction from Siemens (0019,xx0E) or United Imaging (0065,xx37).

    Philips' private scale slope (2005,xx0E) is left out on purpose: RescaleSlope gives the values that
    the scanner displays, and the private one only turns these into arbitrary floating-point units.
    """
    if dataset.get("DiffusionBValue") is None:
        for keyword, value in _diffusion(dataset):
            setattr(dataset, keyword, value)


@recalled
def _diffusion(dataset: Dataset) -> tuple[tuple[str, Any], ...]:
    texts = [*(block_text(dataset, *place) for place in _B_VALUES), uih_text(dataset, 0x09)]
    known = [numbers[0] for text in texts if (numbers := _numbers(text))]
    if not known or known[0] < 0:
        return ()
    weighted = ("DiffusionBValue", known[0] % 1e9)  # GE adds 10⁹ to some
    for text in (block_text(dataset, 0x0019, _SIEMENS, 0x0E), uih_text(dataset, 0x37)):
        if len(direction := _numbers(text)) == 3:
            return weighted, ("DiffusionGradientOrientation", direction)
    return (weighted,)


def ge_direction(dataset: Dataset) -> tuple[float, ...] | None:
    """GE's diffusion direction (0019,xxBB to xxBD), by frequency, phase and slice: good to tell images apart only."""
    if not made_by(dataset, "GE"):
        return None
    texts = [block_text(dataset, 0x0019, _GE_ACQUISITION, element) for element in (0xBB, 0xBC, 0xBD)]
    found = tuple(value for text in texts for value in _numbers(text)[:1])
    return found if len(found) == 3 else None


def slices_made(dataset: Dataset) -> int | None:
    """How many slices the scanner made of this stack, by Philips (2001,xx2D, xx18) or GE (0021,xx4F); None for derived
    images, which may carry the number of their sources."""
    if "ORIGINAL" not in [str(kind).upper() for kind in dataset.get("ImageType") or []]:
        return None
    philips = "Philips Imaging DD 001", "Philips Imaging DD 002"
    texts: list[str] = []
    if made_by(dataset, "PHILIPS"):
        texts = [block_text(dataset, 0x2001, creator, element) for element in (0x2D, 0x18) for creator in philips]
    elif made_by(dataset, "GE"):
        texts = [block_text(dataset, 0x0021, "GEMS_RELA_01", 0x4F)]
    return next((int(text) for text in texts if re.fullmatch(r"[1-9]\d{0,3}", text)), None)


def _numbers(text: str) -> list[float]:
    """The numbers of a value as text: 1000, [1000000050, 8, 0, 0]."""
    parts = [part.strip(" '\"") for part in re.split(r"[,\\]", text.strip("[]()"))]
    number = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
    return [float(part) for part in parts] if all(number.fullmatch(part) for part in parts) else []


def has_deep_learning(dataset: Dataset) -> bool:
    """Whether the vendor says that the series was reconstructed with deep learning.

    Looked up in Philips (2005,xx10) of block "Philips MR Imaging DD 00n" and in the image type
    (Siemens Deep Resolve writes DRB, DRS or DRG there).
    """
    words = [str(word) for word in dataset.get("ImageType") or []]
    for number in range(1, 10):
        words.append(block_text(dataset, 0x2005, f"Philips MR Imaging DD {number:03d}", 0x10))
    return any(_DEEP_LEARNING.fullmatch(word) for word in words)
