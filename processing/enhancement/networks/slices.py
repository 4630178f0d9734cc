"""Which slices a network sees at once."""

from __future__ import annotations

import numpy as np

from processing.volume import Array


def neighbours(index: int, count: int, reach: int, *, step: int = 1) -> list[int]:
    """Slices around `index` in a stack of `count`, 2 × reach + 1 of them, `step` apart; where one lies outside,
    the slice itself stands in for it."""
    around = (index + step * offset for offset in range(-reach, reach + 1))
    return [other if 0 <= other < count else index for other in around]


def with_opposite(slices: Array, middle: int) -> Array:
    """The slices (slices, rows, columns), and the middle one moved by half the field of view along its rows' axis:
    where the ghost of every second line of k-space comes from lies at the same place there."""
    return np.concatenate([slices, np.roll(slices[middle], slices.shape[1] // 2, axis=0)[None]])
