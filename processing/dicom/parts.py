"""What the volumes of one series are called: water, fat, echo, b-value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from processing.deidentify import rules

# Mark: how it is told, and the attribute whose rule its value must pass: it may be a number of a person.
_WORDS = {
    "EchoTime": ("echo time {} ms", "EchoTime"),
    "DiffusionBValue": ("b = {} s/mm²", "DiffusionBValue"),
    "InversionTime": ("inversion time {} ms", "InversionTime"),
    "FlipAngle": ("flip angle {}°", "FlipAngle"),
    "TemporalPosition": ("time point {:g}", "TemporalPositionIdentifier"),
    "AcquisitionNumber": ("acquisition {:g}", "AcquisitionNumber"),
    "TriggerTime": ("trigger time {:g} ms", "TriggerTime"),
}
_CHEMICAL_SHIFT = {
    "WATER": "water",
    "W": "water",
    "FAT": "fat",
    "F": "fat",
    "IN_PHASE": "in phase",
    "INPHASE": "in phase",
    "IP": "in phase",
    "OUT_PHASE": "opposed phase",
    "OUTPHASE": "opposed phase",
    "OPP_PHASE": "opposed phase",
    "OPPOSED_PHASE": "opposed phase",
    "OP": "opposed phase",
    "FAT_FRACTION": "fat fraction",
    "FF": "fat fraction",
}
_SEQUENCES = {"dixon", "mdixon", "qdixon", "ideal", "idealiq", "lava flex", "fse flex", "vibrant flex"}
_SPOKEN = {
    "water": "water",
    "fat": "fat",
    "in phase": "in phase",
    "inphase": "in phase",
    "out phase": "opposed phase",
    "outphase": "opposed phase",
    "opp phase": "opposed phase",
    "opposed phase": "opposed phase",
}
_SUPPRESSION = {"fat sat", "fat sup", "fat suppression", "fat suppressed"}


def name_of(keyword: str, value: Any, others: Iterable[Any]) -> str:
    """What a value of a mark is called among the other values of the series; "" where there is no word for it."""
    if value is None:
        return ""
    if keyword == "DiffusionDirection":
        kept = [rules.vetted_number("DiffusionGradientOrientation", part) for part in value]
        return "" if None in kept else "direction " + ", ".join(f"{part:.2g}" for part in kept)
    if keyword == "ImageType":
        common = set(value).intersection(*(other or () for other in others))
        return chemical_shift(value) or " ".join(_known(word) for word in value if word not in common and _known(word))
    words, rule = _WORDS.get(keyword, ("", ""))
    return words.format(value) if words and rules.vetted_number(rule, value) is not None else ""


def _known(word: str) -> str:
    """A word of an image type that says something and can name nobody."""
    known = rules.checked_value("code", word)
    return "" if known in (None, "OTHER", "NONE", "UNKNOWN") else str(known).lower().replace("_", " ")


def chemical_shift(kinds: Sequence[str], words: frozenset[str] | set[str] = frozenset()) -> str:
    """water, fat, in phase, opposed phase or fat fraction, where an image type says so; else, of a Dixon sequence, the
    words of its descriptions."""
    found = {_CHEMICAL_SHIFT[word] for kind in kinds[2:] if (word := kind.strip().upper()) in _CHEMICAL_SHIFT}
    if not found and words & _SEQUENCES and not words & _SUPPRESSION:
        found = {_SPOKEN[word] for word in words if word in _SPOKEN}
    return found.pop() if len(found) == 1 else ""
