"""Figure panels as in papers: one slice across the arms, with scan times, scale bar, arrow and difference maps."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from processing.errors import InputError
from processing.grid import Grid, common_grid, on_grid, oriented
from processing.pair import grey_range
from processing.pictures.difference_map import REACH, SlicePair, coloured, difference
from processing.volume import Array, Volume

WIDTHS = {1: 85.0, 2: 174.0}  # mm: one or two columns of a journal
DPI = 300
MOST = 6  # arms beside each other
WINDOW = "from 0 to the 99.8th percentile of the means of 4 mm blocks of the series, as for the readers"
_GAP, _LINE, _TEXT, _LEAST_TEXT = 1.2, 4.0, 3.0, 1.6  # mm: between images, between lines, height of letters
_BAR_SHARE = 0.3  # of the image, at most
_ARROW = np.array([(0, 0), (-1.1, 2.9), (-0.3, 2.4), (-0.3, 5.5), (0.3, 5.5), (0.3, 2.4), (1.1, 2.9)])  # mm; tip first


@dataclass(frozen=True)
class PanelArm:
    """One column: its volume, its name, and what stands beneath, such as the scan time.

    matrix: 4 × 4, from a point of the first arm to one of this (LPS, mm), for the difference map alone; None where the
    two share patient coordinates.
    """

    volume: Volume
    name: str
    note: str = ""
    matrix: Array | None = None


@dataclass(frozen=True)
class Options:
    """columns: of the journal, 1 or 2. light: black letters on white. letters: (a), (b), … maps: a second row with the
    signed difference to the first arm. crop: left, top, right, bottom as shares of the image. scale: a bar in cm.
    arrow: where its tip lies in every arm, from the left and the top, as shares of the whole image."""

    columns: int = 2
    light: bool = False
    letters: bool = True
    maps: bool = False
    scale: bool = True
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    arrow: tuple[float, float] | None = None


@dataclass(frozen=True)
class Panel:
    """A laid-out figure; lengths in mm. images: RGB or grey uint8 arrays with x, y, width, height; texts: x, y of the
    baseline, height, anchor (start, middle, end), words, strong; lines: x1, y1, x2, y2, width; arrows: corners.
    place: the slice shown, from 0, of the `slices` that all arms have. arms: how many of the images show one."""

    width: float
    height: float
    light: bool
    place: int
    slices: int
    arms: int
    images: list[tuple[Array, float, float, float, float]] = field(default_factory=list)
    texts: list[tuple[float, float, float, str, str, bool]] = field(default_factory=list)
    lines: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    arrows: list[list[tuple[float, float]]] = field(default_factory=list)


def panel(arms: Sequence[PanelArm], place: int | None = None, options: Options | None = None) -> Panel:
    """Lay out slice `place` (from 0, clipped to those that all arms have; the middle one if None) of up to six arms.

    The arms come onto one grid as readers see them (processing.pair), each in the WINDOW of its series. Raises
    InputError for no or too many arms, an empty crop, other columns than 1 and 2, or arms that share no grid.
    """
    options = options or Options()
    if not 1 <= len(arms) <= MOST:
        raise InputError(f"A figure holds one to {MOST} arms.")
    if options.columns not in WIDTHS:
        raise InputError("A figure is one or two columns wide.")
    grid = common_grid([arm.volume for arm in arms])
    slices = grid.shape[0]
    place = slices // 2 if place is None else min(max(place, 0), slices - 1)
    window = _window(grid.shape[1:], options.crop)
    shown = [on_grid(arm.volume, grid, only=place)[0] for arm in arms]
    greys = [_grey(image[window], arm.volume, grid) for image, arm in zip(shown, arms, strict=True)]
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    rows, columns = greys[0].shape
    total = WIDTHS[options.columns]
    width = (total - _GAP * (len(arms) - 1)) / len(arms)
    height = float(width * rows * spacing[1] / (columns * spacing[0]))
    found = Panel(total, 0.0, options.light, place, slices, len(arms))
    for number, grey in enumerate(greys):
        found.images.append((grey, number * (width + _GAP), 0.0, width, height))
    bottom = _names(found, arms, options, width, height)
    if options.scale:
        _scale_bar(found, width, height, width / (columns * spacing[0]))
    if options.arrow:
        _arrows(found, options.arrow, options.crop, width, height)
    if options.maps and len(arms) > 1:
        for number, image in enumerate(_maps(arms, shown, grid, place), 1):
            found.images.append((image[window], number * (width + _GAP), bottom, width, height))
        _legend(found, arms[0].name, width, bottom, height)
        bottom += height
    lists = found.images, found.texts, found.lines, found.arrows
    return Panel(total, bottom, options.light, place, slices, len(arms), *lists)


def _window(shape: tuple[int, ...], crop: tuple[float, float, float, float]) -> tuple[slice, slice]:
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in crop)
    rows = slice(round(top * shape[0]), round(bottom * shape[0]))
    columns = slice(round(left * shape[1]), round(right * shape[1]))
    if rows.stop - rows.start < 8 or columns.stop - columns.start < 8:
        raise InputError("The crop leaves under 8 pixels.")
    return rows, columns


def _grey(image: Array, volume: Volume, grid: Grid) -> Array:
    whole = oriented(volume, grid.affine[:3, 2])
    lower, upper = grey_range(whole.array, *whole.spacing[:2], whole.padding)
    return (np.clip((image - lower) / (upper - lower), 0, 1) * 255).round().astype(np.uint8)


def _maps(arms: Sequence[PanelArm], shown: Sequence[Array], grid: Grid, place: int) -> list[Array]:
    """The signed difference of all arms but the first to the first, coloured; shown: their slices on the grid."""
    from processing.registration import apply  # heavy, and most of the site does without

    reference = shown[0]
    affine = grid.affine.copy()
    affine[:3, 3] += place * affine[:3, 2]
    like = Volume(reference[None], affine)
    column, row, _ = like.spacing
    peak, found = float(arms[0].volume.array.max()), []
    for arm, image in zip(arms[1:], shown[1:], strict=True):
        test, inside = image, np.ones(reference.shape, bool)
        if arm.matrix is not None:
            there, covered = apply(np.asarray(arm.matrix), arm.volume, like=like)
            test, inside = there.array[0], covered[0]
        pair = SlicePair(reference, test, inside, (row, column), peak)
        found.append(coloured(difference(pair, "signed"), "signed"))
    return found


def _names(found: Panel, arms: Sequence[PanelArm], options: Options, width: float, height: float) -> float:
    """Name and note beneath each image, as large as all fit; returns where the next row may begin."""
    names = [(f"({'abcdef'[n]}) " if options.letters else "") + arm.name for n, arm in enumerate(arms)]
    notes = [arm.note for arm in arms]
    longest = max((_length(words) for words in (*names, *notes)), default=0.0)
    size = max(_LEAST_TEXT, min(_TEXT, (width - 0.4) / max(longest, 1e-9)))
    step = _LINE * size / _TEXT
    for number, (name, note) in enumerate(zip(names, notes, strict=True)):
        x = number * (width + _GAP)
        found.texts.append((x, height + step, size, "start", name, True))
        if note:
            found.texts.append((x, height + 2 * step, size, "start", note, False))
    return height + (2 if any(notes) else 1) * step + 1.4


def _length(words: str) -> float:
    """Length of a text in heights of its letters; a little more than PIL's font needs, since SVG takes another."""
    return 1.1 * ImageFont.load_default(size=100).getlength(words) / 100


