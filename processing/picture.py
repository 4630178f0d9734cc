"""One slice as a picture for people who look after the material; readers never see it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from processing.volume import Volume


def middle_slice_png(volume: Volume, *, longest: int = 480) -> bytes:
    """PNG of the middle slice, 8 bit grey, square pixels.

    Grey levels run from the 1st to the 99.5th percentile of that slice. longest: pixels of the longer side,
    at most; the slice is reduced to it by Lanczos resampling, or enlarged.
    """
    slice_ = volume.array[len(volume.array) // 2]
    low, high = np.percentile(slice_, (1, 99.5))
    grey = np.clip((slice_ - low) / max(float(high - low), 1e-9), 0, 1) * 255
    column, row, _ = volume.spacing
    height, width = grey.shape[0] * row, grey.shape[1] * column
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(grey.round().astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.save(target, format="PNG")
    return target.getvalue()
