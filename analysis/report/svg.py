"""Small SVG pieces. Colours come from the page's style sheet by class: no style attributes, no scripts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape

import numpy as np

from analysis import formats

_room: ContextVar[float] = ContextVar("room", default=math.inf)


@contextmanager
def drawn_for(room: float) -> Iterator[None]:
    """Within this, figures are at most so many pixels wide, whatever width they are asked for, where they can be."""
    token = _room.set(room)
    try:
        yield
    finally:
        _room.reset(token)


def fitted(width: float) -> float:
    """The width that a figure is asked for, or what ``drawn_for`` leaves of it."""
    return min(width, _room.get())


def beside(count: int, width: float) -> int:
    """How many of so many panels of this width stand side by side: all, but where figures are ``drawn_for`` less."""
    room = _room.get()
    return count if width * count <= room else max(1, int(room // width))


def at(value: float) -> str:
    """A coordinate with one decimal."""
    return f"{value:.1f}"


def figure(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """An svg element with an accessible name that holds the numbers."""
    return (
        f'<svg width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" overflow="visible" '
        f'role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def moved(x: float, y: float, parts: Sequence[str]) -> str:
    """Pieces that were drawn around another origin."""
    return f'<g transform="translate({at(x)} {at(y)})">{"".join(parts)}</g>'


def text(x: float, y: float, words: str, *, anchor: str = "start", strong: bool = False) -> str:
    """A line of text; ``strong`` is the main text colour."""
    attributes = "" if anchor == "start" else f' text-anchor="{anchor}"'
    attributes += ' class="t"' if strong else ""
    return f'<text x="{at(x)}" y="{at(y)}"{attributes}>{escape(words)}</text>'


def line(
    x1: float, y1: float, x2: float, y2: float, css: str, *, width: float | None = None, dashed: bool = False
) -> str:
    """A line whose colour comes from its class."""
    stroke = "" if width is None else f' stroke-width="{width:g}"'
    stroke += ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line x1="{at(x1)}" y1="{at(y1)}" x2="{at(x2)}" y2="{at(y2)}" class="{escape(css)}"{stroke}/>'


def rect(x: float, y: float, width: float, height: float, css: str, *, title: str = "", opacity: float = 1) -> str:
    """A filled rectangle, with a tooltip on request."""
    body = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    start = f'<rect x="{at(x)}" y="{at(y)}" width="{at(width)}" height="{at(height)}" class="{escape(css)}"{body}'
    return f"{start}><title>{escape(title)}</title></rect>" if title else f"{start}/>"


def dot(x: float, y: float, css: str, *, radius: float = 3, opacity: float = 1) -> str:
    """A filled circle."""
    body = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<circle cx="{at(x)}" cy="{at(y)}" r="{radius:g}" class="{escape(css)}"{body}/>'


MARKS = (  # corners around the middle, in radii
    (),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0.0, -1.25), (1.15, 0.9), (-1.15, 0.9)),
    ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    ((0.0, 1.25), (1.15, -0.9), (-1.15, -0.9)),
)


def mark(x: float, y: float, css: str, number: int, *, radius: float = 3.2) -> str:
    """A filled mark, of another shape for each of five numbers: it tells series apart where colour does not."""
    corners = MARKS[number % len(MARKS)]
    if not corners:
        return dot(x, y, css, radius=radius)
    points = " ".join(f"{at(x + radius * right)},{at(y + radius * down)}" for right, down in corners)
    return f'<polygon points="{points}" class="{escape(css)}"/>'


def legend(names: Sequence[str], colours: Mapping[str, str], *, width: float) -> tuple[list[str], float]:
    """Each arm with its mark, in lines that are no longer than ``width``; and how high they are together."""
    parts, x, y = [], 4.0, 10.0
    for number, name in enumerate(names):
        long = 6.6 * len(name) + 30
        if x > 4 and x + long > width:
            x, y = 4.0, y + 16
        parts += [mark(x, y - 4, colour(name, colours), number, radius=3.6), text(x + 9, y, name)]
        x += long
    return parts, y + 8 if names else 0.0


def band(x1: float, x2: float, left: tuple[float, float], right: tuple[float, float], css: str) -> str:
    """A band that flows from one height range to another, for counts that split and join."""
    (top, bottom), (top2, bottom2), middle = left, right, (x1 + x2) / 2
    shape = (
        f"M{at(x1)} {at(top)}C{at(middle)} {at(top)} {at(middle)} {at(top2)} {at(x2)} {at(top2)}"
        f"V{at(bottom2)}C{at(middle)} {at(bottom2)} {at(middle)} {at(bottom)} {at(x1)} {at(bottom)}Z"
    )
    return f'<path d="{shape}" class="{escape(css)}" fill-opacity="0.35"/>'


def colour(arm: str, colours: Mapping[str, str]) -> str:
    """The class of an arm's fill; neutral for an arm without one. Its stroke is "s-" and the same."""
    return colours.get(arm, "neu")


def stroke(arm: str, colours: Mapping[str, str]) -> str:
    """The class of an arm's stroke; neutral for an arm without a colour."""
    return f"s-{colours.get(arm, 'neu')}"


def ticks(low: float, high: float, *, about: int = 4) -> list[float]:
    """Round numbers that cover low … high: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    if not span > 0:
        span = abs(high) or 1.0
        low, high = low - span / 2, high + span / 2
        span = high - low
    rough = span / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(np.log(s / rough))))
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    digits = 3 - int(np.floor(np.log10(step)))  # relative to the step: tiny ones stay apart
    return [float(round(k * step, digits)) for k in range(int(first), int(last) + 1)]


def spaced_ticks(low: float, high: float, *, room: float) -> list[float]:
    """Round numbers that cover low … high, as many as stand side by side on an axis of ``room`` without touching."""
    for about in (4, 3, 2, 1):
        marks = ticks(low, high, about=about)
        short = 10.0 ** power(marks)
        digits = decimals([mark / short for mark in marks])
        widest = max(len(formats.number(mark / short, digits)) for mark in marks)
        if (6.2 * widest + 10) * (len(marks) - 1) <= room:
            break
    return marks


def decimals(values: Sequence[float]) -> int:
    """How many decimals tell these ticks apart."""
    for digits in range(6):
        if all(abs(round(value, digits) - value) < 1e-9 * max(1.0, abs(value)) for value in values):
            return digits
    return 6


def power(values: Sequence[float]) -> int:
    """The power of ten by which numbers on an axis are divided to stay short: a multiple of 3, mostly 0."""
    largest = max(map(abs, values), default=0.0)
    if largest == 0 or 1e-2 <= largest < 1e5:
        return 0
    return int(np.floor(np.log10(largest) / 3)) * 3


def times(exponent: int) -> str:
    """What stands behind the name of an axis whose numbers were divided: " (×10⁹)"."""
    digits = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f" (×10{digits})" if exponent else ""


def label_width(labels: Sequence[str]) -> float:
    """Room for labels of 11 px, at least that of a mean ± SD."""
    return float(min(max(84.0, *(6.2 * len(label) for label in labels), 0.0), 180.0))
