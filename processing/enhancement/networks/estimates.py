"""What a network that restores sees besides the slice: estimates made of the whole of it, as patches show little."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from processing.enhancement.networks.ghosts import estimated, unghosted
from processing.volume import Array

_BANDS = 6  # of frequencies, above those that lead
_LOWEST = 1 / 8  # of the sampling rate
_COLUMNS = (1 / 32, 1 / 8)  # of the lines of k-space that are looked at: without what the borders of the image leave
_DECADES = 5.0  # of power that stand for 1
MAPS = 2 + _BANDS  # of one value each
CHANNELS = 3 + MAPS  # that follow the slices


def with_estimates(slices: Array, middle: int) -> Array:
    """What a network sees that is shown estimates.

    slices: (slices, rows, columns). Returns them, the middle one without its estimated ghost, and CHANNELS more: the
    middle one as it is, the same moved by half the field of view along its rows' axis, the other solution without the
    ghost (see `unghosted`), and MAPS of one value each: ratio and cross term of the ghost, and how k-space fades
    towards its border.
    """
    image = slices[middle]
    away = np.roll(image, len(image) // 2, axis=0)
    ghost = estimated(image, away)
    one, other = (image, image) if ghost is None else unghosted(image, away, ghost)
    told = np.array([*((0.0, 0.0) if ghost is None else (ghost.ratio, ghost.cross)), *faded(one)])
    maps = np.broadcast_to(told[:, None, None], (MAPS, *image.shape))
    seen = np.concatenate([slices, np.stack([image, away, other]), maps]).astype(np.float32)
    seen[middle] = one
    return seen


def faded(image: Array) -> Array:
    """By how many orders of magnitude, / _DECADES, the power of k-space is lower in each of the outer bands of
    frequencies than below them; the mean of rows and columns. Where nothing was acquired it is far lower."""
    bands = np.zeros((2, _BANDS))
    for axis in (0, 1):
        turned = np.moveaxis(image, axis, 0)
        across = np.fft.rfft(turned, axis=1)
        columns = across.shape[1] * 2
        chosen = across[:, int(_COLUMNS[0] * columns) : max(int(_COLUMNS[1] * columns), 1)]
        power = (np.abs(np.fft.fft(chosen, axis=0)) ** 2).sum(axis=1)
        frequency = np.abs(np.fft.fftfreq(len(power)))
        reference = power[(frequency >= _LOWEST / 2) & (frequency < _LOWEST)].mean()
        edges = np.linspace(_LOWEST, 0.5, _BANDS + 1)
        for band, (low, high) in enumerate(pairwise(edges)):
            part = power[(frequency >= low) & (frequency < high)].mean()
            bands[axis, band] = np.log10(max(reference, 1e-30) / max(part, 1e-30)) / _DECADES
    return np.clip(bands.mean(axis=0), 0, 1).astype(np.float32)
