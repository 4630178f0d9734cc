"""The family of cells that is judged together: adjusted p values, and intervals that hold all at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.protocol import Protocol
from analysis.statistics import simultaneous
from analysis.statistics.multiplicity import benjamini_hochberg, holm, hommel
from analysis.statistics.result import Result, undefined

OUTSIDE = "outside the family that the protocol declares"
METHOD = "by leaving out each subject, 95 % for the {} cells of the family together; each alone has {:.2f} %"
ADJUSTED = (("p_holm", holm), ("p_hommel", hommel), ("p_bh", benjamini_hochberg))


def inside(rows: list[dict[str, Any]], protocol: Protocol) -> list[bool]:
    """Which cells are in the family: all without a declaration."""
    cells = [(row["first"], row["second"], row["criterion"]) for row in rows]
    return [protocol.family is None or cell in protocol.family for cell in cells]


def adjust(rows: list[dict[str, Any]], protocol: Protocol) -> None:
    """Give each cell its adjusted p values: of the published test, and of the primary one."""
    family = inside(rows, protocol)
    for key, adjusted_of in ADJUSTED:
        for row in rows:
            row[key] = {}
        for name, test in (("as_published", "as_published"), ("primary", protocol.primary_test)):
            p = [row["tests"][test]["p"] if mine else None for row, mine in zip(rows, family, strict=True)]
            for row, adjusted in zip(rows, adjusted_of(p), strict=True):
                row[key][name] = adjusted


def together(
    above: NDArray[np.float64],
    below: NDArray[np.float64],
    mine: list[bool],
    *,
    shift: float,
    ends: tuple[float, float],
) -> list[dict[str, Any]]:
    """Ratios of sums per cell as E, with intervals that hold for all cells of the family at once.

    above, below: sums per subject, subjects × cells. ``ends``: where the scale ends.
    """
    family = np.flatnonzero(mine)
    bounds, each = simultaneous.ratio_bounds(above[:, family], below[:, family])
    known = int((~np.isnan(bounds[0])).sum())
    method = METHOD.format(known, 100 * each)
    found = [undefined(OUTSIDE, method=method).as_estimate() for _ in mine]
    for place, cell in enumerate(family.tolist()):
        n = int(below[:, cell].sum())
        low, high = np.clip(bounds[:, place] + shift, *ends)
        why = "no interval: without any one subject it would be the same, or there is one" if np.isnan(low) else None
        estimate = float(above[:, cell].sum() / n + shift) if n else None
        found[cell] = Result(
            estimate=estimate,
            ci=None if why else (low, high),
            n=n,
            method=method,
            reason=why if n else "no ratings",
        ).as_estimate()
    return found
