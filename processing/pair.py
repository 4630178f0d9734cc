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
from scipy import ndimage

from processing.dicom.parameters import plane
from processing.errors import InputError
from processing.volume import Volume

LEVELS = 4095  # grey levels used: 12 bits, each LEVEL_STEP apart in uint16
LEVEL_STEP = 16
UPPER_LEVEL = 2730  # where the window ends; the rest is headroom for brighter voxels
SAME_PIXEL = 0.02  # pixels: closer than this is the same place
SAME_SPACING = 1.02  # ratio: up to here columns, rows and slices lie equally far apart
PADDING_SHARE = 0.05  # of an interpolated voxel: more padding in it, and it is padding
SMALLEST = 16  # pixels of common extent
UNIT = 1024  # bytes: frame sizes are multiples of it


@dataclass(frozen=True)
class Grid:
    """Where all arms of a case are shown.

    affine: display grid (column, row, slice) to LPS mm; shape: slices, rows, columns. resampled: whether the
    arms go through the interpolation kernel (all or none). flags: sentences for the person who imports.
    """

    affine: np.ndarray
    shape: tuple[int, int, int]
    resampled: bool
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """What is delivered for one pair, in both placements.

    geometry: JSON-able; rows, columns, slices, spacing [row, column] mm, slice_spacing mm, letters {w, e, n, s},
    plane, window {lower, upper}. order: frame numbers, middle first, outwards. frames: "first_left" and
    "second_left", each a list of encoded wide frames (see `encode`) in slice order.
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


# Geometry


def oriented(volume: Volume, normal: np.ndarray | None = None) -> Volume:
    """The volume as radiologists look at it, by exchanging and mirroring axes only: no value changes.

    Slices are the third index, or the index with the widest spacing if that is over 1.5 times the third's
    (NIfTI may store slices along any). If the spacings are the same, so that nothing tells which are slices, and a
    normal (LPS) is given, they are the index nearest to it. Axial and coronal: patient's left on the right; sagittal:
    posterior on the right; head or anterior up. Slices run to the head, to the left or to posterior.
    """
    spacing = np.array(volume.spacing)
    directions = volume.affine[:3, :3] / spacing
    if normal is not None and spacing.max() <= SAME_SPACING * spacing.min():
        slice_axis = int(np.argmax(np.abs(normal @ directions)))
    else:
        slice_axis = int(np.argmax(spacing)) if spacing.max() > 1.5 * spacing[2] else 2
    through = int(np.argmax(np.abs(directions[:, slice_axis])))
    wanted = {
        0: ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
        1: ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
        2: ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    }[through]
    in_plane = [axis for axis in range(3) if axis != slice_axis]
    column_axis = max(in_plane, key=lambda axis: abs(directions[:, axis] @ wanted[0]))
    row_axis = next(axis for axis in in_plane if axis != column_axis)
    axes = (column_axis, row_axis, slice_axis)
    return volume.exchanged(axes, [directions[:, axis] @ way < 0 for axis, way in zip(axes, wanted, strict=True)])


def common_grid(volumes: Sequence[Volume]) -> Grid:
    """The grid for all arms of a case: finest in-plane matrix, common extent, slices that all arms have.

    Parameters
    ----------
    volumes : sequence of Volume
        The arms, at least one.

    Returns
    -------
    Grid
        ``affine``, ``shape``, whether the arms are ``resampled``, and ``flags``, sentences for the person who imports.

    Raises
    ------
    InputError
        If planes are tilted against each other, slice distances differ or nothing overlaps.

    Notes
    -----
    Volumes with voxels of one size in all directions are sliced as the finest volume is. Slices are partners if they
    lie within half a slice distance along the normal. If every arm lies on the grid up to whole pixels, none is
    resampled; else all go through the same cubic spline kernel in their plane.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.pair import common_grid
    >>> from processing.volume import Volume
    >>> whole, part = Volume(np.zeros((4, 32, 32)), np.eye(4)), Volume(np.zeros((3, 32, 32)), np.eye(4))
    >>> found = common_grid([whole, part])
    >>> found.shape, found.resampled
    ((3, 32, 32), False)
    """
    if not volumes:
        raise InputError("A case needs at least one series.")
    arms = [oriented(volume) for volume in volumes]
    reference = min(arms, key=lambda arm: round(arm.spacing[0] * arm.spacing[1], 6))
    inverse = np.linalg.inv(reference.affine)
    distance = reference.spacing[2]
    arms = [
        arm if abs(arm.normal @ reference.normal) > np.cos(np.radians(45)) else oriented(volume, reference.normal)
        for arm, volume in zip(arms, volumes, strict=True)
    ]
    low, high = np.zeros(3), np.array(reference.shape[::-1], dtype=float) - 1
    offsets = []
    for arm in arms:
        _check_planes(arm, reference)
        origin = inverse @ _centre_of_slices(arm)
        first = round(float(origin[2] - (arm.shape[0] - 1) / 2))
        offsets.append(abs(origin[2] - (arm.shape[0] - 1) / 2 - first) * distance)
        low[2], high[2] = max(low[2], first), min(high[2], first + arm.shape[0] - 1)
        edges = _edges(arm, inverse)
        low[:2] = np.maximum(low[:2], np.ceil(edges[0] - SAME_PIXEL))
        high[:2] = np.minimum(high[:2], np.floor(edges[1] + SAME_PIXEL))
    size = (high - low + 1).astype(int)
    if size[2] < 1:
        raise InputError("The series of the case have no slice in common; they show different parts of the body.")
    if size[:2].min() < SMALLEST:
        raise InputError("The series of the case overlap by under 16 pixels; they show different parts of the body.")
    affine = reference.affine.copy()
    affine[:3, 3] = (reference.affine @ np.array([*low, 1.0]))[:3]
    grid = Grid(affine, (int(size[2]), int(size[1]), int(size[0])), False, ())
    resampled = any(_shift(arm, grid) is None for arm in arms)
    flags = _flags(arms, grid, resampled, max(offsets))
    return Grid(affine, grid.shape, resampled, flags)


def check_same_place(
    one: Sequence, shape: tuple[int, int, int], other: Sequence, other_shape: tuple[int, int, int]
) -> None:
    """Check whether two series can stand beside each other.

    Parameters
    ----------
    one : sequence
        Affine of one series (4 × 4, LPS mm).
    shape : tuple of int
        Its slices, rows and columns.
    other : sequence
        Affine of the other.
    other_shape : tuple of int
        Its slices, rows and columns.

    Raises
    ------
    InputError
        Says why not.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.pair import check_same_place
    >>> there = np.eye(4)
    >>> there[2, 3] = 100  # mm further to the head
    >>> check_same_place(np.eye(4), (4, 32, 32), there, (4, 32, 32))
    Traceback (most recent call last):
        ...
    processing.errors.InputError: The series of the case have no slice in common; they show different parts of the body.
    """
    common_grid([Volume(np.zeros(size, np.float32), np.array(a)) for a, size in ((one, shape), (other, other_shape))])


def _centre_of_slices(arm: Volume) -> np.ndarray:
    slices, rows, columns = arm.shape
    return arm.affine @ np.array([(columns - 1) / 2, (rows - 1) / 2, (slices - 1) / 2, 1.0])


def _check_planes(arm: Volume, reference: Volume) -> None:
    normals = [np.cross(v.affine[:3, 0], v.affine[:3, 1]) for v in (arm, reference)]
    cosine = abs(normals[0] @ normals[1]) / np.linalg.norm(normals[0]) / np.linalg.norm(normals[1])
    tilt = float(np.degrees(np.arccos(min(1.0, cosine))))
    reach = 0.5 * np.hypot(arm.shape[1] * arm.spacing[1], arm.shape[2] * arm.spacing[0])
    if np.sin(np.radians(tilt)) * reach > 0.5 * reference.spacing[2] or tilt > 10:
        raise InputError(f"The planes of the series are tilted by {tilt:.1f}° against each other; register them first.")
    along = arm.affine[:3, 0] @ reference.affine[:3, 0] / arm.spacing[0] / reference.spacing[0]
    if along < np.cos(np.radians(10)):
        raise InputError("The series are turned against each other in their plane; register them first.")
    ours, theirs = arm.spacing[2], reference.spacing[2]
    if abs(ours - theirs) > 0.02 * theirs and min(arm.shape[0], reference.shape[0]) > 1:
        raise InputError(
            f"The slices lie {min(ours, theirs):.2f} mm apart in one series and {max(ours, theirs):.2f} mm in "
            "another; slices cannot be paired."
        )


def _edges(arm: Volume, inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Innermost edges of the arm's plane in column and row indices of the reference."""
    slices, rows, columns = arm.shape
    corners = [
        (inverse @ arm.affine @ np.array([i, j, (slices - 1) / 2, 1.0]))[:2]
        for j in (-0.5, rows - 0.5)
        for i in (-0.5, columns - 0.5)
    ]
    (a, b), (c, d) = corners[:2], corners[2:]
    return (
        np.array([max(a[0], c[0]), max(a[1], b[1])]),
        np.array([min(b[0], d[0]), min(c[1], d[1])]),
    )


