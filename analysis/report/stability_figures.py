"""Figures of radiomic stability and of agreement of two measurements, as SVG text; conventions as in figures.py."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import formats
from analysis.report import svg

ESTIMATES = {"ccc": "CCC", "icc": "ICC(A,1)", "paired_t": "p of the paired t test"}


def columns(
    results: Mapping[str, Any],
    *,
    criterion: str = "ccc",
    threshold: float,
    colours: Mapping[str, str],
    arms: Sequence[str] | None = None,
    width: float = 1480,
) -> str:
    """One column per feature, one row of columns per arm: the same feature stands in the same place in every row.

    ``results`` as ``analysis.stability.analyse`` gives them, ``criterion`` one of its criteria, whose value is drawn on
    0 … 1, below 0 downwards; hollow below ``threshold``. Classes side by side, sorted by the value in the first of
    ``arms`` (all of them). A feature without a value leaves a gap that tells its reason.
    """
    width = svg.fitted(width)
    rows = [arm for arm in results["arms"] if arms is None or arm["arm"] in arms]
    if not rows or not rows[0]["features"]:
        return svg.figure(width, 24, "No features", [svg.text(0, 16, "n/a: no features")])
    # A feature of shape that a carried mask makes the same everywhere says nothing of the arms.
    said_of = [place for place in range(len(rows[0]["features"])) if any(_counts(row, place) for row in rows)]
    rows = [{**row, "features": [row["features"][place] for place in said_of]} for row in rows]
    if not said_of:
        return svg.figure(width, 24, "No features", [svg.text(0, 16, "n/a: every feature is equal by construction")])
    values = np.array([[_value(feature, criterion) for feature in row["features"]] for row in rows], dtype=np.float64)
    order, edges = _order(rows[0]["features"], values[0])
    left = 40 + max(64.0, *(7.0 * len(row["arm"]) for row in rows))
    gap, top, height, step_down = 18.0, 34.0, 110.0, 128.0
    least = lowest(values[~np.isnan(values)])
    counts = {
        name: " → ".join(f"{int((line[order[start:end]] < threshold).sum())}" for line in values) + f" of {end - start}"
        for name, start, end in edges
    }
    letters = {name: max(len(name), len(counts[name])) for name, _, _ in edges}
    lines = _lines(edges, letters, left, width, gap)
    depth = -least * height
    step_down += depth
    line_down = top + step_down * (len(rows) - 1) + height + depth + 12
    parts: list[str] = []
    for line, own in enumerate(lines):
        step, starts = _places(own, [letters[name] for name, _, _ in own], left, width, gap)
        head = top + line_down * line
        for number, row in enumerate(rows):
            base = head + step_down * number + height
            for mark in (*([least] if least else []), 0.0, 0.5, 1.0):
                y = base - mark * height
                parts.append(svg.line(left - 4, y, width, y, "gr"))
                parts.append(svg.text(left - 10, y + 4, formats.number(mark, 1 if mark % 1 else 0), anchor="end"))
            parts.append(svg.text(0, base - height / 2 + 4, row["arm"], strong=True))
            fill, stroke = svg.colour(row["arm"], colours), svg.stroke(row["arm"], colours)
            for begin, (name, start, end) in zip(starts, own, strict=True):
                for place in range(start, end):
                    feature, value = row["features"][order[place]], values[number, order[place]]
                    x = begin + (place - start) * step
                    if np.isnan(value):
                        title = f"{feature['feature']}: n/a, {_reason(feature, criterion)}"
                        parts.append(svg.rect(x, base - 3, step * 0.86, 3, "margin", title=title))
                        continue
                    tall = max(height * min(abs(value), 1.0), 1.0)
                    css = fill if value >= threshold else f"margin {stroke}"
                    title = f"{feature['feature']}: {formats.number(value, 3)}"
                    parts.append(svg.rect(x, base - tall * (value >= 0), step * 0.86, tall, css, title=title))
                if number == 0:
                    parts.append(svg.text(begin, head - 16, name, strong=True))
                    parts.append(svg.text(begin, head - 4, counts[name]))
            parts.append(
                svg.line(left, base - threshold * height, width, base - threshold * height, "zero", dashed=True)
            )
    said = []
    for number, row in enumerate(rows):
        below, missing = int((values[number] < threshold).sum()), int(np.isnan(values[number]).sum())
        said.append(
            f"{row['arm']}: {below} of {len(order)} below {threshold:g}" + (f", {missing} n/a" if missing else "")
        )
    label = f"{ESTIMATES[criterion]} with {results['reference']}. " + "; ".join(said)
    return svg.figure(width, line_down * len(lines) - 6, label, parts)


def _lines(
    edges: Sequence[tuple[str, int, int]], letters: Mapping[str, int], left: float, width: float, gap: float
) -> list[list[tuple[str, int, int]]]:
    """The classes in as few lines as have room for their words."""
    lines: list[list[tuple[str, int, int]]] = []
    taken = width
    for edge in edges:
        least = max(62.0, 6.4 * letters[edge[0]], 1.4 * (edge[2] - edge[1]))
        if taken + gap + least > width:
            lines.append([])
            taken = left - gap
        lines[-1].append(edge)
        taken += gap + least
    return lines


def lowest(values: Any) -> float:
    """Where the axis of an agreement begins: 0, or the half below a value that is less."""
    return max(float(np.floor(2 * min(values, default=0.0)) / 2), -1.0) if min(values, default=0.0) < 0 else 0.0


def _counts(row: Mapping[str, Any], place: int) -> bool:
    return bool(row["features"][place]["counted"])


def _places(
    edges: Sequence[tuple[str, int, int]], letters: Sequence[int], left: float, width: float, gap: float
) -> tuple[float, list[float]]:
    """Width of a column and where each class starts; a class is at least as wide as its words, ``letters`` long."""
    least = [max(62.0, 6.4 * length) for length in letters]
    counts = [end - start for _, start, end in edges]
    room = width - left - gap * (len(edges) - 1)
    step = room / sum(counts)
    for _ in edges:
        narrow = [count * step < words for count, words in zip(counts, least, strict=True)]
        taken = sum(words for words, small in zip(least, narrow, strict=True) if small)
        free = sum(count for count, small in zip(counts, narrow, strict=True) if not small)
        step = max((room - taken) / free, 0.4) if free else step
    starts, x = [], left
    for count, words in zip(counts, least, strict=True):
        starts.append(x)
        x += max(count * step, words) + gap
    return step, starts


def _value(feature: Mapping[str, Any], criterion: str) -> float:
    found = {"ccc": feature["ccc"], "icc": feature["icc"]["ICC2"], "paired_t": feature["paired_t"]}[criterion]
    value = found["p"] if criterion == "paired_t" else found["estimate"]
    return np.nan if value is None else float(value)


def _reason(feature: Mapping[str, Any], criterion: str) -> str:
    found = {"ccc": feature["ccc"], "icc": feature["icc"]["ICC2"], "paired_t": feature["paired_t"]}[criterion]
    return str(found["reason"])


def _order(features: Sequence[Mapping[str, Any]], values: Any) -> tuple[list[int], list[tuple[str, int, int]]]:
    """Places of the features in drawing order, and (class, first, one past the last) of each class."""
    classes = [str(feature["class"]) for feature in features]
    order: list[int] = []
    edges = []
    for name in dict.fromkeys(classes):
        mine = [place for place, own in enumerate(classes) if own == name]
        mine.sort(key=lambda place: (np.isnan(values[place]), values[place]))
        edges.append((name, len(order), len(order) + len(mine)))
        order += mine
    return order, edges


def restored(row: Mapping[str, Any], *, reference: str, colours: Mapping[str, str], width: float = 440) -> str:
    """What acceleration breaks and DL restores: features that flow from the reference over the fast to the DL arm.

    ``row`` is one of ``restores``; features without a verdict in either arm are left out and counted in the label.
    """
    width = svg.fitted(width)
    kept, new, back = row["kept"], row["newly_unstable"], row["restored"]
    still = row["lost"] - back
    total = kept + new + row["lost"]
    if total == 0:
        return svg.figure(width, 24, "No features", [svg.text(0, 16, "n/a: no feature has a verdict")])
    height, top, gap = 190.0, 26.0, 12.0
    unit = (height - gap) / total
    lefts = (90.0, width * 0.52, min(width * 0.74, width - 140))
    fast, dl = row["fast"], row["dl"]
    stable, lost = (kept + new) * unit, row["lost"] * unit
    lower = top + stable + gap
    parts = [
        svg.band(lefts[0] + 12, lefts[1], (top, top + stable), (top, top + stable), svg.colour(fast, colours)),
        svg.band(lefts[0] + 12, lefts[1], (top + stable, top + stable + lost), (lower, lower + lost), "neu"),
        svg.band(lefts[1] + 12, lefts[2], (top, top + kept * unit), (top, top + kept * unit), svg.colour(dl, colours)),
        svg.rect(lefts[0], top, 12, total * unit, svg.colour(reference, colours)),
        svg.rect(lefts[1], top, 12, stable, svg.colour(fast, colours)),
        svg.rect(lefts[2], top, 12, (kept + back) * unit, svg.colour(dl, colours)),
        svg.text(lefts[0] - 8, top + total * unit / 2 + 4, f"{total} in {reference}", anchor="end"),
        svg.text(lefts[1] + 6, top - 10, fast, anchor="middle"),
        svg.text(lefts[2] + 6, top - 10, dl, anchor="middle"),
        svg.text(lefts[1] - 6, top + stable / 2 + 4, f"{kept + new} stable", anchor="end"),
    ]
    beside = lefts[2] + 20
    parts.append(svg.text(beside, top + max(kept * unit / 2, 4) + 4, f"{kept} stable in both"))
    if row["lost"]:
        parts.append(svg.rect(lefts[1], lower, 12, lost, f"margin {svg.stroke(fast, colours)}"))
        parts.append(svg.text(lefts[1] - 6, lower + lost / 2 + 4, f"{row['lost']} unstable", anchor="end"))
    start = top + kept * unit
    if back:
        parts.append(
            svg.band(
                lefts[1] + 12,
                lefts[2],
                (lower, lower + back * unit),
                (start, start + back * unit),
                svg.colour(dl, colours),
            )
        )
        parts.append(svg.text(beside, start + back * unit / 2 + 4, f"{back} restored", strong=True))
    base = max(start + back * unit, lower) + gap
    for count, words, source in ((new, "newly unstable", start), (still, "stay unstable", lower + back * unit)):
        if not count:
            continue
        parts.append(
            svg.band(lefts[1] + 12, lefts[2], (source, source + count * unit), (base, base + count * unit), "neu")
        )
        parts.append(svg.rect(lefts[2], base, 12, count * unit, f"margin {svg.stroke(dl, colours)}"))
        parts.append(svg.text(beside, base + count * unit / 2 + 4, f"{count} {words}"))
        base += count * unit + 14
    label = (
        f"Of {total} features {row['lost']} are unstable in {fast} ({row['criterion']}); {dl} restores {back}, "
        f"{still} stay unstable, {new} become unstable"
    )
    return svg.figure(width, max(base, lower + lost) + 8, label, parts)


def bland_altman(
    panels: Sequence[Mapping[str, Any]],
    *,
    reference: str,
    colours: Mapping[str, str],
    digits: int | None = None,
    width: float = 470,
    height: float = 210,
) -> str:
    """Bland–Altman plots side by side on the same axes: one per mapping of ``analysis.stability.pairs``.

    Line: bias and limits (dashed), bands: their 95 % intervals, where they have them. ``width`` and ``height`` are
    those of one panel.
    """
    width = svg.fitted(width)
    panels = [panel for panel in panels if panel["difference"]]
    if not panels:
        return svg.figure(width, 24, "No pairs", [svg.text(0, 16, "n/a: no volume has both values")])
    left, right, head, foot = 52.0, width - 104, 24.0, height - 40
    side_by_side = svg.beside(len(panels), width)
    across = svg.spaced_ticks(*_extent([value for panel in panels for value in panel["mean"]]), room=right - left)
    ends = [value for panel in panels for value in panel["difference"]] + [0.0]
    for panel in panels:
        for statistic in (panel["bias"], panel["lower"], panel["upper"]):
            ends += [] if statistic["estimate"] is None else [statistic["estimate"], *(statistic["ci"] or ())]
    up = svg.ticks(min(ends), max(ends))
    short, short_across = 10.0 ** svg.power(up), 10.0 ** svg.power(across)
    if digits is None:
        digits = svg.decimals([mark / short for mark in up]) + 1
    unit, unit_across = svg.times(svg.power(up)), svg.times(svg.power(across))

    parts, descriptions = [], []
    for number, panel in enumerate(panels):
        start, above = number % side_by_side * width, number // side_by_side * height
        bottom = above + foot

        def y(value: float, bottom: float = bottom) -> float:
            return bottom - (value - up[0]) / (up[-1] - up[0]) * (foot - head)

        def x(value: float, start: float = start) -> float:
            return start + left + (value - across[0]) / (across[-1] - across[0]) * (right - left)

        arm = str(panel["arm"])
        fill, stroke = svg.colour(arm, colours), svg.stroke(arm, colours)
        parts += [
            svg.rect(start + left - 52, above + 2, 4, 12, fill),
            svg.text(start + left - 42, above + 12, f"{arm}{unit}", strong=True),
        ]
        for mark in up:
            parts.append(svg.line(x(across[0]), y(mark), x(across[-1]), y(mark), "zero" if mark == 0 else "gr"))
            shown = formats.number(mark / short, svg.decimals([one / short for one in up]))
            parts.append(svg.text(x(across[0]) - 8, y(mark) + 4, shown, anchor="end"))
        for mark in across:
            shown = formats.number(mark / short_across, svg.decimals([one / short_across for one in across]))
            parts.append(svg.text(x(mark), bottom + 16, shown, anchor="middle"))
        middle, named = (x(across[0]) + x(across[-1])) / 2, f"mean of {arm} and {reference}{unit_across}"
        parts.append(svg.text(middle, bottom + 32, named, anchor="middle"))
        words: list[str] = []
        labels: list[tuple[float, str]] = []
        for key, name in (("upper", "upper"), ("bias", "bias"), ("lower", "lower")):
            statistic = panel[key]
            if statistic["estimate"] is None:
                words.append(f"{name} undefined: {statistic['reason']}")
                continue
            at = statistic["estimate"]
            if statistic["ci"]:
                low, high = statistic["ci"]
                parts.append(svg.rect(x(across[0]), y(high), right - left, y(low) - y(high), fill, opacity=0.16))
            parts.append(svg.line(x(across[0]), y(at), x(across[-1]), y(at), stroke, width=1.2, dashed=key != "bias"))
            shown = formats.number(at / short, digits)
            labels.append((y(at) + 4, f"{name} {shown}"))
            words.append(f"{name} {shown}")
        parts += [svg.text(x(across[-1]) + 6, at, label) for at, label in _spread_labels(labels)]
        for mean, difference in zip(panel["mean"], panel["difference"], strict=True):
            parts.append(svg.dot(x(mean), y(difference), fill, opacity=0.7))
        descriptions.append(f"{arm} − {reference}{unit}: {', '.join(words)}, {len(panel['mean'])} volumes")
    label = "Bland–Altman. " + "; ".join(descriptions)
    return svg.figure(width * side_by_side, height * -(-len(panels) // side_by_side), label, parts)


def _spread_labels(labels: Sequence[tuple[float, str]], *, gap: float = 13) -> list[tuple[float, str]]:
    """Heights, from the top down, moved so that no label covers another; the middle one stays."""
    heights = [height for height, _ in labels]
    middle = len(heights) // 2
    for place in range(middle - 1, -1, -1):
        heights[place] = min(heights[place], heights[place + 1] - gap)
    for place in range(middle + 1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + gap)
    return [(height, words) for height, (_, words) in zip(heights, labels, strict=True)]


def _extent(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)
