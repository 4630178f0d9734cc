"""Anomalies: planted lesions and real ones, found by the difference to the inpainted image.

    python -m benchmarks.anomalies --model NAME|DIR [--data DIR] [--slices N] [--markdown FILE] [--write]

Thirty lesions are planted in volumes that no training saw: ellipsoids with soft edges, brighter or darker than their
place by 15 to 40 % of the range. The same volumes without them give the share of false alarms. Two of the three are of
patients with multiple sclerosis, whose own lesions count as none: areas may come out too low there, false alarms too
high. For each lesion the area under the curve is of its voxels against all of the patient that is no lesion; the
interval over all is that of 2,000 samples of whole volumes with replacement, which is rough: there are three. Real
lesions: those of `REAL`, whose masks come with them. A Gaussian blur of what is around a hole fills it for comparison,
and local contrast needs no holes.
--write keeps the false alarms in the folder of the model, from where the site's pages show them, and those of local
contrast beside the models.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from processing import series
from processing.enhancement.anomalies import (
    LOCAL_CONTRAST,
    LOCAL_CONTRAST_FOUND,
    THRESHOLD,
    Fill,
    area_under_curve,
    dice,
    filled_by,
    find_anomalies,
)
from processing.enhancement.networks import store
from processing.masks import read_mask
from processing.metrics.quality import foreground
from processing.volume import Volume

SEED = 11
PER_VOLUME = 10
PLANTED_IN = {
    "planted in T1, patient with MS (open_ms 20)": "training/open_ms/patient20/study2_T1W.nii.gz",
    "planted in FLAIR, patient with MS (open_ms 09)": "training/open_ms/patient09/study2_FLAIR.nii.gz",
    "planted in T1 (FNNDSC MEMPRAGE)": "more/brain3d/fnndsc_adi_memprage.nii.gz",
}
REAL = {
    "fake lesion of the cord (SCT)": (
        "nifti_spine/t2/t2_fake_lesion.nii.gz",
        "nifti_spine/t2/t2_fake_lesion_lesion_seg.nii.gz",
    ),
    "multiple sclerosis (MS 26)": (
        "more/ms_cross/cs_patient26_FLAIR.nii.gz",
        "more/ms_cross/cs_patient26_gold.nii.gz",
    ),
}
RADII = (2.0, 6.0)  # pixels
DEPTH = 1.5  # slices: radius across them, so that a lesion lies in three
CONTRAST = (0.15, 0.40)  # of the range
SAMPLES = 2000
GUESSING = 0.5
BLUR = 1 / 32  # of the rows: standard deviation of a blur that reaches into the middle of a hole
INTRODUCTION = (
    "# Anomalies\n\nMade by `python -m benchmarks.anomalies --model inpaint --markdown docs/anomalies.md`. Lesions "
    "were planted in volumes that no training saw; real lesions come with their masks. Area under the curve: of a "
    "lesion's voxels against the patient outside all lesions, mean over lesions (of all planted ones with 95 % of "
    "2,000 samples of whole volumes; there are three, so it is rough). Found: share of lesions with a voxel above "
    f"{THRESHOLD:g} robust standard deviations. Dice: of all that is above it with all lesions. False alarms: share of "
    "the patient above it in the same volume before lesions were planted; lesions that a patient has anyway count as "
    "false. A Gaussian blur of what is around a hole is what a network has to be better than. Local contrast, the "
    "difference to the median around each pixel, needs no network (`python -m processing anomalies --model "
    "local-contrast`, and on the page of the map)."
)
Filler = Callable[[Volume], Fill | None]


@dataclass(frozen=True)
class Found:
    """Of one volume: area under the curve and highest value of each lesion, Dice, and share flagged without lesions."""

    name: str
    filler: str
    areas: list[float]
    peaks: list[float]
    dice: float | None
    false_alarms: float | None


def main() -> None:
    """Print what is found volume by volume, and all together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--model", required=True, help="model for inpaint, or its folder")
    parser.add_argument("--slices", type=int, default=10, help="per volume, around its middle")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    parser.add_argument("--write", action="store_true", help="keep the false alarms in the folder of the model")
    arguments = parser.parse_args()
    lines = ["| volume | by | lesions | area under the curve | found | Dice | false alarms |", "|---" * 7 + "|"]
    fillers: dict[str, Filler] = {
        Path(arguments.model).name: lambda volume: filled_by(arguments.model),
        "Gaussian blur": blurred,
        LOCAL_CONTRAST.replace("-", " "): lambda volume: None,
    }
    verdicts: list[str] = []
    for name, filler in fillers.items():
        planted = [found for found in _planted(arguments, name, filler) if found.areas]
        areas, peaks = ([n for row in planted for n in getattr(row, part)] for part in ("areas", "peaks"))
        together = [Found("planted, all", name, areas, peaks, None, None)] if planted else []
        verdicts += [verdict(name, [one.areas for one in planted])] if planted else []
        lines += [_line(row) for row in planted]
        lines += [_line(row, interval([one.areas for one in planted])) for row in together]
        lines += [_line(row) for row in _real(arguments, name, filler) if row.areas]
        if arguments.write and name == Path(arguments.model).name:
            keep(store.folder_of(arguments.model), planted)
        elif arguments.write and name == LOCAL_CONTRAST.replace("-", " "):
            _write(LOCAL_CONTRAST_FOUND, measured(planted))
    print("\n".join(lines))
    if arguments.markdown:
        parts = [INTRODUCTION, *verdicts, "\n".join(lines)]
        arguments.markdown.write_text("\n\n".join(parts) + "\n")


