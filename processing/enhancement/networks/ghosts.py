"""The ghost of every second line of k-space, estimated from a magnitude slice alone and taken off.

Where the weights of even and odd lines are e and o, a slice x and the same half a field of view away, x′, give the
magnitude m with m² = A x² + B x′² + 2 C x x′, A and B = |e ± o|² / 4, C = (|e|² − |o|²) / 4; and m′ likewise. Two
equations for x and x′: once B / A and C are known they are solved in closed form, whatever the phase of the lines.

That holds where the image before the ghost was real and not negative. A scanner's image has a phase, which makes C
differ from place to place: quarters of the slice then disagree about it, and nothing is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

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
_NEIGHBOURS = 5  # pixels, of which most are nothing but ghost where one is
_LOSS = 1.05  # and above it, where noise that is made stronger counts


@dataclass(frozen=True)
class Ghost:
    """ratio: of ghost to source, √(B / A). cross: 2 C / (A + B), above 0 where odd lines are the weaker ones."""

    ratio: float
    cross: float


def unghosted(image: Array, away: Array, ghost: Ghost) -> tuple[Array, Array]:
    """The slice x of a magnitude and its opposite: two solutions, both possible where even lines are the weaker ones
    and little of the slice lies under much of a ghost; else the first is right. Of the two the first is that without
    tissue where a pixel and its neighbours look like nothing but a ghost, or their opposites do."""
    squares = np.square(image, dtype=float), np.square(away, dtype=float)
    one, other = (np.sqrt(_solved(*squares, ghost, sign)[0]) for sign in (1, -1))
    if ghost.cross > 0:
        return one, other
    expected = ghost.ratio * away
    near = np.abs(image - expected) < _ALONE * expected + _NOISE * high_percentile(image, 99.9)
    alone = ndimage.uniform_filter(near.astype(float), _NEIGHBOURS, mode="wrap") > 0.5
    alone |= np.roll(alone, len(image) // 2, axis=0)
    return np.where(alone, other, one), np.where(alone, one, other)


def estimated(image: Array, away: Array) -> Ghost | None:
    """The ghost of a slice: its ratio where bright pixels' ghosts lie in air, the cross term that leaves fewest edges
    at the same places in x and x′. None where there is too little to see, or no ghost, or where quarters of the slice
    disagree about that term."""
    top = high_percentile(image, 99.9)
    step = max(image.size // _RATIOS, 1)
    near, far = image.ravel()[::step], away.ravel()[::step]
    bright = far > _BRIGHT * top
    ratio = _ratio(near[bright], far[bright], _NOISIEST * top)
    if not _LEAST < ratio < _STRONGEST:
        return None
    squares, quarter = _overlap(image, away, ratio, _TISSUE * top)
    if np.bincount(quarter, minlength=4).min() < _FEWEST:
        return None
    most = 2 * ratio / (1 + ratio**2)
    crosses = np.linspace(-most, most, _CROSS_TERMS)[1:-1]
    if np.ptp([_best(squares[..., quarter == part], ratio, crosses) for part in range(4)]) > _APART * most:
        return None
    for _ in range(2):  # all, then those about the best
        left = [_common_edges(squares, Ghost(ratio, float(cross))) for cross in crosses]
        cross, gap = float(crosses[np.argmin(left)]), float(crosses[1] - crosses[0])
        crosses = np.clip(np.linspace(cross - gap, cross + gap, _AROUND), -_WIDEST * most, _WIDEST * most)
    allowed = _GAIN if ratio < _SURE else _LOSS
    return Ghost(ratio, cross) if min(left) < allowed * _common_edges(squares, Ghost(0.0, 0.0)) else None


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
    in which quarter they lie, 0 to 3, of the half field of view after which image and opposite change places."""
    one, other = image[:-1, :-1], away[:-1, :-1]
    nearly = min(_AIR, ratio**-0.5) * ratio
    tissue = (np.minimum(one, other) > least) & (one > nearly * other) & (other > nearly * one)
    places = np.flatnonzero(tissue)
    rows, columns = np.divmod(places[:: max(len(places) // _PIXELS, 1)], one.shape[1])
    around = ((0, 0), (1, 0), (0, 1))
    squares = np.array([[array[rows + i, columns + j] for i, j in around] for array in (image, away)], float) ** 2
    upper, lefter = (n > np.median(n) if n.size else n for n in (rows % (len(image) // 2), columns))
    return squares, 2 * upper + lefter


def _common_edges(squares: Array, ghost: Ghost) -> float:
    """How much of the edges of x and x′ lies at the same places: of two subjects half a field of view apart, least."""
    near, far = squares
    edges = [np.abs(x[1] - x[0]) + np.abs(x[2] - x[0]) for x in map(np.sqrt, _solved(near, far, ghost))]
    return float(np.minimum(*edges).mean() / max(edges[0].mean() + edges[1].mean(), 1e-12))


def _solved(near: Array, far: Array, ghost: Ghost, sign: int = 1) -> tuple[Array, Array]:
    """x² and x′² of m² and m′². With S = x² + x′², D = x² − x′², P = x x′: S² = D² + 4 P², D and S + (a linear term of)
    P are known, so that P is the root of a square equation. The stronger lines have the weight 1."""
    both = 1 / (1 + abs(ghost.cross))  # A + B
    cross = 2 * ghost.cross * both  # 4 C
    one = both / (1 + ghost.ratio**2)
    difference, total = (near - far) / (2 * one - both), near + far
    square = 4 * both**2 - cross**2
    under = (cross * total) ** 2 - square * ((both * difference) ** 2 - total**2)
    product = np.maximum((-cross * total + sign * np.sqrt(np.maximum(under, 0))) / square, 0)
    twice = (total - cross * product) / both
    return np.maximum(twice + difference, 0) / 2, np.maximum(twice - difference, 0) / 2
