"""Whether a scanner acquired a series, or a program made it up: degradations, reconstructions and phantoms say so."""

from __future__ import annotations

import re
from dataclasses import replace

from pydicom import Dataset

from processing.model_identity import DEGRADATION, PHANTOM, RECONSTRUCTION, SIMULATED, ModelIdentity
from processing.volume import Parameters

_SETTINGS = re.compile(re.escape(SIMULATED) + r" ([\w ,.-]{1,200}?)\.(?: |$)")
_WORDS = frozenset(
    {"patches", "motion", "ghosting", "lines", "undersample", "gibbs", "half", "matrix", "nex", "sigma", "fraction"}
    | {"seed", "linear", "kspace", "odd", "even", "True", "thick", "phase"}
    | {"zero", "filled", "compressed", "sensing", "cascade"}
)
_MADE = {DEGRADATION: "degraded", RECONSTRUCTION: "reconstructed"}
_IN_NIFTI = re.compile(rf"({'|'.join(_MADE)}) 1 b?float\d\d sha256 ([0-9a-f]{{16}})")
_MARK = "simulated; "  # before what made a NIfTI image of one that was simulated: a header holds 79 characters
_OF_SIMULATED = "made of a simulated image"


def simulated_by(dataset: Dataset) -> str | None:
    """How a series was simulated: "phantom", "degraded: …" or "reconstructed: …" with the settings, or several; None
    for what was acquired.

    A series that was made from a degraded one, by a network say, is simulated too.
    """
    found = ["phantom"] if str(dataset.get("Manufacturer", "")).strip() == PHANTOM else []
    for equipment in dataset.get("ContributingEquipmentSequence") or []:
        if made := _MADE.get(str(equipment.get("ManufacturerModelName", ""))):
            settings = _settings(equipment)
            found.append(f"{made}: {settings}" if settings else made)
    return "; ".join(found)[:200] or None


def nifti_description(model: ModelIdentity, *, of_simulated: bool) -> str:
    """What a NIfTI header says of what made the image, and whether that was simulated already."""
    text = f"{model.name} {model.version} {model.precision} sha256 {model.sha256[:16]}"
    return _MARK + text if of_simulated else text


def nifti_mark(simulated: str | None) -> str:
    """What a NIfTI header says of an image that was simulated before it was written as NIfTI; "" if it was acquired."""
    return _MARK + simulated if simulated else ""


def simulated_in_nifti(description: str) -> str | None:
    """The same by the description of a NIfTI header."""
    before = [_OF_SIMULATED] if description.startswith(_MARK) else []
    found = _IN_NIFTI.match(description.removeprefix(_MARK))
    return "; ".join([*before, *([f"{_MADE[found[1]]}: settings {found[2]}"] if found else [])]) or None


def without_scan_time(parameters: Parameters, simulated: str | None) -> Parameters:
    """Parameters that say so; what was simulated took no scanner's time."""
    if simulated is None:
        return parameters
    return replace(parameters, simulated=simulated, acquisition_seconds=None, acquisition_source=None)


def _settings(equipment: Dataset) -> str:
    """Settings of what was done, if each word is one of its own: free text may identify."""
    found = _SETTINGS.search(str(equipment.get("ContributionDescription", "")))
    words = found[1].replace(",", "").split() if found else []
    return found[1] if found and all(map(_is_known, words)) else ""


def _is_known(word: str) -> bool:
    return word in _WORDS or re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", word) is not None
