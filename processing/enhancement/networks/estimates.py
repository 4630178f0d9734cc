"""What a network that restores sees besides the slice: estimates made of the whole of it, as patches show little."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from processing.enhancement.networks.ghosts import estimated, unghosted
from processing.percentile import high_percentile
from processing.volume import Array

_BANDS = ((0.157, 0.2), (0.2, 0.243), (0.257, 0.3), (0.3, 0.343))  # of the sampling rate; half of k-space ends at 0.25
_COLUMNS = (1 / 32, 1 / 8)  # of the lines of k-space that are looked at: without what the borders of the image leave
_TISSUE, _SOFT = 0.1, 6.0  # of the slice's 99.9th percentile; pixels of its soft border
MAPS = 3  # of one value each
CHANNELS = 3 + MAPS  # that follow the slices


def with_estimates(slices: Array, middle: int) -> Array:
    """What a network sees that is shown estimates.

    slices: (slices, rows, columns). Returns them, the middle one without its estimated ghost, and CHANNELS more: the
    middle one as it is, the same moved by half the field of view along its rows' axis, the other solution without the
    ghost (see `unghosted`), and MAPS of one value each: ratio and cross term of the ghost, and how sharply
    k-space ends at its half.
    """
    image = slices[middle]
    away = np.roll(image, len(image) // 2, axis=0)
    ghost = estimated(image, away)
    one, other = (image, image) if ghost is None else unghosted(image, away, ghost)
    told = np.array([*((0.0, 0.0) if ghost is None else (ghost.ratio, ghost.cross)), ended(one)])
    maps = np.broadcast_to(told[:, None, None], (MAPS, *image.shape))
    seen = np.concatenate([slices, np.stack([image, away, other]), maps]).astype(np.float32)
    seen[middle] = one
    return seen


def ended(image: Array) -> float:
    """By how many orders of magnitude more the power of k-space falls where its half ends than just below and above;
    the less of rows and columns. Noise that was acquired ends there as well, which only tissue shows: in air the
    magnitude spreads it."""
    tissue = ndimage.gaussian_filter((image > _TISSUE * high_percentile(image, 99.9)).astype(float), _SOFT)
    falls = []
    for axis in (0, 1):
        across = np.fft.rfft(np.moveaxis(image * tissue, axis, 0), axis=1)
        columns = across.shape[1] * 2
        chosen = across[:, int(_COLUMNS[0] * columns) : max(int(_COLUMNS[1] * columns), 1)]
        power = (np.abs(np.fft.fft(chosen, axis=0)) ** 2).sum(axis=1)
        frequency = np.abs(np.fft.fftfreq(len(power)))
        parts = [power[(frequency >= low) & (frequency < high)] for low, high in _BANDS]
        below, inside, outside, above = (np.log10(max(part.mean() if part.size else 0, 1e-30)) for part in parts)
        falls.append(inside - outside - (below - inside + outside - above) / 2)
    return float(min(falls))