def _to_arm(arm: Volume, grid: Grid) -> np.ndarray:
    """Grid indices (column, row, slice, 1) to indices of the arm."""
    return np.linalg.inv(arm.affine) @ grid.affine


def _shift(arm: Volume, grid: Grid) -> tuple[int, int] | None:
    """Whole columns and rows by which the grid starts inside the arm; None if the arm must be resampled."""
    matrix = _to_arm(arm, grid)
    slices, rows, columns = grid.shape
    corners = np.array([(i, j, k, 1.0) for i in (0, columns - 1) for j in (0, rows - 1) for k in (0, slices - 1)])
    shifts = (matrix @ corners.T).T[:, :2] - corners[:, :2]
    whole = np.round(shifts[0])
    if np.abs(shifts - whole).max() > 5 * SAME_PIXEL:
        return None
    return int(whole[0]), int(whole[1])


def on_grid(volume: Volume, grid: Grid, *, only: int | None = None) -> np.ndarray:
    """The volume's intensities on the grid, float32 (slices, rows, columns).

    only: one slice of the grid, from 0; the result then has that slice alone, and costs no more than it.
    Raises InputError if the volume does not cover the grid.
    """
    arm = oriented(volume, grid.affine[:3, 2])
    matrix = _to_arm(arm, grid)
    slices, rows, columns = grid.shape
    centre = matrix @ np.array([(columns - 1) / 2, (rows - 1) / 2, 0.0, 1.0])
    first = round(float(centre[2]))
    if first < 0 or first + slices > arm.shape[0]:
        raise InputError("The series does not cover the slices of its case; import the case again.")
    wanted = range(slices) if only is None else range(only, only + 1)
    stack = arm.array[first + wanted.start : first + wanted.stop]
    if grid.resampled:
        return _resample(stack, matrix, rows, columns, wanted)
    shift = _shift(arm, grid)
    if shift is None or min(shift) < 0 or shift[0] + columns > arm.shape[2] or shift[1] + rows > arm.shape[1]:
        raise InputError("The series does not lie on the grid of its case; import the case again.")
    return np.ascontiguousarray(stack[:, shift[1] : shift[1] + rows, shift[0] : shift[0] + columns])


