"""What IBSI calls our features, and how their values become its own.

`ibsi.csv`: for every feature that IBSI 1 defines its name, code, the conversion (one of `CONVERSIONS`; empty: the same)
and the reference value of the digital phantom with its tolerance; 0: equal in three digits. Textures as pyradiomics
merges them: of 3-D directions, averaged. Bins of width 1 leave the phantom's grey levels as they are.

Reference: Zwanenburg et al., Image biomarker standardisation initiative, arXiv:1612.07003v11 (CC BY 4.0).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Conversion → IBSI's value, of ours and the number of voxels.
CONVERSIONS: dict[str, Callable[[float, int], float]] = {
    "": lambda value, n: value,
    "excess": lambda value, n: value - 3,
    "sample covariance": lambda value, n: value * (n / (n - 1)) ** 0.5,
    "SD over n": lambda value, n: value * ((n - 1) / n) ** 0.5,
    "moments over n": lambda value, n: value * (n / (n - 1)) ** 1.5,
    "fourth moment over n": lambda value, n: (value + 3) * (n / (n - 1)) ** 2 - 3,
}


@dataclass(frozen=True)
class Counterpart:
    """What IBSI has for one of our features; tolerance 0: the reference is right in its three digits."""

    feature: str
    ibsi_name: str
    code: str
    conversion: str
    digital_phantom: float
    tolerance: float

    def converted(self, value: float, voxels: int) -> float:
        """IBSI's value of our feature."""
        return CONVERSIONS[self.conversion](value, voxels)


def counterparts() -> list[Counterpart]:
    """Every feature that IBSI 1 defines, in the order of the table."""
    with Path(__file__).with_name("ibsi.csv").open(encoding="utf-8", newline="") as file:
        return [
            Counterpart(
                **{name: row[name] for name in ("feature", "ibsi_name", "code", "conversion")},
                digital_phantom=float(row["digital_phantom"]),
                tolerance=float(row["tolerance"]),
            )
            for row in csv.DictReader(file)
        ]
