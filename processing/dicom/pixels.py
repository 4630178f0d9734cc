"""Stored pixel values of a DICOM file."""

from __future__ import annotations

import math
import warnings
from typing import Literal, NamedTuple

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import RLELossless

from processing.dicom import jpeg_lossless, mosaic
from processing.dicom.codestream import read_codestream
from processing.dicom.recall import recalled
from processing.errors import InputError

# Decoding allocates this much at most: a header can claim any size.
LARGEST_BYTES = 1 << 30
LOSSY = "The pixels were compressed with loss: they are not what the scanner measured; send the original series."

jpeg_lossless.register()


def stored_values(dataset: Dataset) -> np.ndarray:
    """Pixels as stored, shape (frames, rows, columns), dtype uint8, int8, uint16 or int16; a mosaic by slices.

    Bits above BitsStored, where overlays may hide, are cleared (sign-extended for signed pixels).
    Compressed pixels are decoded. Raises InputError if pixels are missing, truncated, compressed with loss, larger
    than 1 GiB or cannot be decoded. They may lie in the data set's own bytes, and are read only then.
    """
    if "PixelData" not in dataset:
        raise InputError("The file has no pixel data: it is truncated; export it again.")
    form = _form(dataset)
    if form.compressed:
        array = _decode(dataset, form.shape).astype(form.dtype)
    else:
        data = dataset.PixelData
        if len(data) < form.size:
            raise InputError("The pixel data end early: the file is truncated; export it again.")
        array = np.frombuffer(data, dtype=form.dtype.newbyteorder(form.order), count=form.size // form.dtype.itemsize)
        array = array.reshape(form.shape).astype(form.dtype, copy=False)
    if form.unused and _exceeds(array, form.dtype.itemsize * 8 - form.unused):
        array = array << form.unused >> form.unused
    if form.mosaic:
        array = mosaic.tiles_of(array, mosaic.layout(dataset))
    return np.ascontiguousarray(array, dtype=form.dtype)


class _Form(NamedTuple):
    """How pixels are stored; unused: bits of each."""

    shape: tuple[int, int, int]
    size: int
    dtype: np.dtype
    order: Literal["<", ">"]
    compressed: bool
    unused: int
    mosaic: bool


@recalled
def _form(dataset: Dataset) -> _Form:
    syntax = dataset.file_meta.TransferSyntaxUID
    return _Form(
        shape=(int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)),
        size=declared_bytes(dataset),
        dtype=np.dtype(f"{'i' if dataset.get('PixelRepresentation', 0) else 'u'}{dataset.BitsAllocated // 8}"),
        order="<" if syntax.is_little_endian else ">",
        compressed=syntax.is_compressed and not syntax.is_deflated,
        unused=dataset.BitsAllocated - dataset.BitsStored,
        mosaic=mosaic.is_mosaic(dataset),
    )


def _exceeds(array: np.ndarray, bits: int) -> bool:
    """Whether a value needs more bits than are said to be stored."""
    if array.dtype.kind == "u":
        return bool(array.max() >> bits)
    return bool(array.min() < -1 << bits - 1 or array.max() >= 1 << bits - 1)


def declared_bytes(dataset: Dataset) -> int:
    """Bytes that the pixels take by the header's word. Raises InputError over 1 GiB or if a size is not positive."""
    sizes = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    if min(sizes) <= 0:
        raise InputError("The image has no rows, columns or frames; export it again.")
    size = math.prod(sizes) * (dataset.BitsAllocated // 8)
    if size > LARGEST_BYTES:
        raise InputError("The image is larger than 1 GiB; send it in parts.")
    return size


def _check_codestreams(dataset: Dataset, frames: int) -> None:
    """A decoder allocates what the codestream claims: it must be what the header says, coded without loss."""
    for frame in generate_frames(dataset.PixelData, number_of_frames=frames):
        found = read_codestream(frame)
        if found is None or (found.rows, found.columns) != (dataset.Rows, dataset.Columns):
            raise InputError("The compressed pixels are damaged or of another size than the header says.")
        if not found.lossless:
            raise InputError(LOSSY)


def _decode(dataset: Dataset, shape: tuple[int, int, int]) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if dataset.file_meta.TransferSyntaxUID != RLELossless:
                _check_codestreams(dataset, shape[0])
            array = dataset.pixel_array
    except (InputError, MemoryError):
        raise
    except Exception:  # the decoders raise many kinds
        name = dataset.file_meta.TransferSyntaxUID.name
        raise InputError(
            f"The pixels ({name}) cannot be decoded: damaged or unsupported; export the series again uncompressed."
        ) from None
    if array.size != np.prod(shape):
        raise InputError("The decoded pixels do not fit rows, columns and frames; export the series again.")
    return np.asarray(array.reshape(shape))
