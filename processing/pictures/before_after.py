"""Pictures of a slice before and after a network: the same window for both, and what changed in colours."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from processing.errors import InputError
from processing.metrics.quality import difference_percent
from processing.pictures.difference_map import REACH, coloured
from processing.volume import Array, Volume

CHANGE_REACH = 5.0  # percent of the input's maximum at which the colours end
WINDOW = "1st to 99.5th percentile of the input slice"
WORDS = (
    f"output − input in % of the input's maximum: orange brighter, blue darker, black no change; the colours end at "
    f"± {CHANGE_REACH:g} %"
)


def slice_png(before: Volume, shown: Volume, place: int, *, longest: int = 640) -> bytes:
    """PNG of slice `place` (from 0, clipped to those there) of `shown`, in the WINDOW of `before`; 8 bit grey.

    Both on one grid, as radiologists look at it. longest: pixels of the longer side; pixels are square.
    """
    _check(before, shown)
    place = min(max(place, 0), before.shape[0] - 1)
    low, high = np.percentile(before.array[place], (1, 99.5))
    grey = np.clip((shown.array[place] - low) / max(float(high - low), 1e-9), 0, 1) * 255
    return _png(grey.round().astype(np.uint8), before, longest, Image.Resampling.BICUBIC)


def change_png(before: Volume, after: Volume, place: int, *, longest: int = 640) -> bytes:
    """PNG of what changed in slice `place`, as WORDS say; enlarged without smoothing."""
    _check(before, after)
    place = min(max(place, 0), before.shape[0] - 1)
    found = difference_percent(before.array[place], after.array[place], peak=float(before.array.max()))
    return _png(coloured(found * (REACH["signed"] / CHANGE_REACH), "signed"), before, longest, Image.Resampling.NEAREST)


def _check(before: Volume, after: Volume) -> None:
    if before.shape != after.shape:
        raise InputError("Input and output differ in shape; make the output again.")


def _png(picture: Array, like: Volume, longest: int, resampling: Image.Resampling) -> bytes:
    column, row, _ = like.spacing
    height, width = picture.shape[0] * row, picture.shape[1] * column
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    target = io.BytesIO()
    Image.fromarray(picture).resize(size, resampling).save(target, format="PNG", compress_level=1)
    return target.getvalue()
