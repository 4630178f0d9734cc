"""The one shape of every statistic: what was estimated or tested, how, and why if it is undefined."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A statistic; what is undefined is None, never 0 and never an exception, and ``reason`` then says why.

    Parameters
    ----------
    estimate : float, optional
        What was estimated.
    ci : tuple of float, optional
        Lower and upper bound of a two-sided interval of ``confidence``.
    statistic : float, optional
        What was tested.
    p : float, optional
        The p value, two-sided unless ``method`` says otherwise.
    n : int, default 0
        How many observations entered.
    method : str, default ""
        The convention by name.
    reason : str, optional
        Why something is undefined.
    confidence : float, default 0.95
        Confidence of ``ci``, 0 to 1.

    Notes
    -----
    NaN and infinite values become None; an interval with such a bound is none, and ``reason`` says so.

    Examples
    --------
    >>> from analysis.statistics.result import Result
    >>> found = Result(estimate=0.5, statistic=float("nan"), n=4, reason="no interval")
    >>> found.statistic is None
    True
    >>> found.as_estimate()
    {'estimate': 0.5, 'ci': None, 'level': 0.95, 'n': 4, 'method': '', 'reason': 'no interval'}
    """

    estimate: float | None = None
    ci: tuple[float, float] | None = None
    statistic: float | None = None
    p: float | None = None
    n: int = 0
    method: str = ""
    reason: str | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name in ("estimate", "statistic", "p"):
            value = getattr(self, name)
            object.__setattr__(self, name, finite(value))
        if self.ci is not None:
            low, high = finite(self.ci[0]), finite(self.ci[1])
            if low is None or high is None:
                object.__setattr__(self, "ci", None)
                object.__setattr__(self, "reason", self.reason or "no interval: a bound is not finite")
            else:
                object.__setattr__(self, "ci", (low, high))

    def as_estimate(self) -> dict[str, Any]:
        """The estimate as JSON: estimate, ci, level, n, method, reason."""
        return {
            "estimate": self.estimate,
            "ci": None if self.ci is None else list(self.ci),
            "level": self.confidence,
            "n": self.n,
            "method": self.method,
            "reason": self.reason,
        }

    def as_test(self) -> dict[str, Any]:
        """The test as JSON: statistic, p, n, method, reason."""
        return {
            "statistic": self.statistic,
            "p": self.p,
            "n": self.n,
            "method": self.method,
            "reason": self.reason,
        }


def finite(value: Any) -> float | None:
    """A Python float, or None for None, NaN and infinities."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def undefined(reason: str, *, n: int = 0, method: str = "", confidence: float = 0.95) -> Result:
    """A result without a value, with the reason for it."""
    return Result(n=n, method=method, reason=reason, confidence=confidence)
