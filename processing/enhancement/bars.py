"""Where a bright bar lies over a slice: of what a network took out, that which a bar explains.

Once a bar is found its outline and what it adds are fitted, so that the slice without it has the fewest edges there.
What it added is then subtracted, which gives back what lies beneath; where the sum was cut at the maximum nothing does,
and what the network expects is shown.

A bar is straight, round at its ends and adds the same brightness everywhere, up to the maximum of the slice (Lorente
2021, processing.simulate). Bright anatomy, which a network can take for one, is none of that: its outline bends, and
the step across it differs from place to place. The thresholds were chosen on the validation volumes of `inpaint`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage, optimize

from processing.volume import Array

_SEEN, _STRONG = 0.06, 0.25  # of the slice's maximum: a change by more may be a bar
_FEWEST = 8  # pixels of such a change
_MOST = 3  # changes that are looked at, those that take most away
_INSIDE, _OUTSIDE = 1.2, 1.5  # pixels from the outline, whose soft edge is half a pixel wide
_POINTS = 64  # on the outline
_FEW, _TRIES = 40, 160  # capsules that are tried near each first one, and near the best of those
_FULL = 0.995  # of the maximum: where the bar was cut
_FAINTEST = 0.08  # of the maximum that a bar adds
_LOOSE = 0.2  # of what a bar adds: as much may the step across its outline differ
_ALIKE = 0.62  # mean likeness of the steps; below it is no bar
_AGREED, _ELONGATED = 0.3, 0.45  # of what it adds: how far off the network's change may be, for round ones and long
_BESIDE = 0.3  # of its change inside: what the network may change beside a bar
_LEAST = 30.0  # pixels of evidence
_LONG = 1.75  # radii from end to end of the axis
_RING = 4.0  # pixels about the outline in which edges are counted
_ROUNDS, _FITS = 3, 400  # of the fit
_FIRST_STEPS = (2.0, 2.0, 2.0, 2.0, 1.0, 0.03)  # pixels, and of the maximum
_BELOW = 10.0  # times an edge: what comes out below 0
_UNEXPLAINED = 0.63  # of the edges: where more is left, no bar was there


@dataclass(frozen=True)
class Bar:
    """start, end: of its axis, (row, column); radius: pixels; likeness: 0 to 1, 1 where every step is that of a bar;
    added: of the slice's maximum."""

    start: tuple[float, float]
    end: tuple[float, float]
    radius: float
    likeness: float
    added: float

    @property
    def length(self) -> float:
        """Of the axis, pixels."""
        return float(np.hypot(*np.subtract(self.end, self.start)))

    @property
    def evidence(self) -> float:
        """Pixels of the outline that speak for a bar rather than against it."""
        return (2 * self.likeness - 1) * 2 * (self.length + np.pi * self.radius)


def find_bar(image: Array, change: Array) -> Bar | None:
    """The bar among what was taken out of a slice, the surest if there are several; None if nothing looks like one.

    image: (rows, columns), a magnitude. change: what was taken off it, same units.
    """
    brightest = float(image.max())
    if brightest <= 0:
        return None
    image, change = image / brightest, change / brightest
    short = sorted(
        (_fitted(image, one, _FEW) for one in _candidates(change)), key=lambda one: -_bar(image, one).evidence
    )
    found = [_bar(image, _fitted(image, one, _TRIES)) for one in short[:_MOST]]
    found = [bar for bar in found if bar.likeness >= _ALIKE and bar.evidence >= _LEAST and _agreed(bar, image, change)]
    return max(found, key=lambda bar: bar.evidence, default=None)


def _agreed(bar: Bar, image: Array, change: Array) -> bool:
    """Whether the network took away about what the bar adds, and little beside it."""
    ends, room = np.array([bar.start, bar.end]), bar.radius + _OUTSIDE
    if (ends < room).any() or (ends > np.subtract(image.shape, 1) - room).any():
        return False  # anatomy that goes on beyond the image has no end to be seen
    distance = _distance(bar, image.shape)
    inside, beside = distance <= max(bar.radius - 0.5, 0.5), (distance > bar.radius + 1) & (distance < bar.radius + 4)
    if not inside.any() or not beside.any():
        return False
    taken = change[inside]
    wanted = np.minimum(bar.added, 1 - image[inside] + taken)
    apart = float(np.median(np.abs(taken - wanted)) / max(np.median(wanted), 1e-6))
    close = apart <= (_ELONGATED if bar.length >= _LONG * bar.radius else _AGREED)
    return close and float(change[beside].mean()) <= _BESIDE * float(taken.mean())


