"""What the volumes of one series are called: water, fat, echo, b-value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from processing.deidentify import rules

_WORDS = {
    "EchoTime": "echo time {} ms",
    "DiffusionBValue": "b = {} s/mm²",
    "InversionTime": "inversion time {} ms",
    "FlipAngle": "flip angle {}°",
    "TemporalPosition": "time point {:g}",
    "AcquisitionNumber": "acquisition {:g}",
    "TriggerTime": "trigger time {:g} ms",
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
_SEQUENCES = {"dixon", "mdixon", "qdixon", "ideal", "idealiq", "flex"}
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
        return "direction " + ", ".join(f"{part:.2g}" for part in value)
    if keyword == "ImageType":
        common = set(value).intersection(*(other or () for other in others))
        return chemical_shift(value) or " ".join(_known(word) for word in value if word not in common and _known(word))
    return _WORDS[keyword].format(value) if keyword in _WORDS else ""


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
