"""Siemens mosaics: the slices of one volume as tiles of one image, whose geometry only the private CSA header tells.

The position of a mosaic is that of its corner had the whole been one slice of the tiles' centre; see nibabel's
documentation on Siemens mosaics, whose reading this follows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset, config

from processing.errors import InputError

_NO_GEOMETRY = (
    "A Siemens mosaic whose private header (CSA) is missing or damaged: only that tells where its slices lie; "
    "export the series as single slices or as enhanced MR."
)


@dataclass(frozen=True)
class Layout:
    """slices of `rows` × `columns`, in `tiles` tiles a side; positions: centres of first voxels, mm, LPS (slices, 3);
    distance between slices in mm."""

    slices: int
    rows: int
    columns: int
    tiles: int
    positions: np.ndarray
    distance: float


def is_mosaic(dataset: Dataset) -> bool:
    """Whether the image type says so."""
    return _says(dataset, "MOSAIC")


def is_grid(dataset: Dataset) -> bool:
    """Whether the image type says that it is United Imaging's grid of slices, whose layout is not read here."""
    return _says(dataset, "VFRAME")


def _says(dataset: Dataset, word: str) -> bool:
    return any(word == str(kind).upper() for kind in dataset.get("ImageType") or ())


def layout(dataset: Dataset) -> Layout:
    """Where the slices of a mosaic lie. Raises InputError if the private header does not say."""
    with warnings.catch_warnings():  # nibabel calls its DICOM part experimental
        warnings.simplefilter("ignore")
        from nibabel.nicom import csareader  # for mosaics alone: it takes long to be there

    try:
        tags = (csareader.get_csa_header(dataset) or {})["tags"]
        count = int(_values(tags, "NumberOfImagesInMosaic")[0])
        direction = np.array([float(v) for v in _values(tags, "SliceNormalVector")])
        corner, orientation, pixel = (
            np.array([float(v) for v in dataset[word].value])
            for word in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        )
        distance = float(dataset.get("SpacingBetweenSlices") or dataset.SliceThickness)
    except Exception:  # the reader of the private header raises many kinds
        raise InputError(_NO_GEOMETRY) from None
    tiles = int(np.ceil(np.sqrt(max(count, 1))))
    shapes = corner.shape, orientation.shape, pixel.shape, direction.shape
    uneven = dataset.Rows % tiles or dataset.Columns % tiles
    if count < 1 or distance <= 0 or shapes != ((3,), (6,), (2,), (3,)) or uneven:
        raise InputError(_NO_GEOMETRY)
    rows, columns = dataset.Rows // tiles, dataset.Columns // tiles
    along_row, along_column = orientation[:3], orientation[3:]
    normal = np.cross(along_row, along_column)
    if abs(abs(normal @ direction) - 1) > 1e-3:
        raise InputError(_NO_GEOMETRY)
    first = corner + along_row * pixel[1] * (dataset.Columns - columns) / 2
    first = first + along_column * pixel[0] * (dataset.Rows - rows) / 2
    steps = np.arange(count)[:, None] * distance * np.sign(normal @ direction) * normal
    return Layout(count, rows, columns, tiles, first + steps, distance)


def _values(tags: dict[str, Any], name: str) -> list[Any]:
    return list(tags[name]["items"])


def tiles_of(array: np.ndarray, where: Layout) -> np.ndarray:
    """Slices (slices, rows, columns) of a mosaic (1, rows of all, columns of all)."""
    grid = array.reshape(where.tiles, where.rows, where.tiles, where.columns).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(grid.reshape(-1, where.rows, where.columns)[: where.slices])


def unfold(dataset: Dataset, stored: np.ndarray) -> Iterator[tuple[Dataset, np.ndarray]]:
    """The images of a file with their stored values (1, rows, columns): a mosaic's slices, else the file itself."""
    if not is_mosaic(dataset):
        yield dataset, stored
        return
    where = layout(dataset)
    for index in range(where.slices):
        yield as_slice(dataset, where, index), stored[index : index + 1]


def as_slice(dataset: Dataset, where: Layout, index: int) -> Dataset:
    """The header of slice `index` as a classic single image with a UID of its own; no pixels."""
    result = Dataset()
    with config.disable_value_validation():  # warnings would quote values
        for tag in dataset.keys():  # noqa: SIM118 - a data set iterates over converted values
            if tag.group < 0x7FE0:
                result[tag] = copy(dataset.get_item(tag))
        result.file_meta = dataset.file_meta
        result.Rows, result.Columns = where.rows, where.columns
        result.ImagePositionPatient = [f"{v:.10g}" for v in where.positions[index]]
        result.ImageType = [kind for kind in dataset.ImageType if str(kind).upper() != "MOSAIC"]
        result.SpacingBetweenSlices = f"{where.distance:.10g}"
        result.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{index + 1}"
    return result
