"""A map of anomalies over the image it is of: one slice, and a see-through layer with the places that stand out."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from processing.enhancement.anomalies import THRESHOLD
from processing.pictures.difference_map import coloured
from processing.volume import Array, Volume

REACH = 4 * THRESHOLD  # where the colours end
WORDS = (
    f"Colour: distance from what is expected there, in robust standard deviations of this map; see-through "
    f"below {THRESHOLD:g}, brightest from {REACH:g}. Ring: the highest place of the slice"
)
_RING = 9  # pixels of the picture


def layer_png(score: Volume, place: int, *, longest: int = 640) -> bytes:
    """PNG with transparency, of the size of `before_after.slice_png` of the same series.

    Parameters
    ----------
    score : Volume
        The map, as `processing.enhancement.anomalies.find_anomalies` gives it, as radiologists look at it.
    place : int
        The slice, from 0, clipped to those there.
    longest : int, default 640
        Pixels of the longer side; pixels are square.

    Returns
    -------
    bytes
        Nothing is drawn below half the threshold, and no ring below the threshold.
    """
    slice_ = score.array[min(max(place, 0), score.shape[0] - 1)]
    column, row, _ = score.spacing
    height, width = slice_.shape[0] * row, slice_.shape[1] * column
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    opaque = np.clip((slice_ - THRESHOLD) / THRESHOLD + 0.5, 0, 1) * (slice_ >= THRESHOLD)
    colours = coloured(slice_ * (100 / REACH), "percent")
    picture = Image.fromarray(np.dstack([colours, (255 * opaque).round().astype(np.uint8)]))
    out = picture.resize(size, Image.Resampling.NEAREST)
    if slice_.max() >= THRESHOLD:
        _ring(out, highest(slice_), slice_.shape)
    target = io.BytesIO()
    out.save(target, format="PNG", compress_level=1)
    return target.getvalue()


def highest(slice_: Array) -> tuple[int, int]:
    """Row and column of the highest place."""
    row, column = np.unravel_index(int(slice_.argmax()), slice_.shape)
    return int(row), int(column)


def _ring(out: Image.Image, place: tuple[int, int], shape: tuple[int, ...]) -> None:
    x, y = (round((n + 0.5) * out.size[axis] / shape[1 - axis]) for axis, n in enumerate(reversed(place)))
    draw = ImageDraw.Draw(out)
    for reach, colour in ((_RING + 1, (0, 0, 0, 255)), (_RING, (255, 255, 255, 255))):
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour, width=1)