def without(image: Array, bar: Bar, expected: Array) -> Array:
    """The slice without a bar; as it was, where the bar, fitted, does not explain the edges about its outline.

    image, expected: (rows, columns), the slice and what a network expects of it, same units. What the bar adds is
    subtracted; where the sum was cut at the maximum of the slice the network's word counts, within what the bar allows.
    """
    fitted, left = _explained(image, bar)
    if left > _UNEXPLAINED:
        return image
    brightest = float(image.max())
    added = (brightest * fitted.added * _soft(fitted.radius, _distance(fitted, image.shape))).astype(np.float32)
    least = np.maximum(image - added, 0)
    hidden = (added > 0) & (image >= _FULL * brightest)
    return np.where(hidden, np.clip(expected, least, brightest), least)


def _explained(image: Array, bar: Bar) -> tuple[Bar, float]:
    """The bar near this one without which fewest edges are left about its outline, and the share that is left."""
    image, left = image / float(image.max()), 1.0
    for halving in range(_ROUNDS):
        edges = _edges_about(image, bar)
        first = np.array([*bar.start, *bar.end, bar.radius, bar.added])
        simplex = first + np.vstack([np.zeros(6), np.diag(_FIRST_STEPS) / 2**halving])
        settings = {"initial_simplex": simplex, "maxfev": _FITS, "xatol": 1e-4, "fatol": 1e-6, "adaptive": True}
        x = optimize.minimize(lambda x, edges=edges: edges(_fit(x)), first, method="Nelder-Mead", options=settings).x
        bar = replace(_fit(x), likeness=bar.likeness)
        left = edges(bar) / max(edges(replace(bar, added=0.0)), 1e-12)
    return bar, left


def _edges_about(image: Array, bar: Bar) -> Callable[[Bar], float]:
    """Counts the edges that are left about the outline of a bar once another one is taken off. A pixel at the maximum
    can have been any from what the bar would leave of it up to that."""
    ring = np.abs(_distance(bar, image.shape) - bar.radius) < _RING
    rows, columns = np.nonzero(ring[:-1, :-1])
    places = np.stack([[rows, columns], [rows + 1, columns], [rows, columns + 1]])  # (3, 2, n)
    seen = image[places[:, 0], places[:, 1]]
    cut = seen >= _FULL

    def edges(one: Bar) -> float:
        least = seen - one.added * _soft(one.radius, _distance_at(one, places[:, 0], places[:, 1]))
        most = np.where(cut, 1.0, least)
        apart = np.maximum(least[1:] - most[0], least[0] - most[1:])
        below = np.maximum(-most, 0)  # a magnitude is not
        return float(np.maximum(apart, 0).sum() + _BELOW * below.sum())

    return edges


def _fit(x: Array) -> Bar:
    return Bar((float(x[0]), float(x[1])), (float(x[2]), float(x[3])), abs(float(x[4])), 1.0, float(x[5]))


def _soft(radius: float, distance: Array) -> Array:
    """Share of a bar's brightness at a distance from its axis: its edge is one pixel wide."""
    return np.clip(radius + 0.5 - distance, 0, 1)


def _distance(bar: Bar, shape: tuple[int, ...]) -> Array:
    """Of each pixel from the axis."""
    rows, columns = np.indices(shape[:2], sparse=True)
    return _distance_at(bar, rows, columns)


def _distance_at(bar: Bar, rows: Array, columns: Array) -> Array:
    down, right = bar.end[0] - bar.start[0], bar.end[1] - bar.start[1]
    rows, columns = rows - bar.start[0], columns - bar.start[1]
    along = np.clip((rows * down + columns * right) / max(down**2 + right**2, 1e-9), 0, 1)
    return np.hypot(rows - along * down, columns - along * right)


