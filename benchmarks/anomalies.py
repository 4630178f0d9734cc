"""Anomalies: planted lesions and real ones, found by the difference to the inpainted image.

    python -m benchmarks.anomalies --model NAME|DIR [--data DIR] [--slices N] [--markdown FILE]

Thirty lesions are planted in volumes that no training saw: ellipsoids with soft edges, brighter or darker than their
place by 15 to 40 % of the range. The same volumes without them give the share of false alarms. For each lesion the
area under the curve is of its voxels against all of the patient that is no lesion; intervals are percentiles of 2,000
samples of the lesions with replacement. Real lesions: those of `REAL`, whose masks come with them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from processing import series
from processing.enhancement.anomalies import THRESHOLD, area_under_curve, dice, filled_by, find_anomalies
from processing.masks import read_mask
from processing.metrics.quality import foreground

SEED = 11
PER_VOLUME = 10
CLEAN = (
    "training/open_ms/patient20/study2_T1W.nii.gz",
    "training/open_ms/patient09/study2_FLAIR.nii.gz",
    "more/brain3d/fnndsc_adi_memprage.nii.gz",
)
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
CONTRAST = (0.15, 0.40)  # of the range
SAMPLES = 2000


@dataclass(frozen=True)
class Found:
    """Of one volume: area under the curve and highest value of each lesion, Dice, and share flagged without lesions."""

    name: str
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
    arguments = parser.parse_args()
    rows = [*_planted(arguments), *_real(arguments)]
    lines = ["| volume | lesions | area under the curve | found | Dice | false alarms |", "|---|---|---|---|---|---|"]
    planted = [row for row in rows if row.false_alarms is not None]
    areas, peaks = ([n for row in planted for n in getattr(row, name)] for name in ("areas", "peaks"))
    together = Found("planted, all", areas, peaks, None, None)
    real = [row for row in rows if row.false_alarms is None]
    lines += [_line(row) for row in (*planted, together, *real) if row.areas]
    print("\n".join(lines))
    if arguments.markdown:
        arguments.markdown.write_text("# Anomalies\n\n" + "\n".join(lines) + "\n")


def _planted(arguments: argparse.Namespace) -> Iterator[Found]:
    for number, path in enumerate(CLEAN):
        if not _is_here(arguments.data, path):
            continue
        volume = series.read(arguments.data / path)
        volume = replace(volume, array=np.maximum(volume.array[_middle(volume.shape[0] / 2, arguments.slices)], 0))
        rng = np.random.default_rng([SEED, number])
        array, lesions = volume.array.copy(), np.zeros(volume.shape, int)
        for label in range(1, PER_VOLUME + 1):
            _plant(array, lesions, label, foreground(volume.array), rng)
        fill = filled_by(arguments.model)
        alarms = find_anomalies(volume, fill=fill).flagged
        score = find_anomalies(volume.with_array(array), fill=fill).map.array
        yield _judged(Path(path).parent.name + " " + Path(path).stem, array, score, lesions, alarms)


def _plant(array: np.ndarray, lesions: np.ndarray, label: int, patient: np.ndarray, rng: np.random.Generator) -> None:
    """An ellipsoid somewhere in the patient that touches no other; darker where brighter would leave the range."""
    bright = float(np.percentile(array, 99.9))
    for _ in range(200):
        k, row, column = (int(n) for n in rng.choice(np.argwhere(patient)))
        radii = np.array([1.0, rng.uniform(*RADII), rng.uniform(*RADII)])
        grid = np.indices(array.shape) - np.array([k, row, column])[:, None, None, None]
        distance = np.sqrt(((grid / radii[:, None, None, None]) ** 2).sum(axis=0))
        inside = distance < 1
        if patient[inside].mean() > 0.95 and not lesions[distance < 2].any():
            break
    sign = -1 if array[k, row, column] > 0.6 * bright else 1
    array += sign * bright * rng.uniform(*CONTRAST) * np.clip(2 * (1 - distance), 0, 1)
    np.clip(array, 0, bright, out=array)
    lesions[inside] = label


def _real(arguments: argparse.Namespace) -> Iterator[Found]:
    for name, (path, mask) in REAL.items():
        if not _is_here(arguments.data, path):
            continue
        volume, lesion = series.read(arguments.data / path), read_mask(arguments.data / mask)[0].array.astype(int)
        shown = _middle(float(np.flatnonzero(lesion.any(axis=(1, 2))).mean()), arguments.slices)
        part = replace(volume, array=np.maximum(volume.array[shown], 0))
        score = find_anomalies(part, fill=filled_by(arguments.model)).map.array
        yield _judged(name, part.array, score, (lesion[shown] > 0).astype(int), None)


def _is_here(data: Path, path: str) -> bool:
    if not (data / path).exists():
        print(f"{path}: not here, left out", file=sys.stderr)
    return (data / path).exists()


def _middle(centre: float, count: int) -> slice:
    start = max(round(centre - count / 2), 0)
    return slice(start, start + count)


def _judged(name: str, array: np.ndarray, score: np.ndarray, lesions: np.ndarray, alarms: float | None) -> Found:
    patient = foreground(array) | (lesions > 0)
    areas, peaks = [], []
    for label in range(1, int(lesions.max()) + 1):
        mine = patient & ((lesions == label) | (lesions == 0))
        area = area_under_curve(score[mine], (lesions == label)[mine])
        if area is not None:
            areas.append(area)
            peaks.append(float(score[lesions == label].max()))
    return Found(name, areas, peaks, dice(score[patient] > THRESHOLD, lesions[patient] > 0), alarms)


def _line(row: Found) -> str:
    rng = np.random.default_rng(SEED)
    picks = rng.integers(len(row.areas), size=(SAMPLES, len(row.areas)))
    low, high = np.percentile(np.array(row.areas)[picks].mean(axis=1), (2.5, 97.5))
    hits = float(np.mean([peak > THRESHOLD for peak in row.peaks]))
    overlap = "" if row.dice is None else f"{row.dice:.2f}"
    alarms = "" if row.false_alarms is None else f"{100 * row.false_alarms:.2f} %"
    area = f"{np.mean(row.areas):.3f} ({low:.3f} to {high:.3f})" if len(row.areas) > 1 else f"{row.areas[0]:.3f}"
    return f"| {row.name} | {len(row.areas)} | {area} | {hits:.2f} | {overlap} | {alarms} |"


if __name__ == "__main__":
    main()
