"""Stored pixel values of a DICOM file."""

from __future__ import annotations

import warnings

import numpy as np
from pydicom import Dataset

from processing.errors import InputError

# Decoding allocates this much at most: a header can claim any size.
LARGEST_BYTES = 4 << 30


def stored_values(dataset: Dataset) -> np.ndarray:
    """Pixels as stored, shape (frames, rows, columns), dtype uint8, int8, uint16 or int16.

    Bits above BitsStored, where overlays may hide, are cleared (sign-extended for signed pixels).
    Compressed pixels are decoded. Raises InputError if pixels are missing, truncated or cannot be decoded.
    """
    if "PixelData" not in dataset:
        raise InputError("The file has no pixel data: it is truncated; export it again.")
    frames = int(dataset.get("NumberOfFrames") or 1)
    shape = (frames, int(dataset.Rows), int(dataset.Columns))
    size = int(np.prod(shape, dtype=np.int64)) * (dataset.BitsAllocated // 8)
    if size > LARGEST_BYTES:
        raise InputError("The image is larger than 4 GiB; send it in parts.")
    signed = bool(dataset.get("PixelRepresentation", 0))
    dtype = np.dtype(f"{'i' if signed else 'u'}{dataset.BitsAllocated // 8}")
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not syntax.is_deflated:
        array = _decode(dataset, shape).astype(dtype)
    else:
        data = dataset.PixelData
        if len(data) < size:
            raise InputError("The pixel data end early: the file is truncated; export it again.")
        array = np.frombuffer(data[:size], dtype=dtype.newbyteorder("<" if syntax.is_little_endian else ">"))
        array = array.reshape(shape).astype(dtype)
    unused = dataset.BitsAllocated - dataset.BitsStored
    if unused:
        array = array << unused >> unused
    return np.ascontiguousarray(array, dtype=dtype)


def _decode(dataset: Dataset, shape: tuple[int, int, int]) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = dataset.pixel_array
    except Exception:  # the decoders raise many kinds
        name = dataset.file_meta.TransferSyntaxUID.name
        raise InputError(f"The pixels ({name}) cannot be decoded: damaged or unsupported; export it again.") from None
    if array.size != np.prod(shape):
        raise InputError("The decoded pixels do not fit rows, columns and frames; export the series again.")
    return np.asarray(array.reshape(shape))