def _scale_bar(found: Panel, width: float, height: float, per_mm: float) -> None:
    """1, 2 or 5 cm (or mm in a narrow crop) at the lower right of the last image; per_mm: figure mm per mm."""
    long = max((mm for mm in (1, 2, 5, 10, 20, 50) if mm * per_mm <= _BAR_SHARE * width), default=None)
    if long is None:
        return
    right, y = found.width - 1.5, height - 1.8
    found.lines.append((right - long * per_mm, y, right, y, 0.5))
    words = f"{long // 10} cm" if long >= 10 else f"{long} mm"
    found.texts.append((right - long * per_mm / 2, y - 0.9, 2.2, "middle", words, False))


def _arrows(
    found: Panel, tip: tuple[float, float], crop: tuple[float, float, float, float], width: float, height: float
) -> None:
    """An arrow to the same place in every arm, from whichever side has room; none if the crop leaves its tip out."""
    left, top, right, bottom = crop
    across, down = (tip[0] - left) / (right - left), (tip[1] - top) / (bottom - top)
    if not (0 <= across <= 1 and 0 <= down <= 1):
        return
    turn = np.radians((45 if across > 0.5 else -45) * (1 if down <= 0.5 else 3))
    cosine, sine = np.cos(turn), np.sin(turn)
    corners = _ARROW * min(1.0, width / 40) @ np.array([[cosine, sine], [-sine, cosine]])
    for number in range(found.arms):
        x = number * (width + _GAP) + across * width
        found.arrows.append([(float(x + a), float(down * height + b)) for a, b in corners])


