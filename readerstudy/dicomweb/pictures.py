"""A frame as people look at it: grey values through a window, in a size that is asked for (PS3.18 8.3.5)."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from rest_framework.exceptions import ValidationError

from processing.dicom.frames import attributes, frames_of, is_enhanced, number
from processing.dicom.header import read_header
from processing.dicom.pixels import stored_values
from processing.dicom.window import FUNCTIONS, windowed

LARGEST = 4096  # pixels along a side
PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class Wanted:
    """window: centre, width, function, or what the file says. viewport: columns and rows that the picture must fit
    into, or its own. quality: of JPEG, 1 to 100."""

    window: tuple[float, float, str] | None = None
    viewport: tuple[int, int] | None = None
    quality: int = 90


def read_wanted(parameters: Mapping[str, str]) -> Wanted:
    """The parameters of an address. ValidationError where they cannot be understood."""
    try:
        return Wanted(
            window=_window(parameters["window"]) if "window" in parameters else None,
            viewport=_viewport(parameters["viewport"]) if "viewport" in parameters else None,
            quality=_whole(parameters.get("quality", "90"), 100),
        )
    except ValueError:
        raise ValidationError(
            f"window is centre, width from 1, and one of {', '.join(FUNCTIONS)}; viewport is columns and rows up to "
            f"{LARGEST}; quality 1 to 100."
        ) from None


def _window(text: str) -> tuple[float, float, str]:
    centre, width, *function = text.split(",")
    how = (function or ["linear"])[0].lower()
    if len(function) > 1 or how not in FUNCTIONS or not np.isfinite([float(centre), float(width)]).all():
        raise ValueError(text)
    if float(width) < 1:
        raise ValueError(text)
    return float(centre), float(width), how


def _viewport(text: str) -> tuple[int, int]:
    columns, rows = text.split(",")
    return _whole(columns, LARGEST), _whole(rows, LARGEST)


def _whole(text: str, high: int) -> int:
    if not 1 <= int(text) <= high:
        raise ValueError(text)
    return int(text)


def drawn(path: Path, index: int, wanted: Wanted) -> Image.Image:
    """Frame `index`, from 0, of a file of the archive, 8 bits a pixel."""
    dataset = read_header(path)
    frame = frames_of(dataset, path)[index]
    values = _stored(dataset, path, index).astype(float) * frame.slope + frame.intercept
    centre, width, function = wanted.window or _own_window(attributes(dataset, index)) or _of_values(values)
    picture = Image.fromarray(windowed(values, centre=centre, width=width, function=function))
    if wanted.viewport:
        scale = min(wanted.viewport[0] / picture.width, wanted.viewport[1] / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return picture


def _stored(dataset: Dataset, path: Path, index: int) -> np.ndarray:
    """The stored values of one frame; of an enhanced file, which may have thousands, no other is read."""
    if not is_enhanced(dataset):
        return stored_values(read_header(path, pixels=True))[index]
    alone = Dataset()
    alone.file_meta = dataset.file_meta
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"):
        setattr(alone, keyword, dataset[keyword].value)
    alone.PixelData = b"".join(frame_bytes(path, index, 1))
    return stored_values(alone)[0]


def frame_bytes(path: Path, first: int, count: int) -> Iterator[bytes]:
    """The stored bytes of frames of a file of the archive, uncompressed there, piece by piece; first counts from 0."""
    with path.open("rb") as file:
        dataset = dcmread(file, stop_before_pixels=True)
        size = dataset.Rows * dataset.Columns * (dataset.BitsAllocated // 8)
        file.seek(12 + first * size, os.SEEK_CUR)  # tag, VR, two bytes and the length come first
        left = size * count
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def _own_window(told: Mapping) -> tuple[float, float, str] | None:
    centre, width = number(told.get("WindowCenter")), number(told.get("WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    function = str(told.get("VOILUTFunction") or "linear").lower().replace("_", "-")
    return centre, width, function if function in FUNCTIONS else "linear"


def _of_values(values: np.ndarray) -> tuple[float, float, str]:
    """From the 1st to the 99.5th percentile."""
    low, high = np.percentile(values, (1, 99.5))
    return float(low + high) / 2, max(float(high - low), 1.0), "linear"