def _candidates(change: Array) -> list[Array]:
    """Start, end and radius (5 numbers) of what could be bars: single changes, the strong ones among them apart from
    weaker ones that they touch, and two that may be parts of one."""
    found = []
    for place, single in ((change > _SEEN, False), (change > _STRONG, True)):
        labels, count = ndimage.label(place)
        if not count:
            continue
        numbers = np.arange(1, count + 1)
        sizes, sums = ndimage.sum_labels(place, labels, numbers), ndimage.sum_labels(change, labels, numbers)
        largest = [n for n in numbers[np.argsort(-sums)][:_MOST] if sizes[n - 1] >= _FEWEST]
        groups = [(n,) for n in largest] + ([] if single else list(itertools.combinations(largest, 2)))
        found += [_capsule(np.argwhere(np.isin(labels, group))) for group in groups]
    return found


def _capsule(pixels: Array) -> Array:
    """That has the centre, direction and width of some pixels (n, 2)."""
    centre = pixels.mean(axis=0)
    _, _, axes = np.linalg.svd(pixels - centre, full_matrices=False)
    along = (pixels - centre) @ axes[0]
    low, high = np.percentile(along, (1, 99))
    across = np.abs((pixels - centre) @ axes[-1])
    radius = max(2 * float(across.mean()), 0.5)
    ends = (min(low + radius, -0.5), max(high - radius, 0.5))
    return np.array([*(centre + ends[0] * axes[0]), *(centre + ends[1] * axes[0]), radius])


def _fitted(image: Array, first: Array, tries: int) -> Array:
    """The capsule near the first one across whose outline the steps are most alike."""
    simplex = first + np.vstack([np.zeros(5), np.diag([3.0, 3.0, 3.0, 3.0, 1.5])])
    settings = {"initial_simplex": simplex, "maxfev": tries, "xatol": 0.1, "fatol": 1e-3}
    return optimize.minimize(lambda x: -_likeness(image, x)[0], first, method="Nelder-Mead", options=settings).x


def _bar(image: Array, capsule: Array) -> Bar:
    likeness, added = _likeness(image, capsule)
    x = [float(number) for number in capsule]
    return Bar((x[0], x[1]), (x[2], x[3]), abs(x[4]), likeness, added)


def _likeness(image: Array, capsule: Array) -> tuple[float, float]:
    """How alike the steps across the outline are to those of a bar, 0 to 1, and what that bar adds."""
    radius = abs(capsule[4])
    places, normals = _outline(capsule)
    inner = places - normals * min(_INSIDE, radius)
    outer = places + normals * _OUTSIDE
    inside, outside = (ndimage.map_coordinates(image, p.T, order=1, mode="nearest") for p in (inner, outer))
    step, cut = inside - outside, inside >= _FULL
    added = float(np.median(step[~cut])) if cut.mean() < 0.7 else 1.0
    if added < _FAINTEST:
        return 0.0, added
    wanted = np.minimum(added, 1 - outside)
    room = _LOOSE * np.maximum(wanted, _FAINTEST) + 0.02
    told = wanted > _FAINTEST / 2  # where the slice is as bright as can be, nothing is added
    if told.mean() < 0.5:
        return 0.0, added
    return float(np.mean(np.exp(-(((step - wanted) / room)[told] ** 2) / 2))), added


def _outline(capsule: Array) -> tuple[Array, Array]:
    """Points on it and outward normals, (n, 2) each, evenly spread."""
    start, end, radius = capsule[:2], capsule[2:4], abs(capsule[4])
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length if length > 1e-6 else np.array([1.0, 0.0])
    aside = np.array([-along[1], along[0]])
    around = np.pi * radius
    at = (np.arange(_POINTS) + 0.5) / _POINTS * 2 * (length + around)
    side, at = at >= length + around, at % (length + around)
    sign = np.where(side, -1.0, 1.0)[:, None]
    angle = np.clip(at - length, 0, None) / max(radius, 1e-6)
    # First one straight side, then the cap that follows it; the other half is the same turned by half a circle.
    normal = np.cos(angle)[:, None] * aside + np.sin(angle)[:, None] * along
    middle = (start + end) / 2
    base = np.minimum(at, length)[:, None] * along - (end - start) / 2 + radius * normal
    return middle + sign * base, sign * normal
