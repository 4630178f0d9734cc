"""Difference maps to look at: one slice of two volumes side by side with a coloured map and its scale."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from processing.errors import InputError
from processing.grid import oriented
from processing.metrics.quality import difference_percent, percent_difference
from processing.volume import Array, Volume

Kind = Literal["percent", "signed"]
REACH = {"percent": 100.0, "signed": 20.0}  # where the colours end
WORDS = {
    "percent": "|test − reference| in % of the reference's pixel (Moummad et al. 2022); grey where the reference is 0 "
    "or the test has no pixels",
    "signed": "test − reference in % of the reference's maximum; orange: brighter, blue: darker, grey: the test has no "
    "pixels",
}
# Nine points of matplotlib's inferno (CC0); and black between blue and orange, so that no difference is no light.
_COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "percent": ((0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
                (249, 201, 50), (252, 255, 164)),
    "signed": ((150, 205, 255), (64, 140, 230), (20, 52, 100), (0, 0, 0), (104, 56, 12), (232, 138, 40),
               (255, 208, 140)),
}  # fmt: skip
_UNDEFINED = (70, 72, 74)
_OUTLINE = (255, 255, 255)
_GAP, _BAR = 6, 92  # pixels


@dataclass(frozen=True)
class SlicePair:
    """One slice of a reference and what a test shows there, float32 (rows, columns), as radiologists look at it.

    inside: where the test has values. spacing: of rows and columns, mm. peak: maximum of the whole reference. voi: the
    volume of interest, outside which the map says nothing.
    """

    reference: Array
    test: Array
    inside: Array
    spacing: tuple[float, float]
    peak: float
    voi: Array | None = None


def slice_pair(
    reference: Volume, test: Volume, place: int, *, matrix: Array | None = None, voi: Array | None = None
) -> SlicePair:
    """Slice `place` (from 0, clipped to those there) of the reference, and the test on the same pixels.

    matrix: 4 × 4, from a point of the reference to one of the test (LPS, mm), as registration gives it; by default the
    two share patient coordinates. Linear interpolation. voi: a mask of the reference; then only the box around it is
    shown, the same on every slice.
    """
    from processing.registration import apply  # heavy, and most of the site does without

    whole = oriented(reference)
    place = min(max(place, 0), whole.shape[0] - 1)
    affine = whole.affine.copy()
    affine[:3, 3] += place * affine[:3, 2]
    like = Volume(np.ascontiguousarray(whole.array[place : place + 1], dtype=np.float32), affine, whole.units)
    there, inside = apply(np.eye(4) if matrix is None else np.asarray(matrix), test, like=like)
    column, row, _ = whole.spacing
    pair = SlicePair(like.array[0], there.array[0], inside[0], (row, column), float(whole.array.max()))
    if voi is None:
        return pair
    shown = _shown(voi, reference)
    box = _around(np.asarray(shown.any(axis=0)))
    reference_part, test_part, there_part = (one[box] for one in (pair.reference, pair.test, pair.inside))
    return SlicePair(reference_part, test_part, there_part, pair.spacing, pair.peak, shown[place][box])


def largest_slice(voi: Array, reference: Volume) -> int:
    """The slice, from 0 as `slice_pair` counts, that holds most of a mask of the reference."""
    return int(_shown(voi, reference).sum(axis=(1, 2)).argmax())


def _shown(voi: Array, reference: Volume) -> Array:
    return oriented(replace(reference, array=voi.astype(np.float32), padding=None)).array > 0.5


def _around(flat: Array) -> tuple[slice, slice]:
    """The rows and columns of a mask with half its size around it, at least 8 pixels."""
    sides = []
    for axis in (1, 0):
        places = np.flatnonzero(flat.any(axis=axis))
        low, high = (int(places[0]), int(places[-1]) + 1) if places.size else (0, flat.shape[1 - axis])
        margin = max(8, (high - low) // 2)
        sides.append(slice(max(low - margin, 0), high + margin))
    return sides[0], sides[1]


def difference(pair: SlicePair, kind: Kind) -> Array:
    """The map in percent, float32; NaN where it is undefined or the test has no values."""
    if kind == "percent":
        found = percent_difference(pair.reference, pair.test)
    elif kind == "signed":
        found = difference_percent(pair.reference, pair.test, peak=pair.peak)
    else:
        raise InputError("A difference map is percent or signed.")
    counted = pair.inside if pair.voi is None else pair.inside & pair.voi
    return np.where(counted, found, np.nan).astype(np.float32)


def coloured(found: Array, kind: Kind) -> Array:
    """RGB, uint8 (rows, columns, 3), of a map in percent: 0 to REACH, or − REACH to + REACH where signed."""
    reach = REACH[kind]
    low = 0.0 if kind == "percent" else -reach
    points = np.array(_COLOURS[kind], float)
    place = np.clip((np.nan_to_num(found) - low) / (reach - low), 0, 1)
    levels = np.linspace(0, 1, len(points))
    colours = np.stack([np.interp(place, levels, points[:, band]) for band in range(3)], axis=-1)
    colours[np.isnan(found)] = _UNDEFINED
    return colours.round().astype(np.uint8)


def picture(pair: SlicePair, kind: Kind, *, longest: int = 560) -> bytes:
    """PNG: reference, test and map side by side with the map's scale; both images in the reference's window.

    longest: pixels of the longer side of one image. Pixels are square; the map is enlarged without smoothing.
    """
    rows, columns = pair.reference.shape
    height, width = rows * pair.spacing[0], columns * pair.spacing[1]
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    low, high = np.percentile(pair.reference, (1, 99.5))
    out = Image.new("RGB", (3 * (size[0] + _GAP) + _BAR, size[1]), (0, 0, 0))
    for number, image in enumerate((pair.reference, pair.test)):
        grey = (np.clip((image - low) / max(float(high - low), 1e-9), 0, 1) * 255).round().astype(np.uint8)
        seen = Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS).convert("RGB")
        if pair.voi is not None:
            seen.paste(_OUTLINE, mask=_edge(pair.voi, size))
        out.paste(seen, (number * (size[0] + _GAP), 0))
    shown = Image.fromarray(coloured(difference(pair, kind), kind))
    out.paste(shown.resize(size, Image.Resampling.NEAREST), (2 * (size[0] + _GAP), 0))
    _scale(out, kind, 3 * (size[0] + _GAP), size[1])
    target = io.BytesIO()
    out.save(target, format="PNG", compress_level=1)  # people scroll: time counts more than bytes
    return target.getvalue()


def _edge(voi: Array, size: tuple[int, int]) -> Image.Image:
    """The outline of a mask at the size of the picture, two pixels wide."""
    large = Image.fromarray(voi.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    return ImageChops.subtract(large, large.filter(ImageFilter.MinFilter(5)))


def _scale(out: Image.Image, kind: Kind, left: int, height: int) -> None:
    """The colours from top to bottom with numbers, at the right edge."""
    reach = REACH[kind]
    low = 0.0 if kind == "percent" else -reach
    margin = min(24, height // 6)
    values = np.linspace(reach, low, height - 2 * margin, dtype=np.float32)
    bar = np.repeat(coloured(values[:, None], kind), 14, axis=1)
    out.paste(Image.fromarray(bar), (left, margin))
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(size=18)
    for share in (0, 0.5, 1):
        value = reach + share * (low - reach)
        words = f"{value:+g} %" if kind == "signed" and value else f"{value:g} %"
        if kind == "percent" and share == 0:
            words = f"> {words}"
        place = (left + 19, margin + share * (height - 2 * margin))
        draw.text(place, words, fill=(200, 202, 205), font=font, anchor="lm")
