"""Which slices a network sees at once."""

from __future__ import annotations


def neighbours(index: int, count: int, reach: int, *, step: int = 1) -> list[int]:
    """Slices around `index` in a stack of `count`, 2 × reach + 1 of them, `step` apart; where one lies outside,
    the slice itself stands in for it."""
    around = (index + step * offset for offset in range(-reach, reach + 1))
    return [other if 0 <= other < count else index for other in around]