def _legend(found: Panel, name: str, width: float, top: float, height: float) -> None:
    """What the second row shows, in its empty first column, with the colours."""
    reach = REACH["signed"]
    lines = ("Difference to", name, "in % of its maximum")
    size = max(_LEAST_TEXT, min(_TEXT, (width - 2) / max(map(_length, lines))))
    y = top + height / 2 - 2.2 * size
    for number, words in enumerate(lines):
        found.texts.append((width - 1.0, y + number * 1.35 * size, size, "end", words, number == 1))
    long = min(24.0, width - 2)
    left, y = width - 1.0 - long, y + 3.2 * size
    colours = coloured(np.linspace(-reach, reach, 255, dtype=np.float32)[None].repeat(8, axis=0), "signed")
    found.images.append((colours, left, y, long, 0.7 * size))
    for share, anchor in ((-1, "start"), (0, "middle"), (1, "end")):
        words = f"{share * reach:+g}" if share else "0"
        found.texts.append((left + long * (share + 1) / 2, y + 1.8 * size, 0.8 * size, anchor, words, False))


def png(figure: Panel, *, dpi: float = DPI, compress_level: int = 6) -> bytes:
    """The figure as PNG with its resolution noted; longer than 8,000 pixels on no side."""
    scale = min(dpi / 25.4, 8000 / max(figure.width, figure.height))
    ground, ink = ((255, 255, 255), (0, 0, 0)) if figure.light else ((0, 0, 0), (235, 236, 238))
    out = Image.new("RGB", (round(figure.width * scale), round(figure.height * scale)), ground)
    for array, x, y, width, height in figure.images:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        smooth = Image.Resampling.LANCZOS if array.ndim == 2 else Image.Resampling.NEAREST
        out.paste(Image.fromarray(array).resize(size, smooth), (round(x * scale), round(y * scale)))
    draw = ImageDraw.Draw(out)
    for x1, y1, x2, y2, width in figure.lines:
        ends = tuple(round(value * scale) for value in (x1, y1, x2, y2))
        draw.line(ends, fill=(0, 0, 0), width=max(3, round(2 * width * scale)))
        draw.line(ends, fill=(255, 255, 255), width=max(1, round(width * scale)))
    for corners in figure.arrows:
        outline = [(x * scale, y * scale) for x, y in corners]
        draw.polygon(outline, fill=(255, 255, 255), outline=(0, 0, 0), width=max(1, round(0.12 * scale)))
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for x, y, height, anchor, words, strong in figure.texts:
        font, place = ImageFont.load_default(size=height * scale), (x * scale, y * scale)
        if _on_image(figure, x, y):  # white with a black edge, whatever lies beneath
            edge, colour, rim = max(1, round(height * scale / 12)), (255, 255, 255), (0, 0, 0)
        else:
            edge, colour, rim = round(height * scale / 40) if strong else 0, ink, ink
        draw.text(place, words, fill=colour, font=font, anchor=anchors[anchor], stroke_width=edge, stroke_fill=rim)
    target = io.BytesIO()
    out.save(target, format="PNG", dpi=(scale * 25.4, scale * 25.4), compress_level=compress_level)
    return target.getvalue()


def _on_image(figure: Panel, x: float, y: float) -> bool:
    return any(left < x < left + width and top < y < top + height for _, left, top, width, height in figure.images)


def svg(figure: Panel) -> str:
    """The figure as SVG in mm: real text, images embedded as PNG with their own pixels."""
    ground, ink = ("#fff", "#000") if figure.light else ("#000", "#ebecee")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{figure.width:g}mm" height="{figure.height:g}mm" '
        f'viewBox="0 0 {figure.width:g} {figure.height:g}" font-family="Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{ground}"/>',
    ]
    for array, x, y, width, height in figure.images:
        target = io.BytesIO()
        Image.fromarray(array).save(target, format="PNG")
        data = base64.b64encode(target.getvalue()).decode()
        sharp = "" if array.ndim == 2 else ' image-rendering="pixelated"'
        parts.append(
            f'<image x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}" preserveAspectRatio="none"'
            f'{sharp} href="data:image/png;base64,{data}"/>'
        )
    for x1, y1, x2, y2, width in figure.lines:
        ends = f'x1="{x1:.3f}" y1="{y1:.3f}" x2="{x2:.3f}" y2="{y2:.3f}"'
        parts.append(f'<line {ends} stroke="#000" stroke-width="{2 * width:g}"/>')
        parts.append(f'<line {ends} stroke="#fff" stroke-width="{width:g}"/>')
    for corners in figure.arrows:
        points = " ".join(f"{x:.3f},{y:.3f}" for x, y in corners)
        parts.append(f'<polygon points="{points}" fill="#fff" stroke="#000" stroke-width="0.12"/>')
    for x, y, height, anchor, words, strong in figure.texts:
        inside = _on_image(figure, x, y)
        colour = "#fff" if inside else ink
        rim = f' stroke="#000" stroke-width="{height / 6:g}" paint-order="stroke"' if inside else ""
        weight = ' font-weight="700"' if strong else ""
        parts.append(
            f'<text x="{x:.3f}" y="{y:.3f}" font-size="{height:g}" text-anchor="{anchor}" fill="{colour}"{weight}{rim}>'
            f"{escape(words)}</text>"
        )
    return "\n".join([*parts, "</svg>"])
