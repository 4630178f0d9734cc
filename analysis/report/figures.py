"""Figures of the results page as SVG text: right = first arm better = above 3; colour = arm, by classes of the pages.

Every function returns the same text for the same input. ``colours`` maps an arm to its class, such as
``{"SOC": "soc", "FAST-DL": "fastdl"}``; fill class ``soc``, stroke class ``s-soc``. Undefined values are drawn hatched
or left out with their reason, never as 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import formats
from analysis.report import svg

DEGREES = ("markedly", "slightly", "", "slightly", "markedly")


def shared_scale(counts: Sequence[Sequence[int]]) -> float:
    """The reach (share of all answers from the middle of "no difference") that all these Likert bars need."""
    reach = 0.25
    for row in counts:
        total = sum(row)
        if total:
            reach = max(reach, (row[2] / 2 + max(row[0] + row[1], row[3] + row[4])) / total)
    return reach


def likert(
    counts: Sequence[int],
    *,
    first: str,
    second: str,
    colours: Mapping[str, str],
    scale: float = 1.0,
    width: float = 262,
    height: float = 18,
) -> str:
    """Diverging stacked bar of preferences 1 … 5, centred on "no difference".

    ``counts`` has five entries, 1 = second arm markedly better … 5 = first arm markedly better. ``scale`` is the share
    that half the width stands for (``shared_scale``). Full colour is markedly, muted slightly.
    """
    parts, share, label = _likert(counts, first, second, colours, scale, width, height)
    return svg.figure(width, height, label, [*parts, *share])


def _likert(
    counts: Sequence[int],
    first: str,
    second: str,
    colours: Mapping[str, str],
    scale: float,
    width: float,
    height: float,
) -> tuple[list[str], list[str], str]:
    """The pieces of a bar, its share of "no difference" in or beside it, and what they say."""
    total = sum(counts)
    middle = width / 2
    zero = svg.line(middle, -8, middle, height + 8, "zero")
    if total == 0:
        words = svg.text(middle, height / 2 + 4, "n/a: no ratings", anchor="middle")
        return [zero, words], [], f"{first} vs {second}: no ratings"
    unit = middle / scale / total
    names = (second, second, "", first, first)
    label = ", ".join(
        f"{name} {degree} better {n}" if name else f"no difference {n}"
        for name, degree, n in zip(names, DEGREES, counts, strict=True)
    )
    parts = [zero]
    half = counts[2] * unit / 2
    if counts[2]:
        parts.append(svg.rect(middle - half, 2, 2 * half, height - 4, "neu", title=f"no difference: {counts[2]}"))
    edges = {-1: middle - half, 1: middle + half}
    for place, direction in ((1, -1), (0, -1), (3, 1), (4, 1)):
        if not counts[place]:
            continue
        length = max(counts[place] * unit - 0.8, 1.5)
        edge = edges[direction] + 0.8 * direction
        css = svg.colour(names[place], colours) + (" half" if DEGREES[place] == "slightly" else "")
        title = f"{names[place]} {DEGREES[place]} better: {counts[place]}"
        parts.append(svg.rect(min(edge, edge + direction * length), 2, length, height - 4, css, title=title))
        edges[direction] = edge + direction * length
    share = f"{100 * counts[2] / total:.0f} %"
    if 2 * half >= 34:
        words = svg.text(middle, height / 2 + 4, share, anchor="middle", strong=True)
    else:
        words = svg.text(edges[-1] - 5, height / 2 + 4, share, anchor="end")
    return parts, [words], f"{label}, of {total}"


def preference(
    rows: Sequence[tuple[str, Sequence[int]]],
    *,
    first: str,
    second: str,
    colours: Mapping[str, str],
    width: float = 420,
) -> str:
    """Likert bars of one comparison below each other, with all that a reader of the figure alone needs.

    ``rows``: name of a criterion and ``counts`` of the preferences 1 … 5; all bars have the scale of the longest.
    """
    width = svg.fitted(width)
    numbers = [" / ".join(map(str, counts)) for _, counts in rows]
    left, right = svg.label_width([name for name, _ in rows]) + 12, width - svg.label_width(numbers) - 12
    scale = shared_scale([counts for _, counts in rows])
    parts, said = [], []
    for number, (name, counts) in enumerate(rows):
        y = 26 + 24 * number
        pieces, _, label = _likert(counts, first, second, colours, scale, right - left, 18)
        parts.append(svg.text(left - 12, y + 13, name, anchor="end", strong=True))
        parts.append(svg.moved(left, y, pieces))
        parts.append(svg.text(width, y + 13, numbers[number], anchor="end"))
        said.append(f"{name}: {label}")
    middle, foot = (left + right) / 2, 24 + 24 * len(rows)
    parts.append(svg.text(middle - 6, 10, f"◂ {second} better", anchor="end"))
    parts.append(svg.text(middle + 6, 10, f"{first} better ▸"))
    for line, words in enumerate(("outside: markedly, inside: slightly", "grey: no difference; answers 1 to 5")):
        parts.append(svg.text(width, foot + 14 * (line + 1), words, anchor="end"))
    return svg.figure(width, foot + 34, "; ".join(said), parts)


def ranking(
    found: Mapping[str, Any], *, colours: Mapping[str, str], names: Mapping[str, str] | None = None, width: float = 620
) -> str:
    """Davidson's log worth of every arm, one row per criterion: dots with 95 % intervals on one axis, best right.

    ``found`` is ``ranking`` of the results; 0 is the mean of the arms.
    """
    width = svg.fitted(width)
    names = names or {}
    criteria = found["criteria"]
    labels = [names.get(row["criterion"], str(row["criterion"])) for row in criteria]
    worths = [(row, arm["log_worth"]) for row in criteria for arm in row["arms"]]
    ends = [0.0, *(end for _, worth in worths if worth["estimate"] is not None for end in worth["ci"] or ())]
    ends += [worth["estimate"] for _, worth in worths if worth["estimate"] is not None]
    marks = svg.ticks(min([*ends, -0.5]), max([*ends, 0.5]))
    left, right = svg.label_width(labels) + 12, width - 20
    row_height = 8.0 * max([len(row["arms"]) for row in criteria], default=1) + 10
    arms = list(dict.fromkeys(arm["arm"] for row in criteria for arm in row["arms"]))
    legend, head = svg.legend(arms, colours, width=width)
    bottom = head + 6 + row_height * len(criteria)

    def x(value: float) -> float:
        return left + (value - marks[0]) / (marks[-1] - marks[0]) * (right - left)

    parts, said = [*legend, svg.line(x(0), head + 2, x(0), bottom, "zero")], []
    digits = svg.decimals(marks)
    for mark in marks:
        parts.append(svg.line(x(mark), head + 2, x(mark), bottom, "gr"))
        parts.append(svg.text(x(mark), bottom + 15, formats.number(mark, digits, plus=True), anchor="middle"))
    for place, (row, label) in enumerate(zip(criteria, labels, strict=True)):
        top = head + 8 + row_height * place
        parts.append(svg.text(left - 12, top + row_height / 2, label, anchor="end", strong=True))
        words = []
        for number, arm in enumerate(row["arms"]):
            worth, y = arm["log_worth"], top + 4 + 8 * number
            if worth["estimate"] is None:
                if number == 0:
                    parts.append(svg.text(x(0) + 8, top + row_height / 2, f"n/a: {worth['reason']}"))
                words.append(f"{arm['arm']} undefined")
                continue
            if worth["ci"]:
                low, high = worth["ci"]
                parts.append(svg.line(x(low), y, x(high), y, svg.stroke(arm["arm"], colours), width=1.5))
            shape = arms.index(arm["arm"])
            parts.append(svg.mark(x(worth["estimate"]), y, svg.colour(arm["arm"], colours), shape))
            words.append(f"{arm['arm']} {formats.number(worth['estimate'], 2, plus=True)}")
        said.append(f"{label}: {', '.join(words)}")
    return svg.figure(width, bottom + 20, "Log worth of the arms. " + "; ".join(said), parts)


def agreement_map(
    rows: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
    columns: Sequence[str],
    *,
    plain: Sequence[str] = ("AC2",),
    width: float = 480,
) -> str:
    """Heat map of agreement: one row per (name, estimates), the darker-to-brighter grey from 0 to 1.

    ``rows`` hold one E per column. Columns in ``plain`` carry no shade, so that a high AC2 does not shine; undefined
    cells are hatched and tell their reason.
    """
    left, row_height, top = svg.label_width([name for name, _ in rows]) + 10, 24.0, 20.0
    step = (width - left) / max(len(columns), 1)
    parts = [
        svg.text(left + step * (place + 0.5), 12, name, anchor="middle", strong=True)
        for place, name in enumerate(columns)
    ]
    said = []
    for number, (name, estimates) in enumerate(rows):
        y = top + number * row_height
        parts.append(svg.text(left - 10, y + 16, name, anchor="end"))
        words = []
        for place, (column, found) in enumerate(zip(columns, estimates, strict=True)):
            x, w, h = left + place * step + 1, step - 2, row_height - 2
            if found["estimate"] is None:
                parts += _hatched(x, y, w, h, str(found["reason"]))
                parts.append(svg.text(x + w / 2, y + 15, "n/a", anchor="middle"))
                words.append(f"{column} undefined")
                continue
            shown = formats.number(found["estimate"])
            if column not in plain:
                parts.append(svg.rect(x, y, w, h, "margin"))
                depth = min(max(found["estimate"], 0.0), 1.0)
                parts.append(svg.rect(x, y, w, h, "neu", opacity=depth, title=_interval(found)))
            parts.append(svg.text(x + w / 2, y + 15, shown, anchor="middle", strong=column not in plain))
            words.append(f"{column} {shown}")
        said.append(f"{name}: {', '.join(words)}")
    return svg.figure(width, top + len(rows) * row_height, "Agreement. " + "; ".join(said), parts)


def _interval(found: Mapping[str, Any]) -> str:
    if not found["ci"]:
        return f"n = {found['n']}; {found['reason']}"
    low, high = (formats.number(end) for end in found["ci"])
    return f"{low} to {high} ({100 * found['level']:.0f} %), n = {found['n']}"


def _hatched(x: float, y: float, width: float, height: float, reason: str) -> list[str]:
    parts = [svg.rect(x, y, width, height, "margin", title=reason)]
    for offset in np.arange(-height + 6, width, 8.0):
        start, end = max(offset, 0.0), min(offset + height, width)
        parts.append(svg.line(x + start, y + start - offset, x + end, y + end - offset, "gr"))
    return parts


def distribution(
    rows: Sequence[Mapping[str, Any]],
    *,
    colours: Mapping[str, str],
    digits: int,
    width: float = 424,
    bins: int = 30,
    top_value: float | None = None,
) -> str:
    """Histograms of a metric over cases, one per pair of arms, on one axis: bars, range, mean ± SD.

    ``rows``: mappings with ``label``, ``arm`` (whose colour it takes) and ``values``. ``digits`` of the printed mean.
    ``top_value`` ends the axis, such as 1 for SSIM. Bars, not densities: every case is seen.
    """
    width = svg.fitted(width)
    left, right, row_height = svg.label_width([str(row["label"]) for row in rows]) + 12, width - 14, 47.0
    everything = [v for row in rows for v in row["values"]]
    if not everything:
        return svg.figure(width, 24, "No defined values", [svg.text(0, 16, "n/a: no defined values")])
    marks = svg.ticks(min(everything), max(everything))
    if top_value is not None:
        marks = [mark for mark in marks if mark <= top_value + 1e-12]
    low, high = min(marks[0], min(everything)), max(marks[-1], max(everything))
    axis = row_height * len(rows) + 2

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    parts, said = [], []
    decimals = svg.decimals(marks)
    for mark in marks:
        parts.append(svg.line(x(mark), 0, x(mark), axis, "gr"))
        parts.append(svg.text(x(mark), axis + 14, formats.number(mark, decimals), anchor="middle"))
    for place, row in enumerate(rows):
        base = place * row_height + 35
        drawn, summary = _histogram(row, base=base, low=low, high=high, bins=bins, x=x, colours=colours, digits=digits)
        parts += drawn
        parts.append(svg.text(0, base - 8, str(row["label"]), strong=True))
        parts.append(svg.text(0, base + 6, summary))
        said.append(f"{row['label']}: {summary}, {len(row['values'])} cases")
    return svg.figure(width, axis + 20, "; ".join(said), parts)


def _histogram(
    row: Mapping[str, Any],
    *,
    base: float,
    low: float,
    high: float,
    bins: int,
    x: Any,
    colours: Mapping[str, str],
    digits: int,
) -> tuple[list[str], str]:
    values = np.asarray(row["values"], dtype=np.float64)
    if values.size == 0:
        return [], "n/a: no values"
    fill, stroke = svg.colour(row["arm"], colours), svg.stroke(row["arm"], colours)
    edges = np.linspace(low, high, bins + 1)
    counts = np.histogram(values, edges)[0]
    parts = []
    for count, start, end in zip(counts, edges, edges[1:], strict=False):
        if count:
            height = 31 * count / counts.max()
            title = f"{int(count)} from {formats.number(start, digits)} to {formats.number(end, digits)}"
            bar = svg.rect(x(start) + 0.5, base - height, x(end) - x(start) - 1, height, f"{fill} half", title=title)
            parts.append(bar)
    mean, y = float(values.mean()), base + 6
    parts.append(svg.line(x(values.min()), y, x(values.max()), y, stroke, width=1))
    summary = formats.number(mean, digits)
    if values.size > 1:
        sd = float(values.std(ddof=1))
        parts.append(svg.line(x(max(mean - sd, low)), y, x(min(mean + sd, high)), y, stroke, width=4))
        summary += f" ± {formats.number(sd, digits)}"
    circle = f'<circle cx="{svg.at(x(mean))}" cy="{svg.at(y)}" r="3.2" class="margin {stroke}" stroke-width="1.5"/>'
    return [*parts, circle], summary


def scan_times(rows: Sequence[Mapping[str, Any]], *, colours: Mapping[str, str], width: float = 1000) -> str:
    """Mean scan time per protocol, one bar per arm on one axis in minutes.

    ``rows``: mappings with ``label`` and ``bars``, a sequence of (arm, seconds).
    """
    width = svg.fitted(width)
    everything = [seconds for row in rows for _, seconds in row["bars"]]
    if not everything:
        return svg.figure(width, 24, "No scan times", [svg.text(0, 16, "n/a: no scan times")])
    codes = [str(arm) for row in rows for arm, _ in row["bars"]]
    left, right = svg.label_width([str(row["label"]) for row in rows]) + 16, width - 50 - svg.label_width(codes)
    marks = svg.ticks(0, max(everything) / 60)
    reach = 60 * marks[-1]
    parts: list[str] = []
    said: list[str] = []
    y = 6.0
    for row in rows:
        parts.append(svg.text(0, y + 6.5 * len(row["bars"]) + 3, str(row["label"]), strong=True))
        for arm, seconds in row["bars"]:
            long, time = (right - left) * seconds / reach, clock(seconds)
            parts.append(svg.rect(left, y, long, 10, svg.colour(arm, colours), title=f"{arm}: {time}"))
            parts.append(svg.text(left + long + 6, y + 9, f"{time} {arm}"))
            said.append(f"{row['label']}, {arm}: {time}")
            y += 13
        y += 12
    grid = []
    for mark in marks:
        x = left + (right - left) * 60 * mark / reach
        grid.append(svg.line(x, 0, x, y - 6, "gr"))
        grid.append(svg.text(x, y + 8, formats.number(mark, svg.decimals(marks)), anchor="middle"))
    grid.append(svg.text(right + 12, y + 8, "min"))
    return svg.figure(width, y + 14, "; ".join(said), [*grid, *parts])


def clock(seconds: float) -> str:
    """Minutes and seconds as on a scanner: 2:57."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
