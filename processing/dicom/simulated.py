"""Whether a scanner acquired a series, or a program made it up: degradations and phantoms say so in the file."""

from __future__ import annotations

import re
from dataclasses import replace

from pydicom import Dataset

from processing.model_identity import DEGRADATION, PHANTOM, SIMULATED
from processing.volume import Parameters

_SETTINGS = re.compile(re.escape(SIMULATED) + r" ([\w ,.]{1,200})\.(?: |$)")
_WORDS = frozenset(
    {"patches", "motion", "ghosting", "lines", "undersample", "gibbs", "half", "matrix", "nex", "sigma", "fraction"}
    | {"seed", "linear", "kspace", "odd", "even", "True"}
)
_IN_NIFTI = re.compile(re.escape(DEGRADATION) + r" 1 float32 sha256 ([0-9a-f]{16})")


def simulated_by(dataset: Dataset) -> str | None:
    """How a series was simulated: "phantom", "degraded: …" with the settings, or both; None for what was acquired.

    A series that was made from a degraded one, by a network say, is simulated too.
    """
    found = ["phantom"] if str(dataset.get("Manufacturer", "")).strip() == PHANTOM else []
    for equipment in dataset.get("ContributingEquipmentSequence") or []:
        if str(equipment.get("ManufacturerModelName", "")) == DEGRADATION:
            settings = _settings(equipment)
            found.append(f"degraded: {settings}" if settings else "degraded")
    return "; ".join(found)[:200] or None


def simulated_in_nifti(description: str) -> str | None:
    """The same by the description of a NIfTI header."""
    found = _IN_NIFTI.match(description)
    return f"degraded: settings {found[1]}" if found else None


def without_scan_time(parameters: Parameters, simulated: str | None) -> Parameters:
    """Parameters that say so; what was simulated took no scanner's time."""
    if simulated is None:
        return parameters
    return replace(parameters, simulated=simulated, acquisition_seconds=None, acquisition_source=None)


def _settings(equipment: Dataset) -> str:
    """Settings of a degradation, if each word is one of its own: free text may identify."""
    found = _SETTINGS.search(str(equipment.get("ContributionDescription", "")))
    words = found[1].replace(",", "").split() if found else []
    return found[1] if found and all(map(_is_known, words)) else ""


def _is_known(word: str) -> bool:
    return word in _WORDS or re.fullmatch(r"\d{1,9}(\.\d{1,9})?", word) is not None
