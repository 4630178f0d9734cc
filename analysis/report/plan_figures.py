"""Power against the number of subjects, as SVG."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from analysis import formats
from analysis.report import svg


def power_curve(
    steps: Sequence[Mapping[str, Any]], *, target: float | None, width: float = 560, height: float = 240
) -> str:
    """Simulated power with its 95 % interval at each number of subjects, a line at the wanted power.

    ``steps``: results of ``sample_size.power``, by subjects.
    """
    width = svg.fitted(width)
    left, right, top, bottom = 40.0, width - 16, 8.0, height - 34
    marks = svg.ticks(0, max(step["subjects"] for step in steps))
    reach = max(marks[-1], 1)

    def x(subjects: float) -> float:
        return left + (right - left) * subjects / reach

    def y(power: float) -> float:
        return bottom - (bottom - top) * power

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(svg.line(left, y(share), right, y(share), "gr"))
        parts.append(svg.text(left - 8, y(share) + 4, f"{100 * share:.0f} %", anchor="end"))
    for mark in marks:
        parts.append(svg.text(x(mark), bottom + 16, formats.number(mark, 0), anchor="middle"))
    parts.append(svg.text(right, bottom + 32, "subjects", anchor="end"))
    if target is not None:
        parts.append(svg.line(left, y(target), right, y(target), "zero", width=1.5))
    for before, after in pairwise(steps):
        ends = (x(before["subjects"]), y(before["power"]), x(after["subjects"]), y(after["power"]))
        parts.append(svg.line(*ends, "zero", width=1))
    said = []
    for step in steps:
        place = x(step["subjects"])
        low, high = step["ci"]
        parts.append(svg.line(place, y(low), place, y(high), "zero", width=3))
        words = f"{step['subjects']} subjects: {100 * step['power']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
        parts.append(svg.rect(place - 3, y(step["power"]) - 3, 6, 6, "neu", title=words))
        said.append(words)
    return svg.figure(width, height, "; ".join(said), parts)
