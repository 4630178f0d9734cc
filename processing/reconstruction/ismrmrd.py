"""Raw data in ISMRMRD's HDF5 (Inati et al. 2017): whole Cartesian k-space of two-dimensional slices."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft

from processing.derived import RAW_SUFFIXES
from processing.errors import InputError
from processing.volume import Array, Parameters, Volume

_LARGEST_BYTES = 1 << 30  # of the images
_LARGEST_DATASET = 4 << 30  # as it lies in memory
_NO_IMAGE = (19, 20, 23, 24, 27)  # flags: noise, calibration alone, navigator, phase correction, dummy
_BACKWARDS = 22
_ONE_OF = ("kspace_encode_step_2", "contrast", "phase", "repetition", "set")
_APART = 0.01  # of their distance: how unequally slices may lie


def is_hdf5(path: Path) -> bool:
    """Whether the file is called so."""
    return path.is_file() and path.suffix.lower() in RAW_SUFFIXES


def read_ismrmrd(path: Path) -> tuple[Array, Volume]:
    """Read the complex image of each coil.

    Parameters
    ----------
    path : Path
        HDF5 with ISMRMRD's groups "dataset/xml" and "dataset/data".

    Returns
    -------
    images : ndarray of complex64, shape (coils, slices, rows, columns)
        Phase encoding along the rows' axis; without the oversampling of the readout.
    volume : Volume
        Their root sum of squares, in place.

    Raises
    ------
    InputError
        If the file is damaged or no ISMRMRD, points to others, is too large, is not Cartesian, is three-dimensional,
        holds several images of a slice, lacks lines, or does not say where the slices lie.

    Notes
    -----
    Repeated lines (averages) are averaged. Position and directions are ISMRMRD's, which are DICOM's patient
    coordinates; the position is the middle of the field of view.

    References
    ----------
    Inati et al. 2017.
    """
    import h5py  # only raw data needs it

    try:
        with h5py.File(path) as file:
            xml, acquisitions = _own(file, "dataset/xml")[0], _own(file, "dataset/data")[:]
    except InputError:
        raise
    except MemoryError:
        raise InputError("The raw data need more memory than there is here; send them in parts.") from None
    except (OSError, RuntimeError, KeyError, ValueError):
        raise InputError("The HDF5 file is damaged or truncated; export it again.") from None
    text = xml.decode("utf-8", "replace") if isinstance(xml, bytes) else str(xml)
    try:
        heads, lines = _lines_that_make_images(acquisitions)
        kspace = _sorted_into_slices(heads, lines, text)
        images = _images(kspace, text)
        affine, order = _place(heads, images.shape, text)
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError):
        raise InputError("The ISMRMRD file lacks a part of its headers, or is damaged; export it again.") from None
    images = np.ascontiguousarray(images[:, order])
    if not np.isfinite(images).all():
        raise InputError("The k-space contains values that are not numbers (NaN or infinite).")
    magnitude = np.sqrt((np.abs(images) ** 2).sum(axis=0))
    return images, Volume(magnitude, affine, parameters=Parameters(), slices_known=True)


def _own(file: Any, name: str) -> Any:
    """A dataset of bearable size that lies in the file itself: HDF5 can name other files, which would be read too."""
    import h5py

    inside = all(isinstance(file.get(one, getlink=True), h5py.HardLink) for one in (name.partition("/")[0], name))
    found = file[name] if inside else None
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise InputError("The HDF5 file is no ISMRMRD: dataset/xml and dataset/data do not both lie in it.")
    if max(found.size or 0, math.prod(found.chunks or ())) * found.dtype.itemsize > _LARGEST_DATASET:
        raise InputError("The raw data are larger than 4 GiB; send them in parts.")
    return found


def _lines_that_make_images(acquisitions: Array) -> tuple[Array, list[Array]]:
    """Headers, and lines as complex (coils, samples), of what is no noise scan, navigator and the like."""
    heads, lines = [], []
    for head, data in zip(acquisitions["head"], acquisitions["data"], strict=True):
        flags = int(head["flags"])
        if any(flags >> flag - 1 & 1 for flag in _NO_IMAGE):
            continue
        if int(head["trajectory_dimensions"]):
            raise InputError("The k-space is not Cartesian; only Cartesian k-space can be read.")
        line = np.asarray(data, np.float32).view(np.complex64).reshape(int(head["active_channels"]), -1)
        if line.shape[1] != int(head["number_of_samples"]):
            raise InputError("A line of k-space has another length than its header says; export the file again.")
        if int(head["center_sample"]) != line.shape[1] // 2:
            raise InputError("The echo does not lie in the middle of the readout; only whole readouts can be read.")
        heads.append(head)
        lines.append(line[:, ::-1] if flags >> _BACKWARDS - 1 & 1 else line)
    if not lines:
        raise InputError("The ISMRMRD file holds no line of an image.")
    if len({line.shape for line in lines}) > 1:
        raise InputError("The lines of k-space differ in length or number of coils.")
    found = np.array(heads)
    for name in _ONE_OF:
        if len(np.unique(found["idx"][name])) > 1:
            raise InputError(f"The k-space has several values of {name}; only one two-dimensional image of each slice.")
    return found, lines


def _sorted_into_slices(heads: Array, lines: list[Array], text: str) -> Array:
    """K-space (coils, slices, rows, samples), zero frequency in the middle. Raises InputError if a line is missing."""
    rows = int(_number(text, "encodedSpace", "matrixSize", "y"))
    centre = int(_number(text, "encodingLimits", "kspace_encoding_step_1", "center"))
    place = heads["idx"]["kspace_encode_step_1"].astype(int) - centre + rows // 2
    numbers, slices = np.unique(heads["idx"]["slice"], return_inverse=True)
    coils, samples = lines[0].shape
    if coils * len(numbers) * rows * samples * 8 > _LARGEST_BYTES:
        raise InputError("The k-space is larger than 1 GiB; send it in parts.")
    if place.min() < 0 or place.max() >= rows:
        raise InputError("A line of k-space lies outside the matrix that the header names.")
    counts = np.zeros((len(numbers), rows))
    kspace = np.zeros((coils, len(numbers), rows, samples), np.complex64)
    for line, number, row in zip(lines, slices, place, strict=True):
        kspace[:, number, row] += line
        counts[number, row] += 1
    missing = int((counts == 0).sum())
    if missing:
        raise InputError(
            f"{missing} of {counts.size} lines of k-space are missing; undersampling is simulated from whole k-space."
        )
    return kspace / counts[:, :, None].astype(np.float32)


def _images(kspace: Array, text: str) -> Array:
    """Images (coils, slices, rows, columns), the oversampled ends of the readout cut off."""
    axes = (2, 3)
    images = fft.fftshift(fft.ifft2(fft.ifftshift(kspace, axes), axes=axes, norm="ortho"), axes)
    wide, shown = (_number(text, space, "fieldOfView_mm", "x") for space in ("encodedSpace", "reconSpace"))
    columns = round(images.shape[3] * min(shown / wide, 1.0))
    start = images.shape[3] // 2 - columns // 2
    return images[..., start : start + columns]


def _place(heads: Array, shape: tuple[int, ...], text: str) -> tuple[Array, Array]:
    """Affine of the volume, and the order of the slices along their normal."""
    _, first = np.unique(heads["idx"]["slice"], return_index=True)
    across, down, normal = (heads[first[0]][name].astype(float) for name in ("read_dir", "phase_dir", "slice_dir"))
    if any(abs(np.linalg.norm(direction) - 1) > 1e-3 for direction in (across, down, normal)):
        raise InputError("The ISMRMRD file does not say where its slices lie: its directions are no unit vectors.")
    positions = heads["position"][first].astype(float)
    order = np.argsort(positions @ normal)
    steps = np.diff(positions[order] @ normal)
    if len(steps) and (steps.min() <= 0 or np.ptp(steps) > _APART * steps.mean()):
        raise InputError("The slices of the ISMRMRD file do not lie one above the other at equal distances.")
    rows, columns = shape[2:]
    width, height, depth = (_number(text, "encodedSpace", "fieldOfView_mm", axis) for axis in "xyz")
    width, height = width / int(heads["number_of_samples"][0]), height / rows
    thick = float(steps.mean()) if len(steps) else depth
    affine = np.eye(4)
    affine[:3, :3] = np.stack([across * width, down * height, normal * thick], axis=1)
    affine[:3, 3] = positions[order[0]] - affine[:3, :2] @ np.array([columns // 2, rows // 2])
    return affine, order


def _number(text: str, *path: str) -> float:
    """The number in nested elements of the header. Raises InputError if it is not there."""
    inside: Any = text
    for name in path:
        found = re.search(rf"<(?:\w+:)?{name}>(.*?)</(?:\w+:)?{name}>", inside, re.DOTALL)
        if found is None:
            raise InputError(f"The header of the ISMRMRD file lacks {'/'.join(path)}.")
        inside = found[1]
    return float(inside)
