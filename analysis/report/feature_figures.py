"""Figures of single features as SVG text: bars by class, a heat map by place, scatter with the line of identity."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import formats
from analysis.report import svg
from analysis.report.stability_figures import ESTIMATES, lowest

BAR, HEAD = 11.0, 20.0  # heights: of a bar, and of the name of a class
NARROWEST = 80.0  # of a column of bars
STEPS = 10  # of the grey of a heat map


def class_bars(
    results: Mapping[str, Any],
    *,
    arms: Sequence[str],
    criterion: str = "ccc",
    threshold: float,
    colours: Mapping[str, str],
    width: float = 1100,
) -> str:
    """One bar per feature in a column for each arm, such as the fast and the DL one, by class (Moummad et al., Fig. 4).

    ``results`` as ``analysis.stability.analyse`` gives them; hollow below ``threshold``, n/a where undefined. Features
    that are equal by construction are left out.
    """
    width = svg.fitted(width)
    chosen = [next(row for row in results["arms"] if row["arm"] == arm) for arm in arms]
    counted = [
        place
        for place in range(len(chosen[0]["features"]) if chosen else 0)
        if any(row["features"][place]["counted"] for row in chosen)
    ]
    if not counted:
        return svg.figure(width, 24, "No features", [svg.text(0, 16, "n/a: no feature counts")])
    names = [chosen[0]["features"][place]["feature"] for place in counted]
    left, gap = 6.6 * max(map(len, names)) + 10, 46.0
    column = max((width - left - gap * (len(chosen) - 1) - 34) / len(chosen), NARROWEST)
    width = left + (column + gap) * len(chosen) - gap + 34
    values = [value_of(row["features"][place], criterion)[0] for row in chosen for place in counted]
    least = lowest([value for value in values if value is not None])
    unit = column / (1 - least)
    parts: list[str] = []
    said = dict.fromkeys(arms, 0)
    y, group = 18.0, None
    for place in counted:
        first = chosen[0]["features"][place]
        if first["class"] != group:
            group = first["class"]
            y += HEAD
            parts.append(svg.text(0, y - 5, str(group), strong=True))
        parts.append(svg.text(left - 8, y + 9, first["feature"], anchor="end"))
        for number, row in enumerate(chosen):
            arm, one = row["arm"], row["features"][place]
            start, found = left + number * (column + gap), value_of(one, criterion)
            value, reason = found
            if value is None:
                parts.append(svg.text(start + 3, y + 9, "n/a" if not reason else f"n/a: {reason}"))
                continue
            below = value < threshold
            said[arm] += below
            css = f"margin {svg.stroke(arm, colours)}" if below else svg.colour(arm, colours)
            long, zero = max(unit * min(abs(value), 1.0), 1.0), start - least * unit
            title = f"{one['feature']}, {arm}: {formats.number(value, 3)}"
            parts.append(svg.rect(zero - long * (value < 0), y + 1.5, long, BAR - 3, css, title=title))
            parts.append(svg.text(start + column + 6, y + 9, formats.number(value)))
        y += BAR + 1
    for number, arm in enumerate(arms):
        start = left + number * (column + gap)
        parts.append(svg.text(start, 12, f"{arm}: {said[arm]} of {len(counted)} below {threshold:g}", strong=True))
        for mark in (*([least] if least else []), 0.0, threshold, 1.0):
            at = start + (mark - least) * unit
            parts.append(svg.line(at, 20, at, y, "zero" if mark == threshold else "gr", dashed=mark == threshold))
            parts.append(svg.text(at, y + 14, formats.number(mark, 2 if mark % 1 else 0), anchor="middle"))
    label = f"{ESTIMATES[criterion]} with {results['reference']}. " + "; ".join(
        f"{arm}: {count} of {len(counted)} below {threshold:g}" for arm, count in said.items()
    )
    return svg.figure(width, y + 20, label, parts)


def value_of(feature: Mapping[str, Any], criterion: str) -> tuple[float | None, str]:
    """The value of a feature by a criterion, or why there is none."""
    found = {"ccc": feature["ccc"], "icc": feature["icc"]["ICC2"], "paired_t": feature["paired_t"]}[criterion]
    return found["p" if criterion == "paired_t" else "estimate"], found["reason"] or ""


def heat_map(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], title: str, width: float = 1100) -> str:
    """A table of greys on 0 … 1, with every number in its cell.

    ``rows``: mappings with ``label``, ``values`` (one per column, None where undefined) and, where it is a part of the
    one above, ``part``. The darker, the larger; framed below 0; the number says what a shade cannot.
    """
    width = svg.fitted(width)
    if not rows:
        return svg.figure(width, 24, "No rows", [svg.text(0, 16, "n/a: nothing to compare")])
    left, top, height = svg.label_width([str(row["label"]) for row in rows]) + 12, 22.0, 22.0
    longest = 6.4 * max(map(len, columns)) + 6
    wide = min(max((width - left) / len(columns), longest / 2), 110.0)
    lines = 1 if wide >= longest else 2  # names by turns in two lines, where they are longer than a cell
    top += 14 * (lines - 1)
    parts = [
        svg.text(left + (n + 0.5) * wide, 14 + 14 * (n % lines), name, anchor="middle")
        for n, name in enumerate(columns)
    ]
    said = []
    for number, row in enumerate(rows):
        y, words = top + number * height, []
        parts.append(svg.text(12 if row.get("part") else 0, y + 15, str(row["label"]), strong=not row.get("part")))
        for place, (name, value) in enumerate(zip(columns, row["values"], strict=True)):
            x = left + place * wide
            shown = "n/a" if value is None else formats.number(value)
            said_of = f"{row['label']}, {name}: {shown}"
            css = "margin s-neu" if value is not None and value < 0 else "margin"
            parts.append(svg.rect(x + 1, y + 1, wide - 2, height - 2, css, title=said_of))
            if value is not None and value >= 0:
                depth = round(min(max(value, 0.0), 1.0) * STEPS) / STEPS
                parts.append(svg.rect(x + 1, y + 1, wide - 2, height - 2, "neu", opacity=0.9 * depth))
            parts.append(svg.text(x + wide / 2, y + 15, shown, anchor="middle", strong=value is not None))
            words.append(f"{name} {shown}")
        said.append(f"{row['label']}: {', '.join(words)}")
    return svg.figure(left + wide * len(columns), top + len(rows) * height, f"{title}. " + "; ".join(said), parts)


def scatter(
    panels: Sequence[Mapping[str, Any]],
    *,
    reference: str,
    colours: Mapping[str, str],
    width: float = 300,
) -> str:
    """Each arm against the reference on equal axes, one panel an arm, with the line of identity.

    ``panels`` as ``analysis.stability.pairs`` gives them.
    """
    width = svg.fitted(width)
    panels = [panel for panel in panels if panel["difference"]]
    if not panels:
        return svg.figure(width, 24, "No pairs", [svg.text(0, 16, "n/a: no volume has both values")])
    halves = [np.divide(panel["difference"], 2) for panel in panels]
    points = [
        (np.subtract(panel["mean"], half), np.add(panel["mean"], half))
        for panel, half in zip(panels, halves, strict=True)
    ]
    everything = np.concatenate([np.concatenate(both) for both in points])
    marks = svg.spaced_ticks(float(everything.min()), float(everything.max()), room=width - 80)
    short = 10.0 ** svg.power(marks)
    labels = [formats.number(mark / short, svg.decimals([one / short for one in marks])) for mark in marks]
    left, top = 12 + max(32.0, 6.2 * max(map(len, labels))), 24.0
    side, across = width - left - 16, svg.beside(len(panels), width)
    high, span = top + side + 36, marks[-1] - marks[0]
    parts, said = [], []
    for number, (panel, (x, y)) in enumerate(zip(panels, points, strict=True)):
        start, arm = number % across * width + left, str(panel["arm"])
        above = number // across * high
        head, bottom = above + top, above + top + side
        fill = svg.colour(arm, colours)
        parts += [svg.rect(start - 14, above + 2, 4, 12, fill), svg.text(start - 4, above + 12, arm, strong=True)]
        for mark, shown in zip(marks, labels, strict=True):
            at = (mark - marks[0]) / span * side
            parts.append(svg.line(start, bottom - at, start + side, bottom - at, "gr"))
            parts.append(svg.line(start + at, head, start + at, bottom, "gr"))
            parts.append(svg.text(start - 6, bottom - at + 4, shown, anchor="end"))
            parts.append(svg.text(start + at, bottom + 15, shown, anchor="middle"))
        parts.append(svg.line(start, bottom, start + side, head, "zero", dashed=True))
        for a, b in zip(x, y, strict=True):
            place = start + (a - marks[0]) / span * side, bottom - (b - marks[0]) / span * side
            parts.append(svg.dot(*place, fill, opacity=0.75))
        named = f"{reference}{svg.times(svg.power(marks))}"
        parts.append(svg.text(start + side / 2, bottom + 30, named, anchor="middle"))
        said.append(f"{arm} against {reference}, {len(x)} volumes")
    label = "Scatter with the line of identity. " + "; ".join(said)
    return svg.figure(width * across, high * -(-len(panels) // across), label, parts)
