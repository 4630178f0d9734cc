"""Where all arms of a case are shown: one grid, common extent, slices that are partners along the whole stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy import ndimage

from processing.caution import Caution
from processing.dicom.parameters import plane as plane_of
from processing.errors import InputError
from processing.volume import Volume

Key = TypeVar("Key")
SAME_PIXEL = 0.02  # pixels: closer than this is the same place
SAME_SPACING = 1.02  # ratio: up to here columns, rows and slices lie equally far apart
NEARLY_ISOTROPIC = 2.0  # ratio: up to here the plane of the case says what a slice is, where the file does not
PADDING_SHARE = 0.05  # of an interpolated voxel: more padding in it, and it is padding
SMALLEST = 16  # pixels of common extent
HALF = 0.5 + 1e-3  # slices, and what rounding adds
DRIFT = 0.1  # slices: a change of the distance between partners along the stack that is worth a word
NORMALS = {"sagittal": (1.0, 0.0, 0.0), "coronal": (0.0, 1.0, 0.0), "axial": (0.0, 0.0, 1.0)}


@dataclass(frozen=True)
class Grid:
    """Where all arms of a case are shown.

    affine: display grid (column, row, slice) to LPS mm; shape: slices, rows, columns. resampled: whether the
    arms go through the interpolation kernel (all or none). flags: sentences for the person who imports.
    largest_offset: how far a slice lies from its place on the grid at most, mm. cautions: why the arms may not be what
    they seem. plane: of the case, where it was given.
    """

    affine: np.ndarray
    shape: tuple[int, int, int]
    resampled: bool
    flags: tuple[str, ...]
    largest_offset: float = 0.0
    cautions: tuple[Caution, ...] = ()
    plane: str | None = None


def oriented(volume: Volume, normal: np.ndarray | None = None, *, plane: str | None = None) -> Volume:
    """The volume as radiologists look at it, by exchanging and mirroring axes only: no value changes.

    Slices are the third index where the file says so (DICOM). Else (NIfTI stores slices along any) they are the index
    nearest to the normal of a given plane (sagittal, coronal, axial) if no spacing is over twice another; else the
    index with the widest spacing if that is over 1.5 times the third's; else the third. If the spacings are the same,
    a given plane, or else a given normal (LPS), decides. Axial and coronal: patient's left on the right; sagittal:
    posterior on the right; head or anterior up. Slices run to the head, to the left or to posterior.
    """
    spacing = np.array(volume.spacing)
    directions = volume.affine[:3, :3] / spacing
    unequal = spacing.max() / spacing.min()
    if plane in NORMALS and unequal <= (SAME_SPACING if volume.slices_known else NEARLY_ISOTROPIC):
        slice_axis = int(np.argmax(np.abs(NORMALS[plane] @ directions)))
    elif normal is not None and unequal <= SAME_SPACING:
        slice_axis = int(np.argmax(np.abs(normal @ directions)))
    elif volume.slices_known:
        slice_axis = 2
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
    mirrored = [directions[:, axis] @ way < 0 for axis, way in zip(axes, wanted, strict=True)]
    return replace(volume.exchanged(axes, mirrored), slices_known=True)


def common_grid(volumes: Sequence[Volume], *, plane: str | None = None) -> Grid:
    """The grid for all arms of a case: finest in-plane matrix, common extent, slices that all arms have.

    Parameters
    ----------
    volumes : sequence of Volume
        The arms, at least one.
    plane : str, optional
        Of the case: what decides where a volume does not say which of its axes are slices.

    Returns
    -------
    Grid
        ``affine``, ``shape``, whether the arms are ``resampled``, and ``flags``, sentences for the person who imports;
        ``largest_offset`` in mm and ``cautions``.

    Raises
    ------
    InputError
        If planes are tilted against each other, slice distances differ, partners drift apart by over half a slice
        anywhere in the stack, or nothing overlaps.

    Notes
    -----
    Volumes with voxels of one size in all directions are sliced as the finest volume is. Slices are counted from the
    middle of the common stack, and are partners if they lie within half a slice distance along the normal, every one
    of them: nothing is resampled along the normal, as that would blur one arm alone. If every arm lies on the grid up
    to whole pixels, none is resampled; else all go through the same cubic spline kernel in their plane.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.grid import common_grid
    >>> from processing.volume import Volume
    >>> whole, part = Volume(np.zeros((4, 32, 32)), np.eye(4)), Volume(np.zeros((3, 32, 32)), np.eye(4))
    >>> found = common_grid([whole, part])
    >>> found.shape, found.resampled, found.largest_offset
    ((3, 32, 32), False, 0.0)
    """
    if not volumes:
        raise InputError("A case needs at least one series.")
    arms = [oriented(volume, plane=plane) for volume in volumes]
    reference = min(arms, key=lambda arm: round(arm.spacing[0] * arm.spacing[1], 6))
    inverse = np.linalg.inv(reference.affine)
    arms = [
        arm
        if abs(arm.normal @ reference.normal) > np.cos(np.radians(45))
        else oriented(volume, reference.normal, plane=plane)
        for arm, volume in zip(arms, volumes, strict=True)
    ]
    low, high = np.zeros(2), np.array(reference.shape[:0:-1], dtype=float) - 1
    for arm in arms:
        _check_planes(arm, reference)
        edges = _edges(arm, inverse)
        low = np.maximum(low, np.ceil(edges[0] - SAME_PIXEL))
        high = np.minimum(high, np.floor(edges[1] + SAME_PIXEL))
    columns, rows = (high - low + 1).astype(int)
    bottom, slices = _common_slices(arms, reference)
    if slices < 1:
        raise InputError("The series of the case have no slice in common; they show different parts of the body.")
    if min(columns, rows) < SMALLEST:
        raise InputError("The series of the case overlap by under 16 pixels; they show different parts of the body.")
    affine = reference.affine.copy()
    affine[:3, 3] = (reference.affine @ np.array([*low, bottom, 1.0]))[:3]
    grid = Grid(affine, (slices, int(rows), int(columns)), False, (), plane=plane)
    offsets = [_offsets(arm, grid) for arm in arms]
    _check_offsets(arms, offsets, reference)
    largest = max(float(np.abs(each).max()) for each in offsets)
    resampled = any(_shift(arm, grid) is None for arm in arms)
    flags = _flags(arms, grid, resampled, largest)
    cautions = (*_drift(offsets, reference.spacing[2]), *_other_planes(volumes, arms))
    return replace(grid, resampled=resampled, flags=flags, largest_offset=largest, cautions=cautions)


def _common_slices(arms: Sequence[Volume], reference: Volume) -> tuple[int, int]:
    """First slice of the reference that all arms have, and how many; partners are counted from the middle of these."""
    inverse = np.linalg.inv(reference.affine)
    bottom, top = 0, reference.shape[0] - 1
    for arm in arms:
        slices, rows, columns = arm.shape
        centres = np.array([((columns - 1) / 2, (rows - 1) / 2, n, 1.0) for n in (0, slices - 1)])
        first, last = (centres @ (inverse @ arm.affine).T)[:, 2]
        bottom, top = max(bottom, int(np.ceil(first - HALF))), min(top, int(np.floor(last + HALF)))
    for _ in range(3):  # fewer slices have another middle
        if top < bottom:
            break
        affine = reference.affine.copy()
        affine[:3, 3] = (reference.affine @ np.array([0, 0, bottom, 1.0]))[:3]
        grid = Grid(affine, (top - bottom + 1, *reference.shape[1:]), False, ())
        firsts = [_partner(_to_arm(arm, grid), grid.shape) for arm in arms]
        above = [first + grid.shape[0] - arm.shape[0] for first, arm in zip(firsts, arms, strict=True)]
        bottom, top = bottom + max(0, -min(firsts)), top - max(0, *above)
    return bottom, top - bottom + 1


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


def _partner(matrix: np.ndarray, shape: tuple[int, int, int]) -> int:
    """The slice of the arm that is shown as the first of the grid, by rounding in the middle of the stack."""
    slices, rows, columns = shape
    middle = (slices - 1) // 2
    there = matrix @ np.array([(columns - 1) / 2, (rows - 1) / 2, middle, 1.0])
    return int(np.ceil(there[2] - 0.5 - 1e-6)) - middle


def _offsets(arm: Volume, grid: Grid) -> np.ndarray:
    """How far each slice of the arm lies from its place on the grid along the normal, mm, in slice order."""
    matrix = _to_arm(arm, grid)
    slices, rows, columns = grid.shape
    numbers = np.arange(slices)
    centre = np.array([(columns - 1) / 2, (rows - 1) / 2, 0.0, 1.0])
    there = (matrix @ centre)[2] + matrix[2, 2] * numbers
    return np.asarray((there - numbers - _partner(matrix, grid.shape)) * arm.spacing[2])


def _check_offsets(arms: Sequence[Volume], offsets: Sequence[np.ndarray], reference: Volume) -> None:
    for arm, each in zip(arms, offsets, strict=True):
        worst = int(np.argmax(np.abs(each)))
        if abs(each[worst]) > HALF * reference.spacing[2]:
            raise InputError(
                f"The slices lie {reference.spacing[2]:.3f} mm apart in one series and {arm.spacing[2]:.3f} mm in "
                f"another, so that they drift apart: at slice {worst + 1} of {len(each)} by {abs(each[worst]):.1f} mm, "
                "over half a slice. Slices cannot be paired; reconstruct both series with the same slices."
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
    arm = oriented(volume, grid.affine[:3, 2], plane=grid.plane)
    matrix = _to_arm(arm, grid)
    slices, rows, columns = grid.shape
    first = _partner(matrix, grid.shape)
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


def padding_on_grid(volume: Volume, grid: Grid) -> np.ndarray | None:
    """Where the volume has padding on the grid, and where its interpolation would mix it in; None if nowhere."""
    if volume.padding is None:
        return None
    there = on_grid(replace(volume, array=volume.padding.astype(np.float32), padding=None), grid)
    return np.asarray(np.abs(there) > PADDING_SHARE)


def laid(volumes: Mapping[Key, Volume], grid: Grid) -> tuple[dict[Key, Volume], Grid]:
    """Bring the arms of a case onto its grid once, whoever asks for them on it afterwards.

    Parameters
    ----------
    volumes : mapping to Volume
        The arms.
    grid : Grid
        Their ``common_grid``.

    Returns
    -------
    dict of Volume
        The arms as they lie on the grid, padding included, by the same keys.
    Grid
        The same for them: none is resampled again.

    Raises
    ------
    InputError
        If one does not cover the grid.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.grid import common_grid, laid
    >>> from processing.volume import Volume
    >>> fine = Volume(np.ones((2, 40, 40)), np.diag([1.0, 1.0, 4.0, 1.0]))
    >>> coarse = Volume(np.ones((2, 20, 20)), np.diag([2.0, 2.0, 4.0, 1.0]))
    >>> there, grid = laid({"SOC": fine, "FAST": coarse}, common_grid([fine, coarse]))
    >>> there["FAST"].shape == there["SOC"].shape == grid.shape, grid.resampled
    (True, False)
    """
    there = {
        key: replace(
            volume,
            array=on_grid(volume, grid),
            affine=grid.affine,
            padding=padding_on_grid(volume, grid),
            slices_known=True,
        )
        for key, volume in volumes.items()
    }
    return there, replace(grid, resampled=False)


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


def _drift(offsets: Sequence[np.ndarray], distance: float) -> list[Caution]:
    worst = max(offsets, key=np.ptp)
    if np.ptp(worst) <= DRIFT * distance:
        return []
    text = (
        f"Slice distances differ a little: at one end of the stack paired slices lie {abs(worst[0]):.1f} mm apart, "
        f"at the other {abs(worst[-1]):.1f} mm."
    )
    return [Caution("drift", text)]


def _other_planes(volumes: Sequence[Volume], arms: Sequence[Volume]) -> list[Caution]:
    """Series that were acquired in another plane than the one in which they are shown."""
    shown = plane_of(arms[0].affine)
    found = {plane_of(volume.affine) for volume in volumes if volume.slices_known} - {shown}
    return [
        Caution("other_plane", f"A series was acquired as {other} slices and is shown as {shown} ones.")
        for other in sorted(found)
    ]


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
