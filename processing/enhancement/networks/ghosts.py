"""The ghost of every second line of k-space, estimated from a magnitude slice alone and taken off.

Where the weights of even and odd lines are e and o, a slice x and the same half a field of view away, x′, give the
magnitude m with m² = A x² + B x′² + 2 C x x′, A and B = |e ± o|² / 4, C = (|e|² − |o|²) / 4; and m′ likewise. Two
equations for x and x′: once B / A and C are known they are solved in closed form, whatever the phase of the lines.

That holds where the image before the ghost was real and not negative. A scanner's image has a phase, which turns x
against x′ by an angle δ and makes C differ from place to place, |C| cos(θ ± δ): quarters of the slice then disagree
about it. In that case θ and a δ that is linear across half the field of view are fitted; how bright the slice was is
then not to be told, and the middle of what the ratio allows is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize

from processing.percentile import high_percentile
from processing.volume import Array

_BRIGHT = 0.3  # of the slice's 99.9th percentile: what leaves a ghost to be seen in air
_TISSUE = 0.1  # of it
_BINS, _STRONGEST = 90, 0.9  # of the ratio ghost to source
_RATIOS = 2**16  # that are counted
_FEWEST = 100  # pixels of air
_NOISIEST = 0.02  # of the slice's 99.9th percentile: with more, C is not to be seen
_FITS = 4  # of the line through the pixels of air
_PEAK = 2  # times as many pixels as beside it: tissue has any ratio
_LEAST = 0.012  # a weaker ghost is left
_AIR = 1.4  # times the ratio: a pixel that is brighter than that beside its opposite is not its ghost alone
_CROSS_TERMS = 27  # tried
_PIXELS = 4000  # that are looked at for each
_AROUND = 7  # tried about the best of them
_WIDEST = 0.99  # of what the ratio allows
_SURE = 0.045  # a ratio that air's noise does not reach
_GAIN = 0.985  # of the common edges: what may be left of them at most, below it
_APART = 0.2  # of what the ratio allows: how far the cross terms of the quarters may lie from each other
_ALONE = 0.1  # of what a ghost's source leaves: as near to it a pixel may be nothing but ghost
_NOISE = 0.01  # of the slice's 99.9th percentile, besides
_FITTED = 1500  # pixels that a phase is fitted to
_ANGLES, _TURNS = np.linspace(0.2, 2.9, 5), np.linspace(0, 5.5, 6)  # rad: where the fit of a phase starts
_DOWN, _RIGHT = (-8.0, 0.0, 8.0), (-3.0, 0.0, 3.0)  # rad across the field of view, likewise
_STARTS, _STEPS = 3, 150  # the best of those that are followed, and how far
_NEIGHBOURS = 5  # pixels, of which most are nothing but ghost where one is
_TEXTURE = 3  # pixels: what differs from their mean
_AGAIN = 0.7  # of a source's texture, at least, in what looks like nothing but its ghost: other tissue has its own
_LOSS = 1.05  # and above that ratio, as noise is made stronger


@dataclass(frozen=True)
class Ghost:
    """ratio: of ghost to source, √(B / A). cross: 2 C / (A + B), above 0 where odd lines are the weaker ones; of a
    slice with a phase the middle of what the ratio allows. turn: of such a slice θ, and δ in the middle of the upper
    half of the field of view with its slopes down and to the right, in rad and rad per field of view; else empty."""

    ratio: float
    cross: float
    turn: tuple[float, ...] = ()


def unghosted(image: Array, away: Array, ghost: Ghost) -> tuple[Array, Array]:
    """The slice x of a magnitude and its opposite: two solutions, both possible where even lines are the weaker ones
    and little of the slice lies under much of a ghost; else the first is right. Of the two the first is that without
    tissue where a pixel and its neighbours look like nothing but a ghost, or their opposites do."""
    squares = np.square(image, dtype=float), np.square(away, dtype=float)
    if ghost.turn:
        one = np.sqrt(_solved(*squares, ghost, crosses=_crosses(ghost, np.indices(image.shape), image.shape))[0])
        return one, one
    one, other = (np.sqrt(_solved(*squares, ghost, sign)[0]) for sign in (1, -1))
    if ghost.cross > 0:
        return one, other
    alone = _alone(image, away, ghost.ratio)
    alone |= np.roll(alone, len(image) // 2, axis=0)
    return np.where(alone, other, one), np.where(alone, one, other)


def estimated(image: Array, away: Array) -> Ghost | None:
    """The ghost of a slice: its ratio where bright pixels' ghosts lie in air, the cross term that leaves fewest edges
    at the same places in x and x′. None where there is too little to see, or no ghost, or where quarters of the slice
    disagree about that term and no phase explains it. Two legs half a field of view apart have a most frequent ratio,
    too; what tells them from a ghost is that they do not show each other's texture."""
    top = high_percentile(image, 99.9)
    step = max(image.size // _RATIOS, 1)
    near, far = image.ravel()[::step], away.ravel()[::step]
    bright = far > _BRIGHT * top
    ratio = _ratio(near[bright], far[bright], _NOISIEST * top)
    if not _LEAST < ratio < _STRONGEST:
        return None
    if _shown_again(image, away, ratio) < _AGAIN:
        return None
    squares, places = _overlap(image, away, ratio, _TISSUE * top)
    upper, lefter = (n > np.median(n) if n.size else n for n in (places[0] % (len(image) // 2), places[1]))
    quarter = 2 * upper + lefter
    if np.bincount(quarter, minlength=4).min() < _FEWEST:
        return None
    most = 2 * ratio / (1 + ratio**2)
    crosses = np.linspace(-most, most, _CROSS_TERMS)[1:-1]
    if np.ptp([_best(squares[..., quarter == part], ratio, crosses) for part in range(4)]) > _APART * most:
        return _with_phase(squares, places, image.shape, ratio)
    for _ in range(2):  # all, then those about the best
        left = [_common_edges(squares, Ghost(ratio, float(cross))) for cross in crosses]
        cross, gap = float(crosses[np.argmin(left)]), float(crosses[1] - crosses[0])
        crosses = np.clip(np.linspace(cross - gap, cross + gap, _AROUND), -_WIDEST * most, _WIDEST * most)
    allowed = _LOSS if ratio > _SURE else _GAIN
    return Ghost(ratio, cross) if min(left) < allowed * _common_edges(squares, Ghost(0.0, 0.0)) else None


def _alone(image: Array, away: Array, ratio: float) -> Array:
    """Where a pixel and most of its neighbours look like nothing but a ghost."""
    expected = ratio * away
    near = np.abs(image - expected) < _ALONE * expected + _NOISE * high_percentile(image, 99.9)
    return np.asarray(ndimage.uniform_filter(near.astype(float), _NEIGHBOURS, mode="wrap") > 0.5)


def _shown_again(image: Array, away: Array, ratio: float) -> float:
    """How much of the texture of bright pixels is there again, times the ratio, in opposites that look like nothing
    but their ghost: nearly 1 of a ghost, less with noise, near 0 of tissue that happens to be as bright."""
    there = _alone(image, away, ratio) & (away > _BRIGHT * high_percentile(image, 99.9))
    if there.sum() < _FEWEST:
        return 0.0
    here, source = (a[there] - ndimage.uniform_filter(a, _TEXTURE, mode="wrap")[there] for a in (image, away))
    return float(here @ source / max(ratio * (source @ source), 1e-12))


def _with_phase(squares: Array, places: Array, shape: tuple[int, ...], ratio: float) -> Ghost | None:
    """The ghost of a slice with a phase: that which leaves fewest common edges; None where it leaves as many."""
    if ratio < _SURE:
        return None
    few = np.s_[..., :: max(places.shape[1] // _FITTED, 1)]
    squares, places = squares[few], places[few]
    middle = ratio / (1 + ratio**2)

    def left(turn: Iterable[float]) -> float:
        ghost = Ghost(ratio, middle, tuple(map(float, turn)))
        return _common_edges(squares, ghost, crosses=_crosses(ghost, places, shape))

    starts = sorted(product(_ANGLES, _TURNS, _DOWN, _RIGHT), key=left)[:_STARTS]
    found = [minimize(left, start, method="Nelder-Mead", options={"maxfev": _STEPS}) for start in starts]
    best = min(found, key=lambda one: float(one.fun))
    none = _common_edges(squares, Ghost(0.0, 0.0))
    return Ghost(ratio, middle, tuple(map(float, best.x))) if best.fun < _GAIN * none else None


def _crosses(ghost: Ghost, places: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """2 |C| / (A + B) cos(θ ± δ) of pixels, rows and columns, and of their opposites."""
    angle, delta, down, right = ghost.turn
    rows, columns = places
    half = shape[0] // 2
    delta = delta + down * ((rows % half) / shape[0] - 0.25) + right * (columns / shape[1] - 0.5)
    delta = np.where(rows < half, delta, -delta)
    most = 2 * ghost.ratio / (1 + ghost.ratio**2)
    return most * np.cos(angle + delta), most * np.cos(angle - delta)


def _ratio(near: Array, far: Array, noisiest: float) -> float:
    """Of ghost to source: the most frequent one, then that of a line through its pixels, as air has noise; 0 if it has
    more than `noisiest`."""
    if len(near) < _FEWEST:
        return 0.0
    counts, edges = np.histogram(near / far, bins=_BINS, range=(0, _STRONGEST))
    ratio = float(edges[np.convolve(counts, np.ones(3), "same").argmax()] + edges[1] / 2)
    offset, spread = 0.0, 0.02 * float(far.mean())
    for _ in range(_FITS):
        air = np.abs(near - ratio * far - offset) < 2 * spread
        if air.sum() < _FEWEST:
            return 0.0
        x, y = far[air].astype(float), near[air].astype(float)
        ratio = float(np.cov(x, y)[0, 1] / max(np.var(x, ddof=1), 1e-12))
        offset = float(y.mean() - ratio * x.mean())
        spread = max(float(np.std(y - ratio * x)), 1e-4 * float(x.mean()))
    if spread > noisiest:
        return 0.0
    apart = np.abs(near - ratio * far - offset) / spread
    return ratio if np.sum(apart < 2) > _PEAK * np.sum((apart >= 2) & (apart < 4)) else 0.0


def _best(squares: Array, ratio: float, crosses: Array) -> float:
    """The cross term that leaves fewest common edges."""
    return float(crosses[np.argmin([_common_edges(squares, Ghost(ratio, float(cross))) for cross in crosses])])


def _overlap(image: Array, away: Array, ratio: float, least: float) -> tuple[Array, Array]:
    """Squares of image and opposite, (2, 3, n): of some pixels where both show tissue, of those below and beside; and
    the rows and columns of the former, (2, n)."""
    one, other = image[:-1, :-1], away[:-1, :-1]
    nearly = min(_AIR, ratio**-0.5) * ratio
    tissue = (np.minimum(one, other) > least) & (one > nearly * other) & (other > nearly * one)
    places = np.flatnonzero(tissue)
    rows, columns = np.divmod(places[:: max(len(places) // _PIXELS, 1)], one.shape[1])
    around = ((0, 0), (1, 0), (0, 1))
    squares = np.array([[array[rows + i, columns + j] for i, j in around] for array in (image, away)], float) ** 2
    return squares, np.stack([rows, columns])


def _common_edges(squares: Array, ghost: Ghost, *, crosses: tuple[Array, Array] | None = None) -> float:
    """How much of the edges of x and x′ lies at the same places: of two subjects half a field of view apart, least."""
    near, far = squares
    edges = [
        np.abs(x[1] - x[0]) + np.abs(x[2] - x[0]) for x in map(np.sqrt, _solved(near, far, ghost, crosses=crosses))
    ]
    return float(np.minimum(*edges).mean() / max(edges[0].mean() + edges[1].mean(), 1e-12))


def _solved(
    near: Array, far: Array, ghost: Ghost, sign: int = 1, *, crosses: tuple[Array, Array] | None = None
) -> tuple[Array, Array]:
    """x² and x′² of m² and m′². With S = x² + x′², D = x² − x′², P = x x′: S² = D² + 4 P², and S and D are known but
    for a multiple of P, so that P is the root of a square equation. The stronger lines have the weight 1. crosses:
    2 C / (A + B) of the pixels and of their opposites, where they are not the ghost's."""
    both = 1 / (1 + abs(ghost.cross))  # A + B
    here, there = crosses or (ghost.cross, ghost.cross)
    kept = (1 - ghost.ratio**2) / (1 + ghost.ratio**2)  # (A − B) / (A + B)
    total, difference = (near + far) / both, (near - far) / (both * kept)
    of_total, of_difference = here + there, (here - there) / kept
    square = 4 + np.square(of_difference) - np.square(of_total)
    half = of_difference * difference - of_total * total
    root = np.sqrt(np.maximum(half**2 - square * (difference**2 - total**2), 0))
    joint = np.maximum((half + sign * root) / square, 0)
    total, difference = total - of_total * joint, difference - of_difference * joint
    return np.maximum(total + difference, 0) / 2, np.maximum(total - difference, 0) / 2
