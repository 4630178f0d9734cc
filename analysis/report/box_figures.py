"""Box plots as SVG text: quartiles, the whole range, and every value; conventions as in figures.py."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import formats
from analysis.report import svg

ROW, GROUP = 22.0, 14.0  # heights: of a box, and of what parts two groups


def box_plots(
    rows: Sequence[Mapping[str, Any]],
    *,
    colours: Mapping[str, str],
    limit: float | None = None,
    unit: str = "",
    ends: tuple[float, float] | None = None,
    width: float = 470,
) -> str:
    """Boxes one below the other on one axis: first to third quartile (type 7), median, least and greatest value.

    ``rows``: mappings with ``arm`` (whose colour it takes), ``values``, and where rows belong together ``group``, which
    stands above the first of them. ``limit``: a line through all; ``ends``: what the axis shows besides the values;
    ``unit``: below the axis. A row without a value says n/a.
    """
    width = svg.fitted(width)
    everything = [value for row in rows for value in row["values"]]
    if not everything:
        return svg.figure(width, 24, "No values", [svg.text(0, 16, "n/a: no defined values")])
    shown = [*everything, *(ends or ())]
    marks = svg.ticks(min(shown), max(shown))
    left, right = svg.label_width([str(row["arm"]) for row in rows]) + 12, width - 14
    short = 10.0 ** svg.power(marks)
    digits = svg.decimals([mark / short for mark in marks])

    def x(value: float) -> float:
        return left + (min(max(value, marks[0]), marks[-1]) - marks[0]) / (marks[-1] - marks[0]) * (right - left)

    parts: list[str] = []
    said: list[str] = []
    y, group = 4.0, None
    for row in rows:
        if row.get("group") != group:
            group = row.get("group")
            y += GROUP
            parts.append(svg.text(0, y, str(group), strong=True))
            y += 4
        arm, middle = str(row["arm"]), y + ROW / 2
        parts.append(svg.text(0, middle + 4, arm))
        css = svg.colour(arm, colours), svg.stroke(arm, colours)
        drawn, summary = _box(row["values"], middle, x, *css, short, digits + 1)
        parts += drawn
        said.append(f"{f'{group}, ' if group else ''}{arm}: {summary}")
        y += ROW
    grid = []
    for mark in marks:
        grid.append(svg.line(x(mark), 0, x(mark), y + 2, "gr"))
        grid.append(svg.text(x(mark), y + 16, formats.number(mark / short, digits), anchor="middle"))
    if limit is not None:
        grid.append(svg.line(x(limit), 0, x(limit), y + 2, "zero", dashed=True))
    if named := f"{unit}{svg.times(svg.power(marks))}".strip():
        grid.append(svg.text((left + right) / 2, y + 31, named, anchor="middle"))
    return svg.figure(width, y + (36 if named else 21), "; ".join(said), [*grid, *parts])


def _box(
    values: Sequence[float], middle: float, x: Any, fill: str, stroke: str, short: float, digits: int
) -> tuple[list[str], str]:
    if not len(values):
        return [svg.text(x(-np.inf) + 4, middle + 4, "n/a")], "n/a"
    low, q1, median, q3, high = (float(one) for one in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    said = [formats.number(one / short, digits) for one in (median, q1, q3, low, high)]
    summary = "median {} ({} to {}), {} to {}".format(*said) + f", n = {len(values)}"
    wide = max(x(q3) - x(q1), 1)
    parts = [
        svg.line(x(low), middle, x(high), middle, stroke, width=1),
        *(svg.line(x(end), middle - 4, x(end), middle + 4, stroke, width=1) for end in (low, high)),
        svg.rect(x(q1), middle - 6, wide, 12, "margin"),
        svg.rect(x(q1), middle - 6, wide, 12, fill, opacity=0.45, title=summary),
        svg.line(x(median), middle - 7, x(median), middle + 7, "zero", width=2),
    ]
    return parts + [svg.dot(x(value), middle, fill, radius=1.8, opacity=0.8) for value in values], summary