def keep(folder: Path, planted: Sequence[Found]) -> None:
    """Write beside the weights what they find."""
    _write(folder / store.ANOMALIES, {"sha256": store.read_identity(folder).sha256} | measured(planted))


def measured(planted: Sequence[Found]) -> dict[str, Any]:
    """How well planted lesions were found, and what the volumes without them gave."""
    nulls = [
        {"name": row.name.removeprefix("planted in "), "flagged": row.false_alarms}
        for row in planted
        if row.false_alarms is not None
    ]
    areas, peaks = ([n for row in planted for n in getattr(row, part)] for part in ("areas", "peaks"))
    limits = interval([row.areas for row in planted])
    return {
        "threshold": THRESHOLD,
        "nulls": nulls,
        "planted": {
            "lesions": len(areas),
            "area": round(float(np.mean(areas)), 3),
            "interval": limits and [round(end, 3) for end in limits],
            "found": round(float(np.mean([peak > THRESHOLD for peak in peaks])), 2),
        },
    }


def _write(file: Path, found: dict[str, Any]) -> None:
    store.write_whole(file, (json.dumps(found, indent=1) + "\n").encode())


def _planted(arguments: argparse.Namespace, filler: str, filled: Filler) -> Iterator[Found]:
    for number, (name, path) in enumerate(PLANTED_IN.items()):
        if not _is_here(arguments.data, path):
            continue
        volume = series.read(arguments.data / path)
        volume = replace(volume, array=np.maximum(volume.array[_middle(volume.shape[0] / 2, arguments.slices)], 0))
        rng = np.random.default_rng([SEED, number])
        array, lesions = volume.array.copy(), np.zeros(volume.shape, int)
        for label in range(1, PER_VOLUME + 1):
            plant(array, lesions, label, foreground(volume.array), rng)
        sick = volume.with_array(array)
        alarms = find_anomalies(volume, fill=filled(volume)).flagged
        score = find_anomalies(sick, fill=filled(sick)).map.array
        yield _judged(name, filler, array, score, lesions, alarms)


def plant(array: np.ndarray, lesions: np.ndarray, label: int, patient: np.ndarray, rng: np.random.Generator) -> None:
    """An ellipsoid somewhere in the patient that touches no other; darker where brighter would leave the range. Nothing
    else changes."""
    bright = float(np.percentile(array, 99.9))
    for _ in range(200):
        k, row, column = (int(n) for n in rng.choice(np.argwhere(patient)))
        radii = np.array([DEPTH, rng.uniform(*RADII), rng.uniform(*RADII)])
        grid = np.indices(array.shape) - np.array([k, row, column])[:, None, None, None]
        distance = np.sqrt(((grid / radii[:, None, None, None]) ** 2).sum(axis=0))
        inside = distance < 1
        if patient[inside].mean() > 0.95 and not lesions[distance < 2].any():
            break
    sign = -1 if array[k, row, column] > 0.6 * bright else 1
    added = sign * bright * rng.uniform(*CONTRAST) * np.clip(2 * (1 - distance), 0, 1)
    array += np.clip(added, -array, np.maximum(bright - array, 0))
    lesions[inside] = label


