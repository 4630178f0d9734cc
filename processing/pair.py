"""Two volumes of one case to the frames that a reader sees: one grid, one grey scale, one size.

Nothing in a pair tells which volume is which: geometry, window, order and frame sizes are the same for both
placements, and both volumes take the same path of computation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from processing.dicom.parameters import plane
from processing.errors import InputError
from processing.grid import Grid, common_grid, letters, on_grid, padding_on_grid
from processing.volume import Volume

LEVELS = 4095  # grey levels used: 12 bits, each LEVEL_STEP apart in uint16
LEVEL_STEP = 16
UPPER_LEVEL = 2730  # where the window ends; the rest is headroom for brighter voxels
UNIT = 1024  # bytes: frame sizes are multiples of it
# How frames are coded. Pairs that were prepared before there was a choice do not say; they have the first.
LEFT_NEIGHBOUR, MEDIAN_EDGE, SORTED_BY_ERRORS_ABOVE = 1, 2, 3
CLASSES = 16  # of what lies above a pixel, see `_groups`


@dataclass(frozen=True)
class Pair:
    """What is delivered for one pair, in both placements.

    geometry: JSON-able; rows, columns, slices, spacing [row, column] mm, slice_spacing mm, letters {w, e, n, s},
    plane, window {lower, upper}, coding (see `decode`). order: frame numbers, middle first, outwards. frames:
    "first_left" and "second_left", each a list of encoded wide frames (see `encode`) in slice order.
    """

    geometry: dict[str, Any]
    order: list[int]
    flags: list[str]
    frames: dict[str, list[bytes]]


def make_pair(first: Volume, second: Volume, *, grid: Grid | None = None) -> Pair:
    """Map two volumes onto the grid of their case and encode both placements.

    Parameters
    ----------
    first, second : Volume
        The arms.
    grid : Grid, optional
        ``common_grid`` of all arms of the case; by default of these two.

    Returns
    -------
    Pair
        ``geometry``, ``order``, ``flags`` and ``frames``, the same for both placements.

    Raises
    ------
    InputError
        If the volumes do not share a plane, a slice distance and a common extent.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.pair import make_pair
    >>> from processing.volume import Volume
    >>> array = np.arange(2 * 16 * 16).reshape(2, 16, 16)
    >>> pair = make_pair(Volume(array, np.eye(4)), Volume(array[:, ::-1], np.eye(4)))
    >>> pair.geometry["rows"], pair.geometry["plane"], pair.order, sorted(pair.frames)
    (16, 'axial', [1, 0], ['first_left', 'second_left'])
    """
    grid = grid or common_grid([first, second])
    volumes = first, second
    paddings = [found for volume in volumes if (found := padding_on_grid(volume, grid)) is not None]
    # Padded on one side, black on both: the side cannot be told by it.
    padding = np.logical_or.reduce(paddings) if paddings else None
    levels = [grey_levels(on_grid(volume, grid), grid, padding) for volume in volumes]
    slices, rows, columns = grid.shape
    left_first, left_second = [], []
    for n in range(slices):
        one = encode(levels[0][n], levels[1][n])
        other = encode(levels[1][n], levels[0][n])
        size = -(-max(len(one), len(other)) // UNIT) * UNIT
        left_first.append(pad(one, size))
        left_second.append(pad(other, size))
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    geometry = {
        "rows": rows,
        "columns": columns,
        "slices": slices,
        "spacing": [round(float(spacing[1]), 4), round(float(spacing[0]), 4)],
        "slice_spacing": round(float(spacing[2]), 4),
        "letters": letters(grid.affine),
        "plane": plane(grid.affine),
        "window": {"lower": 0, "upper": UPPER_LEVEL * LEVEL_STEP},
        "coding": SORTED_BY_ERRORS_ABOVE,
    }
    frames = {"first_left": left_first, "second_left": left_second}
    return Pair(geometry, middle_first(slices), list(grid.flags), frames)


def levelled(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of one case with frames of equal length, slice by slice: sizes then tell the case and nothing else.

    Without it the pairs of two smooth arms would be the smaller ones, and a repeat would be known by its sizes.
    """
    slices = range(min(len(pair.order) for pair in pairs)) if pairs else range(0)
    sizes = [max(len(pair.frames["first_left"][n]) for pair in pairs) for n in slices]
    return [
        replace(pair, frames={order: list(map(pad, frames, sizes)) for order, frames in pair.frames.items()})
        for pair in pairs
    ]


