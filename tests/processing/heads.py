"""A picture to restore: edges as sparse as those of organs, in air."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from processing.volume import Array


def synthetic_head() -> Array:
    """An ellipse full of smaller ones, float32 (160, 144), up to 1."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[-1:1:160j, -1:1:144j]
    image = np.where(rows**2 / 0.5 + columns**2 / 0.4 < 1, 0.5, 0.0)
    for _ in range(60):
        row, column, height, width = *rng.uniform(-0.6, 0.6, 2), *rng.uniform(0.02, 0.2, 2)
        inside = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1
        image = np.where(inside & (image > 0), rng.uniform(0.2, 1), image)
    return ndimage.gaussian_filter(image, 0.5).astype(np.float32)
