"""What a network does to small findings: planted before degradation, looked for before and after the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from processing.enhancement.networks.store import DETECTION, put_section, seal_figures
from processing.errors import InputError
from processing.metrics.model_observer import RADIUS, change_interval, detect, gabor_channels
from processing.metrics.quality import foreground
from processing.percentile import high_percentile
from processing.volume import Array, Volume

HEADING = "## Small findings"
LEVEL = 0.95
OBSERVER = (
    "Discs and lines lie in one slice each. A channelised Hotelling observer (16 even Gabor channels, Wunderlich and "
    "Noo 2008) knows their shape and place and has learnt from the other half of the places. Area under the curve: 0.5 "
    "is guessing. Intervals: 95 %, by samples of places within their volume, of single findings by Bonferroni; they "
    "are of these volumes, and slightly narrow, since what the observer learnt counts as fixed. Who has to search may "
    "gain where this observer loses."
)
_APART = 2 * RADIUS // 3 * 2  # pixels from finding to finding in a slice
_ALONE = 3  # slices from one with findings to the next
_CLEAR, _SURROUNDINGS = 0.9, 13  # share of so many pixels squared that must be patient
_BRIGHTEST = 0.7  # of the range: where a brighter finding still has room

Trial = Callable[[Volume, int], tuple[Volume, Volume]]


@dataclass(frozen=True)
class Finding:
    """A disc, or a diagonal line ten pixels long, brighter than its place.

    width: in pixels, of a line across it; contrast: of the range.
    """

    shape: str
    width: float
    contrast: float

    @property
    def name(self) -> str:
        """In words."""
        return (
            f"{self.shape}, {self.width:g} pixel{'s' * (self.width != 1)} wide, {100 * self.contrast:g} % of the range"
        )

    def profile(self) -> Array:
        """0 to 1, (2 × RADIUS + 1)², soft over one pixel."""
        y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].astype(float)
        if self.shape == "line":
            along = np.clip((x + y) / np.sqrt(2), -_LINE / 2, _LINE / 2) / np.sqrt(2)
            distance = np.hypot(x - along, y - along)
        else:
            distance = np.hypot(x, y)
        return np.clip(self.width / 2 + 0.5 - distance, 0, 1)


_LINE = 10.0  # pixels
FINDINGS = (
    Finding("disc", 2, 0.10),
    Finding("disc", 2, 0.20),
    Finding("disc", 5, 0.05),
    Finding("disc", 5, 0.10),
    Finding("line", 1.0, 0.10),
    Finding("line", 1.0, 0.20),
)


def measure(truths: Sequence[Volume], trial: Trial, *, findings: Sequence[Finding] = FINDINGS) -> dict[str, Any]:
    """Plant findings in volumes, degrade them, have a network at them, and ask an observer before and after.

    Parameters
    ----------
    truths : sequence of Volume
        Magnitude series that the network was not trained on.
    trial : callable
        From a volume and a seed of its noise to the degraded volume and what the network makes of it, both on its grid.
    findings : sequence of Finding, default FINDINGS
        What is planted.

    Returns
    -------
    dict
        ``places``, ``volumes``, and over all findings ``psnr`` (foreground, dB, range: 99.9th percentile), ``area`` and
        ``change`` (interval); ``findings``: for each ``name``, ``area``, ``detectability`` and ``change``. Pairs are
        before and after.

    Raises
    ------
    InputError
        If there are too few places for the observer, or the grids differ.

    Notes
    -----
    Each place carries each finding once and once none, in another run each time, so that the noise with and without a
    finding is not the same. Slices with findings lie apart, so a network that looks at neighbours sees none there.
    Patches are taken as shares of the range of their volume.

    References
    ----------
    Barrett, Myers 2004; Wunderlich, Noo 2008.
    """
    channels = gabor_channels()
    seen: list[Array] = []
    errors: list[Array] = []
    groups: list[int] = []
    for number, truth in enumerate(truths):
        places = _places(truth, number)
        if len(places):
            responses, error = _volume(truth, places, trial, findings, channels)
            seen.append(responses)
            errors.append(error)
            groups += [number] * len(places)
    if not seen:
        raise InputError("No volume has room for findings in its foreground; name larger ones.")
    whole, of = np.concatenate(seen, axis=2), np.array(groups)
    psnr = -10 * np.log10(np.maximum(np.mean(errors, axis=0), 1e-12))
    pairs = [[detect(stage[one], stage[-1]) for stage in whole] for one in range(len(findings))]
    single = 1 - (1 - LEVEL) / len(findings)
    rows = [
        {
            "name": finding.name,
            "area": [round(one.area, 4) for one in pair],
            "detectability": [round(one.detectability, 3) if one.area < 1 else None for one in pair],
            "change": _interval([pair[0].above], [pair[1].above], of, single),
        }
        for finding, pair in zip(findings, pairs, strict=True)
    ]
    return {
        "places": len(of),
        "volumes": len(seen),
        "psnr": [round(float(n), 2) for n in psnr],
        "area": [round(float(np.mean([pair[stage].area for pair in pairs])), 4) for stage in (0, 1)],
        "change": _interval([pair[0].above for pair in pairs], [pair[1].above for pair in pairs], of, LEVEL),
        "findings": rows,
    }


def _interval(before: list[Array], after: list[Array], groups: Array, confidence: float) -> list[float]:
    return [round(end, 4) for end in change_interval(before, after, groups, confidence=confidence)]


def _places(truth: Volume, seed: int) -> Array:
    """Slice, row and column of places in the patient with room for a brighter finding, far enough apart, shuffled."""
    rng = np.random.default_rng([seed, 1])
    patient = foreground(truth.array)
    bright = high_percentile(truth.measured, 99.9)
    found = []
    for index in range(1, truth.shape[0] - 1, _ALONE) if truth.shape[0] > 2 else range(truth.shape[0]):
        clear = ndimage.uniform_filter(patient[index].astype(float), _SURROUNDINGS) > _CLEAR
        free = clear & (truth.array[index] < _BRIGHTEST * bright)
        for edge in (np.s_[:RADIUS], np.s_[-RADIUS:]):
            free[edge] = free[:, edge] = False
        for row, column in rng.permutation(np.argwhere(free)):
            if free[row, column]:
                free[max(row - _APART, 0) : row + _APART + 1, max(column - _APART, 0) : column + _APART + 1] = False
                found.append((index, row, column))
    return rng.permutation(np.array(found)) if found else np.empty((0, 3), int)


def _around(place: Array, reach: int) -> tuple[slice, slice]:
    row, column = (slice(n - reach, n + reach + 1) for n in place)
    return row, column


def _volume(
    truth: Volume, places: Array, trial: Trial, findings: Sequence[Finding], channels: Array
) -> tuple[Array, Array]:
    """Responses (before and after, findings and none, places, channels); mean squared errors before and after."""
    kinds = len(findings) + 1
    bright = high_percentile(truth.measured, 99.9)
    patient = foreground(truth.array)
    responses = np.empty((2, kinds, len(places), len(channels)))
    errors = np.zeros(2)
    profiles = [bright * one.contrast * one.profile() for one in findings]
    for run in range(kinds):
        array = truth.array.astype(np.float32)
        kind = (np.arange(len(places)) + run) % kinds
        for (index, *place), one in zip(places, kind, strict=True):
            if one < len(findings):
                array[index][_around(place, RADIUS)] += profiles[one]
        planted = truth.with_array(array)
        for stage, volume in enumerate(trial(planted, run)):
            if volume.shape != truth.shape:
                raise InputError("The volume before or after the network lies on another grid than the truth.")
            errors[stage] += np.mean(((volume.array - array)[patient] / bright) ** 2) / kinds
            for at, ((index, *place), one) in enumerate(zip(places, kind, strict=True)):
                responses[stage, one, at] = channels @ volume.array[index][_around(place, RADIUS)].ravel() / bright
    return responses, errors


def said(row: dict[str, Any]) -> str:
    """What a row of `measure` shows, in a sentence that follows from its intervals."""
    gain = row["psnr"][1] - row["psnr"][0]
    noise = f"PSNR {'rises' if gain > 0 else 'falls'} by {abs(gain):.1f} dB"
    low, high = row["change"]
    before, after = row["area"]
    areas = f"(area under the curve {before:.3f} before, {after:.3f} after, change {low:+.3f} to {high:+.3f})"
    if high < 0:
        joined = "but" if gain > 0 else "and"
        words = f"{noise}, {joined} small findings are detected less well {areas}."
    elif low > 0:
        words = f"{noise}, {'and' if gain > 0 else 'but'} small findings are detected better {areas}."
    else:
        words = f"{noise}; no change in the detection of small findings was shown {areas}."
    lost = [one["name"] for one in row["findings"] if one["change"][1] < 0]
    return words + (f" Detected less well: {'; '.join(lost)}." if lost else "")


def write(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Keep rows (with "background" and "degradation" in words) with the model they are of, and on its card.

    That is its weights and version: what is done beside the network, an estimate or a fit, changes the version alone.
    """
    seal_figures(folder, DETECTION, {"observer": OBSERVER, "rows": list(rows)})
    put_section(folder / "card.md", markdown(rows))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The section of the card."""
    parts = [HEADING, OBSERVER]
    for row in rows:
        lines = ["| finding | area before | area after | change | d_A before | d_A after |", "|---|" + "---:|" * 5]
        for one in row["findings"]:
            low, high = one["change"]
            (a, b), (d, e) = one["area"], ("n/a" if n is None else f"{n:.2f}" for n in one["detectability"])
            lines.append(f"| {one['name']} | {a:.3f} | {b:.3f} | {low:+.3f} to {high:+.3f} | {d} | {e} |")
        where = f"{row['degradation']}, {row['background']}: {row['places']} places in {row['volumes']} volumes."
        parts += [f"{where} {said(row)}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"
