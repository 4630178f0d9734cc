"""One slice as a picture for people who look after the material; readers never see it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from processing.volume import Array, Volume

OUTLINE = (255, 196, 66)


def middle_slice_png(volume: Volume, *, longest: int = 480) -> bytes:
    """PNG of the middle slice, 8 bit grey, square pixels.

    Grey levels run from the 1st to the 99.5th percentile of that slice. longest: pixels of the longer side,
    at most; the slice is reduced to it by Lanczos resampling, or enlarged.
    """
    picture = Image.fromarray(_grey(volume.array[len(volume.array) // 2]))
    return _png(picture.resize(_size(volume, longest), Image.Resampling.LANCZOS))


def _grey(slice_: Array) -> Array:
    low, high = np.percentile(slice_, (1, 99.5))
    grey = np.clip((slice_ - low) / max(float(high - low), 1e-9), 0, 1) * 255
    return grey.round().astype(np.uint8)


def _size(volume: Volume, longest: int) -> tuple[int, int]:
    column, row, _ = volume.spacing
    height, width = volume.shape[1] * row, volume.shape[2] * column
    scale = longest / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, format="PNG")
    return target.getvalue()


def outlined_png(volume: Volume, mask: Array, *, longest: int = 480) -> bytes:
    """PNG of the slice on which `mask` (bool, shape of the volume) covers most, with its outline of one pixel.

    Grey levels and size as in `middle_slice_png`, in colour; the outline lies on the mask's own border voxels.
    """
    place = int(mask.sum(axis=(1, 2)).argmax())
    grey = _grey(volume.array[place])
    size = _size(volume, longest)
    picture = Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS).convert("RGB")
    inside = np.asarray(Image.fromarray(mask[place].astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
    inner = inside.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(inside, step, axis)
    colours = np.array(picture)
    colours[inside & ~inner] = OUTLINE
    return _png(Image.fromarray(colours))
