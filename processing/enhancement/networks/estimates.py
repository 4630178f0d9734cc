"""What a network that restores sees besides the slice: estimates made of the whole of it, as patches show little."""

from __future__ import annotations

import numpy as np

from processing.acquired import fall, powers
from processing.enhancement.networks.ghosts import estimated, unghosted
from processing.volume import Array

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
    the less of rows and columns."""
    return min(fall(power, len(power) / 2) for power in powers(image))