def blurred(volume: Volume) -> Fill:
    """Fill holes with a Gaussian mean of what is around them in the slice: what any network has to be better than."""

    def fill(holes: Volume) -> np.ndarray:
        seen = (holes.array == volume.array).astype(np.float32)
        width = (0, *[BLUR * volume.shape[1]] * 2)
        around, weight = (ndimage.gaussian_filter(part, width) for part in (seen * volume.array, seen))
        return around / np.maximum(weight, 1e-6)

    return fill


def _real(arguments: argparse.Namespace, filler: str, filled: Filler) -> Iterator[Found]:
    for name, (path, mask) in REAL.items():
        if not _is_here(arguments.data, path):
            continue
        volume, lesion = series.read(arguments.data / path), read_mask(arguments.data / mask)[0].array.astype(int)
        shown = _middle(float(np.flatnonzero(lesion.any(axis=(1, 2))).mean()), arguments.slices)
        part = replace(volume, array=np.maximum(volume.array[shown], 0))
        score = find_anomalies(part, fill=filled(part)).map.array
        yield _judged(name, filler, part.array, score, (lesion[shown] > 0).astype(int), None)


def _is_here(data: Path, path: str) -> bool:
    if not (data / path).exists():
        print(f"{path}: not here, left out", file=sys.stderr)
    return (data / path).exists()


def _middle(centre: float, count: int) -> slice:
    start = max(round(centre - count / 2), 0)
    return slice(start, start + count)


def _judged(
    name: str, filler: str, array: np.ndarray, score: np.ndarray, lesions: np.ndarray, alarms: float | None
) -> Found:
    patient = foreground(array) | (lesions > 0)
    areas, peaks = [], []
    for label in range(1, int(lesions.max()) + 1):
        mine = patient & ((lesions == label) | (lesions == 0))
        area = area_under_curve(score[mine], (lesions == label)[mine])
        if area is not None:
            areas.append(area)
            peaks.append(float(score[lesions == label].max()))
    return Found(name, filler, areas, peaks, dice(score[patient] > THRESHOLD, lesions[patient] > 0), alarms)


def interval(volumes: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """95 % of the mean over all lesions, by samples of whole volumes: lesions of one are alike. None for one volume."""
    if len(volumes) < 2:
        return None
    picks = np.random.default_rng(SEED).integers(len(volumes), size=(SAMPLES, len(volumes)))
    sums, counts = (np.array([f(areas) for areas in volumes])[picks].sum(axis=1) for f in (sum, len))
    low, high = np.percentile(sums / counts, (2.5, 97.5))
    return float(low), float(high)


def verdict(name: str, volumes: Sequence[Sequence[float]]) -> str:
    """Whether planted lesions stand out, in a sentence that follows from the interval."""
    limits = interval(volumes)
    area = float(np.mean([area for areas in volumes for area in areas]))
    if limits is None or round(limits[0], 3) <= GUESSING:
        return f"By {name}, lesions were not shown to stand out: area under the curve {area:.3f}, guessing is 0.5."
    return f"By {name}, lesions stand out: area under the curve {area:.3f}, from {limits[0]:.3f} on."


def _line(row: Found, limits: tuple[float, float] | None = None) -> str:
    hits = float(np.mean([peak > THRESHOLD for peak in row.peaks]))
    overlap = "" if row.dice is None else f"{row.dice:.2f}"
    alarms = "" if row.false_alarms is None else f"{100 * row.false_alarms:.2f} %"
    area = f"{np.mean(row.areas):.3f}" + (f" ({limits[0]:.3f} to {limits[1]:.3f})" if limits else "")
    return f"| {row.name} | {row.filler} | {len(row.areas)} | {area} | {hits:.2f} | {overlap} | {alarms} |"


if __name__ == "__main__":
    main()