def _resample(stack: np.ndarray, matrix: np.ndarray, rows: int, columns: int, wanted: range) -> np.ndarray:
    """Cubic spline interpolation in the plane of each slice; wanted: which slices of the grid they are."""
    out = np.empty((len(stack), rows, columns), np.float32)
    slope = np.array([[matrix[1, 1], matrix[1, 0]], [matrix[0, 1], matrix[0, 0]]])
    turned = max(abs(slope[0, 1]) * columns, abs(slope[1, 0]) * rows) > SAME_PIXEL
    for place, (n, image) in enumerate(zip(wanted, stack, strict=True)):
        # A slice may be shifted in its plane against the next where normals differ slightly.
        start = np.array([matrix[1, 3] + matrix[1, 2] * n, matrix[0, 3] + matrix[0, 2] * n])
        if turned:
            ndimage.affine_transform(image, slope, start, (rows, columns), out[place], order=3, mode="mirror")
        else:
            down = _kernel(image.shape[0], rows, slope[0, 0], start[0])
            across = _kernel(image.shape[1], columns, slope[1, 1], start[1])
            out[place] = down @ image @ across.T
    return out


def _kernel(size: int, count: int, step: float, start: float) -> np.ndarray:
    """Cubic spline interpolation at start + step·n along one axis as a matrix (count, size)."""
    if start + step * (count - 1) > size - 0.4 or start < -0.6:
        raise InputError("The series does not cover the extent of its case; import the case again.")
    coefficients = ndimage.spline_filter1d(np.eye(size), order=3, axis=0, mode="mirror")
    coordinates = start + step * np.arange(count)
    base = np.floor(coordinates).astype(int)
    t = coordinates - base
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3]) / 6
    taps = np.abs(base + np.arange(-1, 3)[:, None])
    taps = np.where(taps >= size, 2 * (size - 1) - taps, taps)
    return np.asarray(np.einsum("tc,tcs->cs", basis, coefficients[taps]), dtype=np.float32)