def middle_first(count: int) -> list[int]:
    """0 … count − 1 from the middle outwards."""
    middle = count // 2
    return sorted(range(count), key=lambda n: (abs(n - middle), n))


def grey_levels(array: np.ndarray, grid: Grid, padding: np.ndarray | None = None) -> np.ndarray:
    """Intensities of one series on the grid to uint16, by the rule that holds for every series.

    Percentiles of the volume after averaging over in-plane blocks of about 4 mm, which keeps noise from
    moving them: the 99.8th goes to level 2730 of 4095, and zero stays zero (or the 0.5th percentile if that is
    negative). Linear between, brighter voxels up to 1.5 times follow, the rest is cut off. Levels are multiples
    of 16, so that 12-bit scanner integers and computed values have the same histogram steps. Padding is black, and no
    block with padding counts.
    Raises InputError if the image has no contrast.
    """
    spacing = np.linalg.norm(grid.affine[:3, :2], axis=0)
    lower, upper = grey_range(array, float(spacing[0]), float(spacing[1]), padding)
    levels = (array - np.float32(lower)) * np.float32(UPPER_LEVEL / (upper - lower))
    np.rint(levels, out=levels)
    np.clip(levels, 0, LEVELS, out=levels)
    if padding is not None:
        levels[padding] = 0
    return levels.astype(np.uint16) * np.uint16(LEVEL_STEP)


def grey_range(array: np.ndarray, column: float, row: float, padding: np.ndarray | None = None) -> tuple[float, float]:
    """The intensities at levels 0 and 2730 by the rule of `grey_levels`; column, row: distances in mm.

    Raises InputError if the image has no contrast.
    """
    size = max(1, round(4.0 / row)), max(1, round(4.0 / column))
    blocks = _block_means(array, *size)
    if padding is not None:
        measured = _block_means(padding, *size) == 0
        blocks = blocks[measured] if measured.any() else array[~padding]
    if not blocks.size:
        raise InputError("The image is padding alone: it cannot be shown.")
    lower = min(0.0, float(np.percentile(blocks, 0.5)))
    upper = float(np.percentile(blocks, 99.8))
    if upper <= lower:
        raise InputError("The image has no contrast: it cannot be shown.")
    return lower, upper


