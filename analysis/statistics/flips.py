"""The exact distribution of a sum under random signs: the permutation distribution of every signed rank statistic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

WORK = 400_000_000  # additions of one convolution, a fraction of a second; beyond, the lattice is coarsened
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Tail:
    """Bounds of P(|Σ ±v| ≥ |Σ v|) that hold for certain; both are the exact p where ``step`` is 1."""

    low: float
    high: float
    step: int = 1


def tail(values: ArrayLike, *, work: int = WORK) -> Tail:
    """P(|Σ ±v| ≥ |Σ v|) over all independent fair signs of the integers ``values``, by convolution, never 0.

    Half the sum of |v| less half the observed |Σ v| is the most that the negative ones may add up to: the lattice up to
    there is enough. Every step adds positive numbers, so the relative error stays that of the additions. Where the
    lattice times the values exceeds ``work``, values are rounded to multiples of a ``step``, and what the rounding can
    amount to widens the bounds; p is then the upper one, which keeps the level of the test.
    """
    signed = np.asarray(values, dtype=np.int64)
    signed = signed[signed != 0]
    observed = abs(int(signed.sum()))
    if observed == 0:
        return Tail(1.0, 1.0)
    sizes = np.sort(np.abs(signed))
    common = int(np.gcd.reduce(sizes))  # ranks that are all tied leave a small lattice
    sizes, observed = sizes // common, observed // common
    most = (int(sizes.sum()) - observed) // 2
    step = -(-sizes.size * (most + 1) // work)
    if step == 1:
        p = _both(_lower(sizes, most), most)
        return Tail(p, p)
    rounded = (sizes + step // 2) // step
    excess = rounded * step - sizes  # of the sum of any of the values at most the positive, at least the negative ones
    up, down = int(excess[excess > 0].sum()), int(excess[excess < 0].sum())
    ends = (most + down) // step, (most + up) // step
    lower = _lower(rounded, ends[1])
    return Tail(_both(lower, ends[0]), _both(lower, ends[1]), step)


def _both(lower: np.ndarray, end: int) -> float:
    """Two equal tails up to ``end``."""
    return float(min(1.0, max(2 * lower[: max(end + 1, 0)].sum(), TINY)))


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
