"""Which contrast an MR series shows, from how it was acquired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Family = Literal["SE", "GR"]

# DICOM's Acquisition Contrast (0008,9209), both ways.
FROM_CONTRAST = {
    "T1": "T1",
    "T2": "T2",
    "T2_STAR": "T2*",
    "PROTON_DENSITY": "PD",
    "STIR": "STIR",
    "FLUID_ATTENUATED": "FLAIR",
    "DIFFUSION": "DWI",
    "PERFUSION": "perfusion",
    "TOF": "TOF",
}
TO_CONTRAST = {weighting: contrast for contrast, weighting in FROM_CONTRAST.items()}

_FROM_TOKEN = {
    "t1": "T1",
    "t1w": "T1",
    "mprage": "T1",
    "t2": "T2",
    "t2w": "T2",
    "pd": "PD",
    "pdw": "PD",
    "stir": "STIR",
    "tirm": "STIR",
    "flair": "FLAIR",
    "t2s": "T2*",
    "swi": "T2*",
    "dwi": "DWI",
    "adc": "ADC",
}
WORDS = frozenset(_FROM_TOKEN)  # all of them, lower case


def from_tokens(tokens: Iterable[str]) -> str | None:
    """The contrast that a whitelisted lower-case word names; the more specific of several (FLAIR before T2)."""
    named = {_FROM_TOKEN[token] for token in tokens if token in _FROM_TOKEN}
    for weighting in ("ADC", "DWI", "STIR", "FLAIR", "T2*", "PD", "T2", "T1"):
        if weighting in named:
            return weighting
    return None


def from_timing(
    *,
    family: Family | None,
    tr: float | None,
    te: float | None,
    ti: float | None,
    flip_angle: float | None,
) -> str | None:
    """The contrast that timing implies, None where it is not clear. Times in ms, angle in degrees.

    Inversion recovery: TI 80–300 nulls fat (STIR), TI ≥ 1500 with TE ≥ 60 nulls fluid (FLAIR), else T1.
    Spin echo: TE ≤ 40 and TR ≤ 1200 is T1; TR > 1200 is PD with TE ≤ 50 and T2 above.
    Gradient echo: TE ≥ 12 is T2*; TE < 12 is T1 if the flip angle exceeds the Ernst angle of tissue with
    T1 = 1 s or an inversion precedes.
    The limits are the usual textbook ones (e.g. McRobbie, MRI from Picture to Proton, 3rd ed., ch. 3 and 12).
    """
    if te is None or tr is None:
        return None
    if ti is not None and ti > 0:
        if family != "GR" and 80 <= ti <= 300:
            return "STIR"
        if ti >= 1500 and te >= 60:
            return "FLAIR"
        return "T1" if te < 60 else None
    if family == "SE":
        if tr <= 1200:
            return "T1" if te <= 40 else None
        return "PD" if te <= 50 else "T2"
    if family == "GR":
        if te >= 12:
            return "T2*"
        if flip_angle is not None:
            # Ernst angle in degrees; small-angle form is within 3 % up to TR = 300 ms.
            ernst = 57.3 * (2 * min(tr, 1000.0) / 1000.0) ** 0.5
            return "T1" if flip_angle >= ernst else None
    return None
