"""Forest plot of net preference as SVG text, in the words of ``analysis.verdict``; else as ``figures``."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analysis import formats, verdict
from analysis.report import svg

ROW, LINE = 25.0, 13.0  # px: a row of the forest plot, a further line in it
WRAP = 24  # characters of a label's line


def net_preference(
    cells: Sequence[Mapping[str, Any]],
    *,
    colours: Mapping[str, str],
    names: Mapping[str, str] | None = None,
    width: float = 476,
) -> str:
    """Forest plot of the net preference of one comparison: a square with 90 % (thick) and 95 % (thin) intervals.

    ``cells`` are rows of ``comparisons`` with the same arms. Words and colour are those of ``analysis.verdict``: the
    colour of an arm only where the primary test rejects for it. Each row carries its own margins declared on net
    preference: of equivalence a grey band, of non-inferiority a dashed line on the second arm's side; where they differ
    between rows they stand below the row's name.
    """
    width = svg.fitted(width)
    names = names or {}
    first, second = str(cells[0]["first"]), str(cells[0]["second"])
    margins = [_margins(cell) for cell in cells]
    alike = len(set(margins)) == 1
    labels = [names.get(cell["criterion"], str(cell["criterion"])) for cell in cells]
    below = ["" if alike else _margin_words(own) for own in margins]
    verdicts = [[line for label in verdict.labels(cell) for line in textwrap.wrap(label, WRAP)] for cell in cells]
    left = svg.label_width([*labels, *below]) + 12
    right = width - 12 - svg.label_width([line for lines in verdicts for line in lines])
    heights = [ROW + LINE * max(len(lines) - 1, bool(words), 0) for lines, words in zip(verdicts, below, strict=True)]
    top = 14.0
    tops = [top + sum(heights[:place]) for place in range(len(cells))]
    bottom = top + sum(heights) + 4
    ends = [0.0, *(end for cell in cells for end in cell["net_preference"]["ci"] or ())]
    ends += [c["net_preference"]["estimate"] for c in cells if c["net_preference"]["estimate"] is not None]
    ends += [end for own in margins for end in _margin_ends(own)]
    marks = svg.ticks(min([*ends, -0.1]), max([*ends, 0.1]), about=4 if right - left > 200 else 3)
    low, high = marks[0], marks[-1]

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    parts: list[str] = []
    descriptions = []
    for own, start, height in zip(margins, tops, heights, strict=True):
        parts += _margin_marks(own, x, start, start + height)
    if alike:
        for end in dict.fromkeys(_margin_ends(margins[0])):
            words = formats.number(end, max(2, svg.decimals([end])), plus=True)
            parts.append(svg.text(x(end), top - 4, words, anchor="middle"))
    parts.append(svg.line(x(0), top, x(0), bottom, "zero"))
    digits = svg.decimals(marks)
    parts += [
        svg.text(x(v), bottom + 16, formats.number(v, digits if v else 0, plus=True), anchor="middle") for v in marks
    ]
    parts.append(svg.text(left - 12, bottom + 31, f"◂ {second} better"))
    parts.append(svg.text(right, bottom + 31, f"{first} better ▸", anchor="end"))
    for place, cell in enumerate(cells):
        y = tops[place] + heights[place] / 2
        name, net = labels[place], cell["net_preference"]
        parts.append(svg.text(left - 12, y + 4 - LINE / 2 * bool(below[place]), name, anchor="end", strong=True))
        if below[place]:
            parts.append(svg.text(left - 12, y + 4 + LINE / 2, below[place], anchor="end"))
        start = y + 4 - LINE / 2 * (len(verdicts[place]) - 1)
        for number, line in enumerate(verdicts[place]):
            parts.append(svg.text(width - 4, start + LINE * number, line, anchor="end"))
        words = "".join(f", {label}" for label in verdict.labels(cell))
        if net["estimate"] is None:
            parts.append(svg.text(x(0) + 8, y + 4, f"n/a: {net['reason']}"))
            descriptions.append(f"{name} undefined: {net['reason']}{words}")
            continue
        arm = verdict.arm(cell, verdict.marked(cell))
        for interval, thickness in ((net["ci"], 1.2), (net.get("ci90"), 3.5)):
            if interval:
                css = svg.stroke(arm, colours)
                parts.append(
                    svg.line(
                        x(interval[0]), y, x(interval[1]), y, css, width=thickness, dashed=bool(net.get("caution"))
                    )
                )
        parts.append(svg.rect(x(net["estimate"]) - 4, y - 4, 8, 8, svg.colour(arm, colours)))
        told = "no interval"
        if net["ci"]:
            told = " to ".join(formats.number(end, 2, plus=True) for end in net["ci"])
            told += ", few subjects" if net.get("caution") else ""
        descriptions.append(f"{name} {formats.number(net['estimate'], 2, plus=True)} ({told}){words}")
    label = f"Net preference of {first} over {second} with 95 percent intervals: " + "; ".join(descriptions)
    return svg.figure(width, bottom + 36, label, parts)


Margins = tuple[tuple[str, float], ...]


def _margins(cell: Mapping[str, Any]) -> Margins:
    """Kind and size of each margin that was declared on net preference, the widest first."""
    own = {(claim.kind, claim.margin) for claim in verdict.claims(cell) if claim.on == "net_preference"}
    return tuple(sorted(own, key=lambda margin: (margin[0], -margin[1])))


def _margin_ends(margins: Margins) -> list[float]:
    return [end for kind, size in margins for end in ((-size, size) if kind == "equivalence" else (-size,))]


def _margin_words(margins: Margins) -> str:
    signs = {"equivalence": "±", "noninferiority": formats.MINUS}
    return ", ".join(f"{signs[kind]}{size:g}" for kind, size in margins) or "no margin"


def _margin_marks(margins: Margins, x: Callable[[float], float], top: float, bottom: float) -> list[str]:
    parts = []
    for kind, size in margins:
        if kind == "equivalence":
            parts.append(svg.rect(x(-size), top, x(size) - x(-size), bottom - top, "margin"))
            parts += [svg.line(x(end), top, x(end), bottom, "gr") for end in (-size, size)]
        else:
            parts.append(svg.line(x(-size), top, x(-size), bottom, "zero", dashed=True))
    return parts