def _flags(arms: Sequence[Volume], grid: Grid, resampled: bool, offset: float) -> tuple[str, ...]:
    found = []
    pixels = sorted({(round(arm.spacing[1], 3), round(arm.spacing[0], 3)) for arm in arms})
    if len(pixels) > 1:
        sizes = ", ".join(f"{row:g} × {column:g} mm" for row, column in pixels)
        found.append(f"Pixel sizes differ ({sizes}): all arms are resampled to the finest, which changes their noise.")
    elif resampled:
        found.append("The pixels of the arms do not coincide: all arms are resampled, which changes their noise.")
    if offset > 0.1 * np.linalg.norm(grid.affine[:3, 2]):
        found.append(f"Paired slices lie up to {offset:.1f} mm apart along the normal.")
    left_out = max(arm.shape[0] for arm in arms) - grid.shape[0]
    if left_out:
        found.append(f"{left_out} slice{'s' if left_out > 1 else ''} without a partner left out.")
    if any(arm.shape[1:] != grid.shape[1:] for arm in arms) and len(pixels) == 1:
        found.append("The fields of view differ: only the common extent is shown.")
    return tuple(found)


def letters(affine: np.ndarray) -> dict[str, str]:
    """Patient directions at the edges of the image: w left, e right, n top, s bottom; one or two of LRAPHF."""

    def name(vector: np.ndarray) -> str:
        shares = vector / np.linalg.norm(vector)
        order = np.argsort(-np.abs(shares))[:2]
        # A second letter from 20° on.
        return "".join(
            "LPH"[n] if shares[n] > 0 else "RAF"[n] for n in order if abs(shares[n]) >= np.sin(np.radians(20))
        )

    across, down = affine[:3, 0], affine[:3, 1]
    return {"w": name(-across), "e": name(across), "n": name(-down), "s": name(down)}


# Grey scale and encoding


def padding_on_grid(volume: Volume, grid: Grid) -> np.ndarray | None:
    """Where the volume has padding on the grid, and where its interpolation would mix it in; None if nowhere."""
    if volume.padding is None:
        return None
    there = on_grid(replace(volume, array=volume.padding.astype(np.float32), padding=None), grid)
    return np.asarray(np.abs(there) > PADDING_SHARE)


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
    """One wide frame [left | right] as gzip: row differences modulo 65536, all low bytes, then all high bytes.

    left, right: uint16 (rows, columns). In each row d[0] = v[0], d[c] = v[c] − v[c − 1]. No name, time zero.
    """
    wide = np.concatenate([left, right], axis=1)
    differences = wide.copy()
    differences[:, 1:] -= wide[:, :-1]
    planes = (differences & 0xFF).astype(np.uint8).tobytes() + (differences >> 8).astype(np.uint8).tobytes()
    # Differences hold no repeats worth a search: run lengths and Huffman codes are as small and 20 times faster.
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
    body = packer.compress(planes) + packer.flush()
    return _HEADER + b"\0" + body + struct.pack("<II", zlib.crc32(planes), len(planes))


# ID, deflate, FCOMMENT present, time 0, no extra flags, unknown system (RFC 1952).
_HEADER = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff"


def pad(frame: bytes, size: int) -> bytes:
    """The frame at `size` bytes: spaces in the gzip comment, which decoders skip."""
    return _HEADER + b" " * (size - len(frame)) + frame[len(_HEADER) :]


def decode(frame: bytes, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Left and right image (uint16) of an encoded frame: what the viewer does, for checks."""
    planes = np.frombuffer(zlib.decompress(frame, 31), np.uint8).reshape(2, rows, 2 * columns)
    differences = planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8
    wide = np.cumsum(differences, axis=1, dtype=np.uint16)
    return wide[:, :columns], wide[:, columns:]
