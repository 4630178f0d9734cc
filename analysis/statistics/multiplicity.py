"""Adjustment of p values for a family of tests; what is undefined (None, NaN) is left out and stays None."""

import math
from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjusted p values (1979)."""
    return _adjust(p, step_down=True)


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's adjusted p values (1995)."""
    return _adjust(p, step_down=False)


def hommel(p: Sequence[float | None]) -> list[float | None]:
    """Hommel's adjusted p values (1988), never above Holm's: every subset of the family is tested as Simes does (1986).

    That keeps the level where tests are independent or go up and down together, as those of the same subjects mostly
    do, not under every dependence, as Holm's does. By the steps of Wright (1992).
    """
    places = [place for place, value in enumerate(p) if value is not None and not math.isnan(value)]
    values = np.array([p[place] for place in places], dtype=np.float64)
    m = values.size
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    adjusted = ordered.copy()
    for size in range(m, 1, -1):
        largest = float((size * ordered[m - size :] / np.arange(1, size + 1)).min())
        adjusted[m - size :] = np.maximum(adjusted[m - size :], largest)
        rest = np.minimum(largest, size * ordered[: m - size])
        adjusted[: m - size] = np.maximum(adjusted[: m - size], rest)
    result: list[float | None] = [None] * len(p)
    for rank, place in enumerate(order):
        result[places[place]] = float(adjusted[rank])
    return result


def _adjust(p: Sequence[float | None], *, step_down: bool) -> list[float | None]:
    places = [place for place, value in enumerate(p) if value is not None and not math.isnan(value)]
    values = np.array([p[place] for place in places], dtype=np.float64)
    m = values.size
    order = np.argsort(values, kind="stable")
    sorted_values = values[order]
    if step_down:
        adjusted = np.maximum.accumulate(sorted_values * (m - np.arange(m)))
    else:
        adjusted = np.minimum.accumulate((sorted_values * m / (1 + np.arange(m)))[::-1])[::-1]
    result: list[float | None] = [None] * len(p)
    for rank, place in enumerate(order):
        result[places[place]] = float(min(1.0, adjusted[rank]))
    return result
