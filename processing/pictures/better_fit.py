"""A pair that is held back, as a picture: the first image, the second as it lies, and the second as it fits better."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from processing.grid import Grid, on_grid
from processing.resemblance import Fit
from processing.volume import Array, Volume

GAP = 8  # pixels


def better_fit_png(first: Volume, second: Volume, grid: Grid, fit: Fit, *, longest: int = 360) -> bytes:
    """PNG of three slices beside each other, 8 bit grey: first, second as it lies, second as `fit` says.

    The slice is the one of the first image with the most contrast in the middle half of the stack. Grey levels run from
    the 1st to the 99.5th percentile of each slice. longest: pixels of the longer side of one slice; pixels are square.
    """
    one, other = on_grid(first, grid), on_grid(second, grid)
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    better = np.flip(other, tuple(axis for axis in range(3) if fit.mirrored[axis]))
    for axis, (mm, size) in enumerate(zip(fit.shift_mm, spacing[::-1], strict=True)):
        better = np.roll(better, round(mm / size), axis)
    quarter = len(one) // 4
    place = quarter + int(np.argmax(one[quarter : len(one) - quarter].std(axis=(1, 2))))
    pictures = [_picture(volume[place], spacing, longest) for volume in (one, other, better)]
    width, height = pictures[0].size
    sheet = Image.new("L", (3 * width + 2 * GAP, height))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number * (width + GAP), 0))
    target = io.BytesIO()
    sheet.save(target, format="PNG")
    return target.getvalue()


def _picture(image: Array, spacing: Array, longest: int) -> Image.Image:
    low, high = np.percentile(image, (1, 99.5))
    grey = np.clip((image - low) / max(float(high - low), 1e-9), 0, 1) * 255
    height, width = image.shape[0] * spacing[1], image.shape[1] * spacing[0]
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(grey.round().astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
