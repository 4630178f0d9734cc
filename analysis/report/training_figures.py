"""Curves of a training as SVG text; conventions as in figures.py."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from analysis import formats
from analysis.report import svg

LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 20.0, 26.0
DIGIT = 6.5  # pixels that a character of a label is wide
BAR = 4.0  # pixels
NARROWEST = 230.0  # pixels: of a panel with its name and its numbers side by side
SECOND, FIRST_BAR, SECOND_BAR = "s-fast", "neu", "fast"  # classes of the second training, and of the bars of both


def loss(points: Sequence[tuple[float, float]], *, width: float = 900, height: float = 190, unit: str = "steps") -> str:
    """The loss over the steps; ``points``: (step, loss). The axis is logarithmic and leaves out what is not above 0,
    unless a loss is below 0, as those in decibels are: then it is linear."""
    width = svg.fitted(width)
    linear = any(value < 0 for _, value in points)
    known = [(step, value) for step, value in points if linear or value > 0]
    if not known:
        return svg.figure(width, 24, "No loss", [svg.text(0, 16, "n/a: no loss was logged")])
    steps = [step for step, _ in known]
    heights = [value if linear else float(np.log10(value)) for _, value in known]
    low, high = min(heights), max(heights)
    if high - low < 0.02:
        low, high = low - 0.1, high + 0.1
    if linear:
        ticks = svg.ticks(low, high)
        low, high = ticks[0], ticks[-1]
        marks = [(tick, formats.number(tick, svg.decimals(ticks))) for tick in ticks]
    else:
        digits = _marks(low, high, (1, 2, 5))
        digits = digits if len(digits) > 2 else _marks(low, high, range(1, 10))
        marks = [(float(np.log10(mark)), f"{mark:g}") for mark in digits]
    axes = _Axes(width, height, (0.0, float(max(steps))), (low, high))
    parts = [*axes.steps(unit)]
    for place, words in marks:
        parts += axes.level(place, words)
    parts.append(_line([axes.at(step, value) for step, value in zip(steps, heights, strict=True)], "zero"))
    said = f"Loss from {known[0][1]:.4g} {_where(known[0][0], unit)} to {known[-1][1]:.4g} {_where(known[-1][0], unit)}"
    return svg.figure(width, height, said, parts)


def _where(at: float, unit: str) -> str:
    return f"at step {at:,}" if unit == "steps" else f"after {at:.0f} {unit}"


def _marks(low: float, high: float, digits: Iterable[int]) -> list[float]:
    """Numbers of one digit whose logarithm lies in low … high."""
    powers = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    found = [digit * 10.0**power for power in powers for digit in digits]
    return [mark for mark in found if low - 1e-9 <= np.log10(mark) <= high + 1e-9]


def psnr(
    groups: Mapping[str, Sequence[tuple[float, float, float]]],
    *,
    columns: int = 3,
    width: float = 900,
    height: float = 150,
    others: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
    unit: str = "steps",
) -> str:
    """One panel per group, all on the same axes: PSNR of the output over the steps, and of the input, dashed.

    ``groups``: name → (step, input, output) in dB; ``others``: the same of another training, in the second colour,
    where groups have the same name; ``unit``: of what stands in the place of the steps.
    """
    width = svg.fitted(width)
    shown = {name: points for name, points in groups.items() if points}
    if not shown:
        return svg.figure(width, 24, "No validation", [svg.text(0, 16, "n/a: no validation was logged")])
    columns = max(1, min(columns, len(shown), int(width // NARROWEST)))
    second = {name: points for name, points in (others or {}).items() if name in shown and points}
    drawn = [*shown.values(), *second.values()]
    values = [value for points in drawn for _, *pair in points for value in pair]
    marks = svg.ticks(min(values), max(values))
    last = float(max(step for points in drawn for step, _, _ in points))
    panel, rows = width / columns, -(-len(shown) // columns)
    parts, said = [], []
    for number, (name, points) in enumerate(shown.items()):
        left, top = panel * (number % columns), height * (number // columns)
        axes = _Axes(panel, height, (0.0, last), (marks[0], marks[-1]), left, top)
        parts += axes.steps(unit)
        for mark in marks:
            parts += axes.level(mark, formats.number(mark, svg.decimals(marks)))
        if name in second:
            parts.append(_line([axes.at(step, value) for step, _, value in second[name]], SECOND))
        parts.append(svg.text(left + LEFT, top + 12, name, strong=True))
        parts.append(
            svg.text(left + panel - RIGHT, top + 12, f"{points[-1][1]:.2f} → {points[-1][2]:.2f} dB", anchor="end")
        )
        before = [axes.at(step, value) for step, value, _ in points]
        parts.append(_line(before if len(before) > 1 else axes.across(points[0][1]), "zero", dashed=True))
        parts.append(_line([axes.at(step, value) for step, _, value in points], "zero"))
        said.append(f"{name}: input {points[-1][1]:.2f}, output {points[-1][2]:.2f} dB {_where(points[-1][0], unit)}")
        if name in second:
            said.append(f"the other: output {second[name][-1][2]:.2f} dB")
    return svg.figure(width, rows * height, "PSNR. " + "; ".join(said), parts)


def change(
    courses: Sequence[Sequence[tuple[float, float]]], *, unit: str = "steps", width: float = 900, height: float = 150
) -> str:
    """What each epoch changed: the PSNR of the output less that of the epoch before, as bars, of one training or two.

    ``courses``: (step, mean PSNR of the output over all groups) of each epoch.
    """
    width = svg.fitted(width)
    bars = [[(at, value - before) for (_, before), (at, value) in pairwise(course)] for course in courses]
    drawn = [bar for course in bars for bar in course]
    if not drawn:
        return svg.figure(width, 24, "No change", [svg.text(0, 16, "n/a: fewer than two epochs were logged")])
    marks = svg.ticks(min(0.0, *(value for _, value in drawn)), max(0.0, *(value for _, value in drawn)))
    last = max(at for at, _ in drawn)
    axes = _Axes(width, height, (0.0, last), (marks[0], marks[-1]))
    parts = axes.steps(unit)
    for mark in marks:
        parts += axes.level(mark, formats.number(mark, svg.decimals(marks)))
    zero = axes.at(0, 0.0)[1]
    for number, course in enumerate(bars):
        for at, value in course:
            x, y = axes.at(at, value)
            css = FIRST_BAR if number == 0 else SECOND_BAR
            title = f"{value:+.3f} dB in the epoch to {at:,.0f} {unit}"
            parts.append(svg.rect(x - BAR * (1 - number), min(y, zero), BAR, max(abs(y - zero), 0.5), css, title=title))
    said = "; ".join(f"last epoch {course[-1][1]:+.3f} dB" for course in bars if course)
    return svg.figure(width, height, f"Change of PSNR per epoch: {said}", parts)


class _Axes:
    """A panel with steps from left to right and values from bottom to top."""

    def __init__(
        self,
        width: float,
        height: float,
        steps: tuple[float, float],
        values: tuple[float, float],
        left: float = 0.0,
        top: float = 0.0,
    ) -> None:
        self.x0, self.x1 = left + LEFT, left + width - RIGHT
        self.y0, self.y1 = top + height - BOTTOM, top + TOP
        self.first, self.last = steps
        self.low, self.high = values

    def at(self, step: float, value: float) -> tuple[float, float]:
        across = (step - self.first) / ((self.last - self.first) or 1)
        up = (value - self.low) / ((self.high - self.low) or 1)
        return self.x0 + across * (self.x1 - self.x0), self.y0 - up * (self.y0 - self.y1)

    def across(self, value: float) -> list[tuple[float, float]]:
        return [self.at(self.first, value), self.at(self.last, value)]

    def level(self, value: float, words: str) -> list[str]:
        y = self.at(0, value)[1]
        return [svg.line(self.x0, y, self.x1, y, "gr"), svg.text(self.x0 - 6, y + 4, words, anchor="end")]

    def steps(self, unit: str = "steps") -> list[str]:
        marks = [mark for mark in svg.ticks(self.first, self.last, about=3) if mark <= self.last]
        parts = []
        for mark in marks:
            words = f"{mark:,.0f}" + (f" {unit}" if mark == marks[-1] else "")
            x = self.at(mark, self.low)[0]
            over = x + len(words) * DIGIT / 2 > self.x1 + RIGHT
            parts.append(
                svg.text(
                    self.x1 + RIGHT if over else x,
                    self.y0 + 16,
                    words,
                    anchor="start" if mark == 0 else "end" if over else "middle",
                )
            )
        return parts


def _line(points: Sequence[tuple[float, float]], css: str, *, dashed: bool = False) -> str:
    """A line through points; a single one is a dot."""
    if len(points) == 1:
        return svg.dot(*points[0], "t")
    path = " ".join(f"{svg.at(x)},{svg.at(y)}" for x, y in points)
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<polyline points="{path}" class="ln {css}"{dash}/>'