def _block_means(array: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width = array.shape[1] // rows * rows, array.shape[2] // columns * columns
    blocks = array[:, :height, :width].reshape(len(array), height // rows, rows, width // columns, columns)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float64))


def encode(left: np.ndarray, right: np.ndarray) -> bytes:
    """One wide frame [left | right] as gzip, by the present coding: what the median edge detector of LOCO-I
    (Weinberger, Seroussi & Sapiro 2000) leaves of each level, sorted by how far it erred just above.

    How many errors each class has, left and right (uint32, little-endian); then the low bytes of all, then the high
    bytes, class by class, left before right, each row by row. left, right: uint16 (rows, columns), multiples of
    `LEVEL_STEP`. No name, time zero.
    """
    levels = (np.stack([left, right]) // LEVEL_STEP).astype(np.int16)
    errors = levels - _expected(levels)
    # 0, −1, 1, −2, … to 0, 1, 2, 3, …: the high bytes of small errors are zero, whatever their sign.
    folded = ((errors << 1) ^ (errors >> 15)).astype(np.uint16)
    above = np.zeros_like(folded)
    above[:, 1:] = folded[:, :-1]
    groups = _groups(above).ravel()
    order = np.argsort(groups, kind="stable")
    ends = np.searchsorted(groups[order], np.arange(2 * CLASSES), side="right")
    ordered = folded.ravel()[order]
    # Errors hold no repeats worth a search: run lengths and Huffman codes are as small and 20 times faster.
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
    content = np.diff(ends, prepend=0).astype("<u4").tobytes()
    body = packer.compress(content)
    for half in (ordered & 0xFF).astype(np.uint8), (ordered >> 8).astype(np.uint8):
        content += half.tobytes()
        for part in np.split(half, ends[1:-1:2]):
            # A class has Huffman codes of its own.
            body += packer.flush(zlib.Z_BLOCK) + packer.compress(part.tobytes())
    return _HEADER + b"\0" + body + packer.flush() + struct.pack("<II", zlib.crc32(content), len(content))


def _expected(levels: np.ndarray) -> np.ndarray:
    """What is expected of each level after those above it and to its left: W + N − NW, between W and N. In the first
    row W, in the first column N, and 0 in the corner."""
    found = np.zeros_like(levels)
    found[..., 0, 1:] = levels[..., 0, :-1]
    found[..., 1:, 0] = levels[..., :-1, 0]
    west, north, corner = levels[..., 1:, :-1], levels[..., :-1, 1:], levels[..., :-1, :-1]
    found[..., 1:, 1:] = np.clip(west + north - corner, np.minimum(west, north), np.maximum(west, north))
    return found


def _groups(above: np.ndarray) -> np.ndarray:
    """Of each pixel 2 × class + side. above: the folded errors of the row above it, (2 sides, …, columns).

    Its class: how many bits the sum of the three nearest of them takes. Noise and edges make large errors, and they
    make them together.
    """
    near = above.copy()
    near[..., 1:] += above[..., :-1]
    near[..., :-1] += above[..., 1:]
    groups = 2 * _BITS.take(near)
    groups[1] += 1
    return groups


_BITS = np.array([sum_.bit_length() for sum_ in range(1 << (CLASSES - 1))], np.uint8)


# ID, deflate, FCOMMENT present, time 0, no extra flags, unknown system (RFC 1952).
_HEADER = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff"


def pad(frame: bytes, size: int) -> bytes:
    """The frame at `size` bytes: spaces in the gzip comment, which decoders skip."""
    return _HEADER + b" " * (size - len(frame)) + frame[len(_HEADER) :]


def decode(frame: bytes, geometry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Left and right image (uint16) of an encoded frame of a pair of this geometry: what the viewer does."""
    shape = geometry["rows"], geometry["columns"]
    coding = geometry.get("coding", LEFT_NEIGHBOUR)
    content = zlib.decompress(frame, 31)
    head = 4 * 2 * CLASSES if coding == SORTED_BY_ERRORS_ABOVE else 0
    planes = np.frombuffer(content, np.uint8, offset=head).reshape(2, -1)
    coded = planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8
    if coding == SORTED_BY_ERRORS_ABOVE:
        left, right = _in_rows(coded, np.frombuffer(content[:head], "<u4"), shape)
        return _levels(left), _levels(right)
    wide = coded.reshape(shape[0], 2 * shape[1])
    wide = np.cumsum(wide, axis=1, dtype=np.uint16) if coding == LEFT_NEIGHBOUR else _levels(wide)
    return wide[:, : shape[1]], wide[:, shape[1] :]


def _in_rows(ordered: np.ndarray, counts: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Folded errors (2 sides, rows, columns) as they were before `encode` sorted them; counts: of each group."""
    rows, columns = shape
    found = np.zeros((2, rows + 1, columns), np.uint16)
    taken = np.cumsum(counts, dtype=int) - counts
    for row in range(rows):
        groups = _groups(found[:, row]).ravel()
        here = np.bincount(groups, minlength=2 * CLASSES)
        at = np.repeat(taken - np.cumsum(here) + here, here) + np.arange(2 * columns)
        line = np.empty(2 * columns, np.uint16)
        line[np.argsort(groups, kind="stable")] = ordered[at]
        found[:, row + 1] = line.reshape(2, columns)
        taken += here
    return found[:, 1:]


def _levels(folded: np.ndarray) -> np.ndarray:
    """The image of folded `levels - _expected(levels)`, one diagonal after the other: none needs another of its own."""
    errors = (folded >> 1).astype(np.int16) ^ -(folded & 1).astype(np.int16)
    rows, columns = errors.shape
    found = errors.copy()
    np.cumsum(errors[0], out=found[0])
    np.cumsum(errors[:, 0], out=found[:, 0])
    flat = found.reshape(-1)
    for diagonal in range(2, rows + columns - 1):
        first, last = max(1, diagonal - columns + 1), min(rows, diagonal)
        at = np.arange(first, last) * (columns - 1) + diagonal  # row i, column diagonal − i
        west, north = flat[at - 1], flat[at - columns]
        middle = west + north - flat[at - columns - 1]
        flat[at] += np.clip(middle, np.minimum(west, north), np.maximum(west, north))
    return found.astype(np.uint16) * LEVEL_STEP
