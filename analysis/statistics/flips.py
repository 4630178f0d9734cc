"""The exact distribution of a sum under random signs: the permutation distribution of every signed rank statistic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.direction import Alternative

WORK = 400_000_000  # additions of one convolution, a fraction of a second; beyond, the lattice is coarsened
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Tail:
    """Bounds of a p value that hold for certain; both are the exact p where ``step`` is 1."""

    low: float
    high: float
    step: int = 1


def tail(values: ArrayLike, *, alternative: Alternative = "two-sided", work: int = WORK) -> Tail:
    """P(|Σ ±v| ≥ |Σ v|) over all independent fair signs of the integers ``values``, by convolution, never 0.

    "greater": P(Σ ±v ≥ Σ v), "less": P(Σ ±v ≤ Σ v). Where that holds the middle it is 1 less the far side.

    Half the sum of |v| less half the observed |Σ v| is the most that the negative ones may add up to: the lattice up to
    there is enough. Every step adds positive numbers, so the relative error stays that of the additions. Where the
    lattice times the values exceeds ``work``, values are rounded to multiples of a ``step``, and what the rounding can
    amount to widens the bounds; p is then the upper one, which keeps the level of the test.
    """
    signed = np.asarray(values, dtype=np.int64)
    signed = signed[signed != 0]
    total = int(signed.sum()) * (-1 if alternative == "less" else 1)
    observed, sides = abs(total), 2 if alternative == "two-sided" else 1
    middle = sides == 1 and total <= 0
    if signed.size == 0 or (observed == 0 and sides == 2):
        return Tail(1.0, 1.0)
    sizes = np.sort(np.abs(signed))
    common = int(np.gcd.reduce(sizes))  # ranks that are all tied leave a small lattice
    sizes, observed = sizes // common, observed // common
    most = (int(sizes.sum()) - observed) // 2 - middle
    if most < 0:
        return Tail(1.0, 1.0)
    step = -(-sizes.size * (most + 1) // work)
    if step == 1:
        p = _within(_lower(sizes, most), most, sides)
        return _from(p, p, 1, middle=middle)
    rounded = (sizes + step // 2) // step
    excess = rounded * step - sizes  # of the sum of any of the values at most the positive, at least the negative ones
    up, down = int(excess[excess > 0].sum()), int(excess[excess < 0].sum())
    ends = (most + down) // step, (most + up) // step
    lower = _lower(rounded, ends[1])
    return _from(_within(lower, ends[0], sides), _within(lower, ends[1], sides), step, middle=middle)


def _from(low: float, high: float, step: int, *, middle: bool) -> Tail:
    """Bounds as they are, or of all that is not within them."""
    return Tail(1 - high, 1 - low, step) if middle else Tail(max(low, TINY), max(high, TINY), step)


def _within(lower: np.ndarray, end: int, sides: int) -> float:
    """One tail or two equal ones up to ``end``."""
    return float(min(1.0, sides * lower[: max(end + 1, 0)].sum()))


def _lower(sizes: np.ndarray, most: int) -> np.ndarray:
    """P(sum of the values that fair coins choose = 0 … most); ``sizes`` ascend."""
    probability = np.zeros(most + 1)
    probability[0] = 1.0
    reach = 0
    for size in sizes.tolist():
        probability[: reach + 1] *= 0.5
        if size <= most:
            further = min(reach + size, most)
            probability[size : further + 1] += probability[: further + 1 - size].copy()
            reach = further
    return probability
