"""Intervals from what an estimate would be without each subject: subjects are left out whole, nothing is drawn.

With θ the estimate from k subjects and θ₍ᵢ₎ without subject i, the pseudo-values kθ − (k − 1)θ₍ᵢ₎ (Tukey 1958) are
what each subject says; the standard error is that of their mean. Three things make t intervals of few subjects too
short, and each is answered:

- Long tails: a few subjects with many or far answers carry the estimate. Degrees of freedom are 3(Σd²)²/Σd⁴ − 1, d
  being the distance of a pseudo-value from their mean, between 2 and k − 1: the kurtosis says how well the spread is
  known (Satterthwaite 1946 for the variance of a sample), k − 1 for normal values. A kurtosis is itself estimated, and
  too small where the few subjects with many ratings happen to agree: of a ratio there are no more degrees than sizes n
  alone leave, (Σn²)²/Σn⁴, as if all answers of a subject were alike (Carter, Schnepel & Steigerwald 2017).
- Skewness: half of Hall's monotone cubic transformation (1992) moves both bounds to where the long tail is. Half, as
  the skewness of few subjects is itself estimated, and mostly too small; set by simulation (benchmarks/coverage.py).
- Subjects who say nothing of a cell do not count in k.

Coefficients that end at ±1 are left out one by one on Fisher's z.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.result import Result
from analysis.statistics.values import RELATIVE, negligible

Floats = NDArray[np.float64]

FEWEST_DEGREES = 2.0
MOST_GROUPS = 2_000
SKEWNESS = 0.5  # share of the skewness that is corrected
SAME = "no interval: without any one subject it would be the same"


def groups_of(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Codes 0 … of the subjects of units; of very many, some together, who are then left out together."""
    return labels % MOST_GROUPS


def sums_of(labels: NDArray[np.intp], values: Floats) -> Floats:
    """Sums per subject of values along the first axis, subjects × anything."""
    found = np.zeros((int(labels.max()) + 1, *values.shape[1:]))
    np.add.at(found, labels, values)
    return found


def left_out(sums: Floats) -> Floats:
    """Sums over all subjects but one each; ``sums`` are per subject, subjects × anything."""
    return np.asarray(sums.sum(axis=0) - sums)


def degrees(away: Floats, most: Floats | float) -> Floats:
    """Degrees of freedom of a variance, at ``most`` these, from the distances of pseudo-values from their mean, along
    the first axis."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 3 * (away**2).sum(axis=0) ** 2 / (away**4).sum(axis=0) - 1
    return np.asarray(np.clip(found, np.minimum(FEWEST_DEGREES, most), most))


def bounds(
    estimate: Floats, without: Floats, there: NDArray[np.bool_], *, confidence: float, size: Floats | None = None
) -> Floats:
    """Lower and upper bounds, 2 × cells; NaN where fewer than two subjects are there or none makes a difference.

    ``estimate`` per cell; ``without`` each subject, subjects × cells; ``there``, of the same shape: whether the
    subject has something in the cell; ``size``, of the same shape: how much, where subjects count by that.
    """
    k = there.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        pseudo = np.where(there, estimate + (k - 1) * (estimate - without), 0.0)
        away = np.where(there, pseudo - pseudo.sum(axis=0) / k, 0.0)
        second, third = ((away**power).sum(axis=0) for power in (2, 3))
        error = np.sqrt(second / k / (k - 1))
        skewness = SKEWNESS * third / second**1.5
        most = k - 1 if size is None else np.minimum(k - 1, _subjects_of_one_size(size))
        reach = special.stdtrit(degrees(away, most), (1 + confidence) / 2)
        low = estimate - error * _turned_back(reach, skewness)
        high = estimate - error * _turned_back(-reach, skewness)
    some = (k >= 2) & (error > 0)
    return np.where(some, np.stack([low, high]), np.nan)


def ratio_bounds(above: Floats, below: Floats, *, confidence: float) -> Floats:
    """Bounds of Σ ``above`` / Σ ``below``, 2 × cells; both are sums per subject, subjects × cells, ``below`` ≥ 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = above.sum(axis=0) / below.sum(axis=0)
        without = left_out(above) / left_out(below)
    there = below > 0
    without = np.where(there & np.isfinite(without), without, estimate)
    same = np.ptp(without, axis=0) <= RELATIVE * np.maximum(np.abs(estimate), 1.0)
    return np.where(same, np.nan, bounds(estimate, without, there, confidence=confidence, size=below))


def _subjects_of_one_size(size: Floats) -> Floats:
    """How many subjects of one size would leave as many degrees of freedom, were a subject's answers all alike."""
    share = size / size.sum(axis=0)
    return np.asarray((share**2).sum(axis=0) ** 2 / (share**4).sum(axis=0))


def _turned_back(z: Floats, skewness: Floats) -> Floats:
    """Where Hall's transformation takes the value z; ``skewness`` is that of the mean, γ/√k."""
    small = np.abs(skewness) < 1e-9
    a = np.where(small, 1.0, skewness)
    return np.where(small, z, (np.cbrt(1 + a * (z - a / 6)) - 1) * 3 / a)


def coefficient(known: Result, without: Floats) -> Result:
    """``known``, a coefficient of at most 1, with the interval that leaving out each subject gives on Fisher's z.

    ``without``: the coefficient without each subject, two or more. No interval where one of these is undefined, ±1 or
    below, or none differs.
    """
    assert known.estimate is not None
    if negligible(1 - known.estimate, 1):
        return replace(known, reason="no interval for perfect agreement")
    if not (np.abs(without) < 1 - RELATIVE).all() or known.estimate <= -1:
        return replace(known, reason="no interval: without one of the subjects it would be undefined, 1, or -1 or less")
    if negligible(np.ptp(without), 1):
        return replace(known, reason=SAME)
    z = np.arctanh(np.append(without, known.estimate))
    there = np.ones((without.size, 1), dtype=bool)
    low, high = np.tanh(bounds(z[-1:], z[:-1, None], there, confidence=known.confidence))[:, 0]
    return replace(known, ci=(float(low), float(high)))
