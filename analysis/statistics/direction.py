"""One-sided and two-sided p values: what a test looks for, said by one word everywhere."""

import math
from typing import Literal

from scipy import special

Alternative = Literal["two-sided", "greater", "less"]
SAID = {"two-sided": "", "greater": ", one-sided: greater", "less": ", one-sided: less"}  # ends a method


def check(alternative: str) -> None:
    """ValueError for any other word."""
    if alternative not in SAID:
        raise ValueError(f"alternative is one of {', '.join(SAID)}")


def normal_p(z: float, alternative: Alternative = "two-sided") -> float:
    """P of a standard normal value as far out as z: on both sides, above it or below it."""
    if alternative == "two-sided":
        return float(2 * special.ndtr(-abs(z)))
    return float(special.ndtr(-z if alternative == "greater" else z))


def student_p(t: float, degrees: float, alternative: Alternative = "two-sided") -> float:
    """The same for Student's t."""
    if alternative == "two-sided":
        return float(2 * special.stdtr(degrees, -abs(t)))
    return float(special.stdtr(degrees, -t if alternative == "greater" else t))


def corrected(distance: float, alternative: Alternative) -> float:
    """A distance from the middle with a continuity correction of ½ towards it."""
    if alternative == "two-sided":
        return distance - math.copysign(0.5, distance) if distance else 0.0
    return distance - 0.5 if alternative == "greater" else distance + 0.5
