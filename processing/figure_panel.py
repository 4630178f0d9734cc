"""Figure panels as in papers: one slice across the arms, with scan times, scale bar and difference maps."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from processing.difference_map import REACH, Pair, coloured, difference
from processing.errors import InputError
from processing.pair import LEVEL_STEP, UPPER_LEVEL, common_grid, grey_levels, on_grid
from processing.volume import Array, Volume

WIDTHS = {1: 85.0, 2: 174.0}  # mm: one or two columns of a journal
DPI = 300
_GAP, _LINE, _TEXT = 1.2, 4.2, 3.0  # mm: between images, between lines, height of letters
_MOST = 6  # arms beside each other
_BAR_SHARE = 0.3  # of the image, at most


@dataclass(frozen=True)
class Arm:
    """One column: its volume, its name, and what stands beneath, such as the scan time."""

    volume: Volume
    name: str
    note: str = ""


@dataclass(frozen=True)
class Options:
    """columns: of the journal, 1 or 2. light: black letters on white. letters: (a), (b), … maps: a second row with the
    signed difference to the first arm. crop: left, top, right, bottom as shares of the image. scale: a bar in cm."""

    columns: int = 2
    light: bool = False
    letters: bool = True
    maps: bool = False
    scale: bool = True
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Panel:
    """A laid-out figure; lengths in mm. images: RGB or grey uint8 arrays with x, y, width, height; texts: x, y of the
    baseline, height, anchor (start, middle, end), words, strong; lines: x1, y1, x2, y2, width."""

    width: float
    height: float
    light: bool
    images: list[tuple[Array, float, float, float, float]] = field(default_factory=list)
    texts: list[tuple[float, float, float, str, str, bool]] = field(default_factory=list)
    lines: list[tuple[float, float, float, float, float]] = field(default_factory=list)


def panel(arms: Sequence[Arm], place: int, options: Options | None = None) -> Panel:
    """Lay out slice `place` (from 0, clipped to those that all arms have) of up to six arms of one case.

    The arms come onto one grid and one grey scale as readers see them (processing.pair). Raises InputError for no or
    too many arms, an empty crop, other columns than 1 and 2, or arms that share no grid.
    """
    options = options or Options()
    if not 1 <= len(arms) <= _MOST:
        raise InputError(f"A figure holds one to {_MOST} arms.")
    if options.columns not in WIDTHS:
        raise InputError("A figure is one or two columns wide.")
    grid = common_grid([arm.volume for arm in arms])
    place = min(max(place, 0), grid.shape[0] - 1)
    window = _window(grid.shape[1:], options.crop)
    stacks = [on_grid(arm.volume, grid) for arm in arms]
    greys = [_grey(grey_levels(stack, grid)[place][window]) for stack in stacks]
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    found = Panel(WIDTHS[options.columns], 0.0, options.light)
    rows, columns = greys[0].shape
    width = (found.width - _GAP * (len(arms) - 1)) / len(arms)
    height = width * rows * spacing[1] / (columns * spacing[0])
    for number, (arm, grey) in enumerate(zip(arms, greys, strict=True)):
        x = number * (width + _GAP)
        found.images.append((grey, x, 0.0, width, height))
        letter = f"({'abcdef'[number]}) " if options.letters else ""
        found.texts.append((x, height + _LINE, _TEXT, "start", letter + arm.name, True))
        if arm.note:
            found.texts.append((x + width, height + _LINE, _TEXT, "end", arm.note, False))
    if options.scale:
        _scale_bar(found, width, height, width / (columns * spacing[0]))
    bottom = height + _LINE + 1.6
    if options.maps and len(arms) > 1:
        peak = float(stacks[0].max())
        for number, stack in enumerate(stacks[1:], 1):
            inside = np.ones((rows, columns), bool)
            pair = Pair(stacks[0][place][window], stack[place][window], inside, (spacing[1], spacing[0]), peak)
            x = number * (width + _GAP)
            found.images.append((coloured(difference(pair, "signed"), "signed"), x, bottom, width, height))
        _map_words(found, arms[0].name, width, bottom, height)
        bottom += height + 1.0
    return Panel(found.width, bottom, found.light, found.images, found.texts, found.lines)


def slices_in_common(volumes: Sequence[Volume]) -> int:
    """How many slices all of them have; InputError if they share no grid."""
    return common_grid(volumes).shape[0]


def _window(shape: tuple[int, ...], crop: tuple[float, float, float, float]) -> tuple[slice, slice]:
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in crop)
    rows = slice(round(top * shape[0]), round(bottom * shape[0]))
    columns = slice(round(left * shape[1]), round(right * shape[1]))
    if rows.stop - rows.start < 8 or columns.stop - columns.start < 8:
        raise InputError("The crop leaves under 8 pixels.")
    return rows, columns


def _grey(levels: Array) -> Array:
    return np.clip(levels.astype(np.float32) * (255 / (UPPER_LEVEL * LEVEL_STEP)), 0, 255).round().astype(np.uint8)


def _scale_bar(found: Panel, width: float, height: float, per_mm: float) -> None:
    """1, 2 or 5 cm (or mm in a narrow crop) at the lower right of the last image; per_mm: figure mm per mm."""
    long = max((mm for mm in (1, 2, 5, 10, 20, 50) if mm * per_mm <= _BAR_SHARE * width), default=None)
    if long is None:
        return
    right, y = found.width - 1.5, height - 1.8
    found.lines.append((right - long * per_mm, y, right, y, 0.5))
    words = f"{long // 10} cm" if long >= 10 else f"{long} mm"
    found.texts.append((right - long * per_mm / 2, y - 0.9, 2.2, "middle", words, False))


def _map_words(found: Panel, name: str, width: float, top: float, height: float) -> None:
    """What the second row shows, in its empty first column."""
    lines = ("Difference to", name, f"± {REACH['signed']:g} % of its", "maximum", "orange brighter", "blue darker")
    size = min(_TEXT, width / 9)
    for number, words in enumerate(lines):
        y = top + height / 2 + (number - len(lines) / 2 + 0.8) * size * 1.4
        found.texts.append((width - 1.0, y, size, "end", words, number == 1))


def png(found: Panel, *, dpi: int = DPI) -> bytes:
    """The figure as PNG with its resolution noted; longer than 8,000 pixels on no side."""
    scale = min(dpi / 25.4, 8000 / max(found.width, found.height))
    ground, ink = ((255, 255, 255), (0, 0, 0)) if found.light else ((0, 0, 0), (235, 236, 238))
    out = Image.new("RGB", (round(found.width * scale), round(found.height * scale)), ground)
    for array, x, y, width, height in found.images:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        smooth = Image.Resampling.LANCZOS if array.ndim == 2 else Image.Resampling.NEAREST
        out.paste(Image.fromarray(array).resize(size, smooth), (round(x * scale), round(y * scale)))
    draw = ImageDraw.Draw(out)
    for x1, y1, x2, y2, width in found.lines:
        ends = tuple(round(value * scale) for value in (x1, y1, x2, y2))
        draw.line(ends, fill=(0, 0, 0), width=max(3, round(2 * width * scale)))
        draw.line(ends, fill=(255, 255, 255), width=max(1, round(width * scale)))
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for x, y, height, anchor, words, strong in found.texts:
        font, place = ImageFont.load_default(size=height * scale), (x * scale, y * scale)
        if _on_image(found, x, y):  # white with a black edge, whatever lies beneath
            edge, colour, rim = max(1, round(height * scale / 12)), (255, 255, 255), (0, 0, 0)
        else:
            edge, colour, rim = round(height * scale / 40) if strong else 0, ink, ink
        draw.text(place, words, fill=colour, font=font, anchor=anchors[anchor], stroke_width=edge, stroke_fill=rim)
    target = io.BytesIO()
    out.save(target, format="PNG", dpi=(scale * 25.4, scale * 25.4))
    return target.getvalue()


def _on_image(found: Panel, x: float, y: float) -> bool:
    return any(left < x < left + width and top < y < top + height for _, left, top, width, height in found.images)


def svg(found: Panel) -> str:
    """The figure as SVG in mm: real text, images embedded as PNG with their own pixels."""
    ground, ink = ("#fff", "#000") if found.light else ("#000", "#ebecee")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{found.width:g}mm" height="{found.height:g}mm" '
        f'viewBox="0 0 {found.width:g} {found.height:g}" font-family="Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{ground}"/>',
    ]
    for array, x, y, width, height in found.images:
        target = io.BytesIO()
        Image.fromarray(array).save(target, format="PNG")
        data = base64.b64encode(target.getvalue()).decode()
        sharp = "" if array.ndim == 2 else ' image-rendering="pixelated"'
        parts.append(
            f'<image x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}" preserveAspectRatio="none"'
            f'{sharp} href="data:image/png;base64,{data}"/>'
        )
    for x1, y1, x2, y2, width in found.lines:
        ends = f'x1="{x1:.3f}" y1="{y1:.3f}" x2="{x2:.3f}" y2="{y2:.3f}"'
        parts.append(f'<line {ends} stroke="#000" stroke-width="{2 * width:g}"/>')
        parts.append(f'<line {ends} stroke="#fff" stroke-width="{width:g}"/>')
    for x, y, height, anchor, words, strong in found.texts:
        inside = _on_image(found, x, y)
        colour = "#fff" if inside else ink
        rim = f' stroke="#000" stroke-width="{height / 6:g}" paint-order="stroke"' if inside else ""
        weight = ' font-weight="700"' if strong else ""
        parts.append(
            f'<text x="{x:.3f}" y="{y:.3f}" font-size="{height:g}" text-anchor="{anchor}" fill="{colour}"{weight}{rim}>'
            f"{escape(words)}</text>"
        )
    return "\n".join([*parts, "</svg>"])
