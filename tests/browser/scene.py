"""One scene in patient coordinates that no mirror image and no turn leaves as it is, and files that sample it.

A body; one tube on the LEFT, two small ones ANTERIOR, a block at the HEAD, and a rod whose angle tells the height.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from tests.processing.dicom_files import classic, save

Array = np.ndarray
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def scene(points: Array) -> Array:
    """Intensity at points (3, …) in LPS mm."""
    x, y, z = points

    def tube(at_x: Array | float, at_y: Array | float, radius: float) -> Array:
        return (x - at_x) ** 2 + (y - at_y) ** 2 < radius**2

    angle = z * np.pi / 80
    value = np.where((x / 70) ** 2 + (y / 58) ** 2 < 1, 300.0, 0.0)
    value = np.where(tube(45, 5, 11), 900.0, value)
    value = np.where(tube(-14, -40, 6) | tube(14, -40, 6), 700.0, value)
    value = np.where(tube(0, 36, 12) & (z > 20), 600.0, value)
    value = np.where(tube(24 * np.cos(angle), 24 * np.sin(angle), 6), 500.0, value)
    return np.asarray(value * (np.abs(z) < 60), np.float32)


def grid(directions: Array, spacing: tuple[float, float, float], shape: tuple[int, int, int]) -> Array:
    """Affine (column, row, slice to LPS) of a box of this shape (slices, rows, columns) in the middle of the scene."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions, float).T * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return affine


def sampled(affine: Array, shape: tuple[int, int, int]) -> Array:
    """The scene on a grid, each voxel the mean of eight points in it."""
    k, j, i = np.indices(shape).astype(float)
    total = np.zeros(shape)
    for corner in np.ndindex(2, 2, 2):
        c, r, s = np.array(corner) * 0.5 - 0.25
        points = np.tensordot(affine[:3, :3], np.stack([i + c, j + r, k + s]), 1) + affine[:3, 3, None, None, None]
        total += scene(points)
    return np.asarray(np.round(total / 8), np.float32)


AXIAL = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
SAGITTAL = [[0, 1, 0], [0, 0, -1], [-1, 0, 0]]
CORONAL = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]


def nifti(path: Path, directions: Array, spacing: tuple, shape: tuple, *, unit: int = 2) -> None:
    """A NIfTI image whose indices run along these LPS directions; unit: 2 mm, 3 micron."""
    affine = grid(directions, spacing, shape)
    array = np.transpose(sampled(affine, shape), (2, 1, 0))
    scale = np.diag([1000.0, 1000.0, 1000.0, 1.0]) if unit == 3 else np.eye(4)
    image = nibabel.Nifti1Image(array, None)
    image.header.set_sform(scale @ RAS_FROM_LPS @ affine, code=1)
    image.header.set_qform(scale @ RAS_FROM_LPS @ affine, code=1)
    image.header["xyzt_units"] = unit
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image.to_bytes())


def dicom(
    folder: Path,
    directions: Array,
    spacing: tuple,
    shape: tuple,
    *,
    padded: int | None = None,
    numbered_backwards: bool = False,
    **changes: Any,
) -> None:
    """A classic series; padded: the value of PixelPaddingValue in the corners outside a circle."""
    affine = grid(directions, spacing, shape)
    images = sampled(affine, shape).astype(np.int16)
    slices, rows, columns = shape
    if padded is not None:
        j, i = np.mgrid[:rows, :columns]
        corner = np.hypot((j - rows / 2) / rows, (i - columns / 2) / columns) > 0.56
        images[:, corner] = padded
        changes["PixelPaddingValue"] = padded
    series = f"1.2.826.0.1.{abs(hash(folder.as_posix())) % 10**9}"
    for n in range(slices):
        place = affine @ np.array([0, 0, n, 1.0])
        number = slices - n if numbered_backwards else n + 1
        dataset = classic(
            n,
            images[n],
            SeriesInstanceUID=series,
            SOPInstanceUID=f"{series}.{n + 1}",
            InstanceNumber=number,
            ImagePositionPatient=[round(float(value), 5) for value in place[:3]],
            ImageOrientationPatient=[*map(float, directions[0]), *map(float, directions[1])],
            PixelSpacing=[spacing[1], spacing[0]],
            SliceThickness=str(spacing[2]),
            FrameOfReferenceUID="1.2.826.0.1.7",
            **changes,
        )
        dataset.PixelRepresentation = 1
        save(dataset, folder / f"{number:03d}.dcm")
