"""One slice as a picture for people who look after the material; readers never see it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion

from processing.grid import Grid, on_grid
from processing.resemblance import Fit
from processing.volume import Array, Volume

OUTLINE = (255, 196, 66)
MARGIN, LEAST_MM = 2.2, 60.0
FIXED, MOVING = np.array([1.0, 0.55, 0.1]), np.array([0.0, 0.45, 0.9])  # together white
GAP = 8  # pixels


def middle_slice_png(volume: Volume, *, longest: int = 480) -> bytes:
    """PNG of the middle slice, 8 bit grey, square pixels.

    Grey levels run from the 1st to the 99.5th percentile of that slice. longest: pixels of the longer side,
    at most; the slice is reduced to it by Lanczos resampling, or enlarged.
    """
    picture = Image.fromarray(_grey(volume.array[len(volume.array) // 2]))
    _, rows, columns = volume.shape
    return _png(picture.resize(_size(rows, columns, volume, longest), Image.Resampling.LANCZOS))


def _grey(slice_: Array) -> Array:
    low, high = np.percentile(slice_, (1, 99.5))
    grey = np.clip((slice_ - low) / max(float(high - low), 1e-9), 0, 1) * 255
    return grey.round().astype(np.uint8)


def _size(rows: int, columns: int, volume: Volume, longest: int) -> tuple[int, int]:
    column, row, _ = volume.spacing
    height, width = rows * row, columns * column
    scale = longest / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, format="PNG")
    return target.getvalue()


def alignment_png(fixed: Volume, before: Volume, after: Volume, *, longest: int = 480) -> bytes:
    """PNG of the middle slice of two volumes in one, before (left) and after (right) registration.

    All on the grid of `fixed`, which is orange, the other blue; where both agree the picture is grey. Grey levels as in
    `middle_slice_png`.
    """
    place = len(fixed.array) // 2
    still = _grey(fixed.array[place])[..., None] * FIXED
    size = _size(*fixed.shape[1:], fixed, longest)
    width, height = size
    both = Image.new("RGB", (2 * width + GAP, height))
    for number, moving in enumerate((before, after)):
        fused = (still + _grey(moving.array[place])[..., None] * MOVING).round().astype(np.uint8)
        both.paste(Image.fromarray(fused).resize(size, Image.Resampling.LANCZOS), (number * (width + GAP), 0))
    return _png(both)


def better_fit_png(first: Volume, second: Volume, grid: Grid, fit: Fit, *, longest: int = 360) -> bytes:
    """PNG of three slices beside each other: first, second as it lies, and second as it fits the first better.

    The slice is the one of the first image with the most contrast in the middle half of the stack. Grey levels as in
    `middle_slice_png`, of each slice.
    """
    one, other = (Volume(on_grid(volume, grid), grid.affine) for volume in (first, second))
    better = np.flip(other.array, tuple(axis for axis in range(3) if fit.mirrored[axis]))
    for axis, (mm, size) in enumerate(zip(fit.shift_mm, reversed(one.spacing), strict=True)):
        better = np.roll(better, round(mm / size), axis)
    quarter = len(one.array) // 4
    place = quarter + int(np.argmax(one.array[quarter : len(one.array) - quarter].std(axis=(1, 2))))
    width, height = size_of = _size(*one.shape[1:], one, longest)
    sheet = Image.new("L", (3 * width + 2 * GAP, height))
    for number, array in enumerate((one.array, other.array, better)):
        picture = Image.fromarray(_grey(array[place])).resize(size_of, Image.Resampling.BICUBIC)
        sheet.paste(picture, (number * (width + GAP), 0))
    return _png(sheet)


def outlined_png(volume: Volume, mask: Array, *, longest: int = 480) -> bytes:
    """PNG of the surroundings of `mask` (bool, shape of the volume) on the slice that it covers most, with its outline.

    Grey levels as in `middle_slice_png`. The window is a square about twice as large as the mask, of at least 60 mm
    where the slice is that large; the outline, two pixels wide, lies on the mask's own border voxels.
    """
    place = int(mask.sum(axis=(1, 2)).argmax())
    found = np.argwhere(mask[place])
    column, row, _ = volume.spacing
    steps = np.array([row, column])
    side = max(MARGIN * float(((np.ptp(found, axis=0) + 1) * steps).max()), LEAST_MM)
    half, limit = np.ceil(side / steps / 2).astype(int), np.array(mask.shape[1:])
    low = np.maximum(np.minimum((found.min(axis=0) + found.max(axis=0)) // 2 - half, limit - 2 * half), 0)
    window = tuple(slice(start, start + length) for start, length in zip(low, 2 * half, strict=True))
    grey, inside = _grey(volume.array[place])[window], mask[place][window]
    size = _size(inside.shape[0], inside.shape[1], volume, longest)
    picture = np.array(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS).convert("RGB"))
    inside = np.asarray(Image.fromarray(inside.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
    picture[inside & ~binary_erosion(inside, iterations=2)] = OUTLINE
    return _png(Image.fromarray(picture))
