"""Open a DICOM file and decide whether it is an MR image that can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    MRImageStorage,
)

from processing import component
from processing.dicom import kinds, mosaic, quick
from processing.dicom.identifiers import check_identifiers
from processing.dicom.pixels import LOSSY, declared_bytes
from processing.dicom.private import private_component, tell_apart
from processing.dicom.recall import recalled
from processing.dicom.skim import skim
from processing.errors import InputError

CLASSIC = MRImageStorage
ENHANCED = EnhancedMRImageStorage


class NotAnImageError(InputError):
    """A file that is no image at all (not DICOM, raw data, a report): it may lie beside a series."""


@contextmanager
def tolerant() -> Iterator[None]:
    """Read and write values as they are: pydicom's warnings quote values, which may identify."""
    with config.disable_value_validation():
        yield


def open_dicom(path: Path, *, pixels: bool = True, whole: bool = False) -> Dataset:
    """Parse one file, with or without its pixel data. whole: have pydicom read it, also if it is an ordinary one.

    Raises NotAnImageError if it is not DICOM, InputError if it ends in the middle of the header or its structure
    is beyond all measure.
    """
    try:
        if quick.is_wanted() and not whole:
            with tolerant():
                header = quick.quick_header(path, pixels=pixels)
            if header is not None:
                return header
        skim(path)
        with tolerant(), path.open("rb") as stream:
            return dcmread(stream, stop_before_pixels=not pixels)
    except InvalidDicomError:
        return _without_preamble(path, pixels)
    except IsADirectoryError:
        raise NotAnImageError("This is a folder, not a DICOM file.") from None
    except (FileNotFoundError, PermissionError):
        raise InputError("The file cannot be read.") from None
    except (InputError, MemoryError):
        raise
    except Exception:  # pydicom raises many kinds on damaged files
        raise InputError("The DICOM file is damaged or truncated; export it again.") from None


def independent_copy(dataset: Dataset) -> Dataset:
    """A copy whose attributes can be set without changing the original; items of sequences are shared."""
    result = Dataset()
    for element in dataset:
        result.add(copy(element))
    return result


def _without_preamble(path: Path, pixels: bool) -> Dataset:
    """Old files start with the data set itself; anything else is not DICOM."""
    with path.open("rb") as stream:
        start = stream.read(6)
    if start[:2] not in (b"\x02\0", b"\x08\0"):  # the first group, little endian
        raise NotAnImageError("This is not a DICOM file." if start else "The file is empty.")
    try:
        with tolerant(), path.open("rb") as stream:
            dataset = dcmread(stream, stop_before_pixels=not pixels, force=True)
            _ = dataset.SOPClassUID
    except Exception:
        raise InputError("The DICOM file is damaged or truncated; export it again.") from None
    return dataset


def read_header(path: Path, *, pixels: bool = False, whole: bool = False) -> Dataset:
    """Header of a usable MR image, with pixel data if wanted; what only private tags told is made standard.

    Raises InputError with the reason if the file is not a magnitude MR image with pixels.
    """
    dataset = open_dicom(path, pixels=pixels, whole=whole)
    try:
        with tolerant():
            check(dataset)
            tell_apart(dataset)
    except InputError:
        raise
    except Exception:  # a value that cannot be converted
        if isinstance(dataset, quick.Header):
            return read_header(path, pixels=pixels, whole=True)
        raise InputError("The DICOM header holds values that cannot be read; export it again.") from None
    return dataset


def check(dataset: Dataset) -> None:
    """Raise InputError unless the header describes a magnitude MR image with grey pixels."""
    _check_kind(dataset)
    check_identifiers(dataset)
    _check_image(dataset)


@recalled
def _check_kind(dataset: Dataset) -> None:
    sop_class = UID(str(dataset.get("SOPClassUID", "")))
    if sop_class not in (CLASSIC, ENHANCED):
        raise (NotAnImageError if kinds.holds_no_pixels(dataset) else InputError)(kinds.words(dataset))
    kinds.check_transfer_syntax(dataset)
    missing = [word for word in ("Rows", "Columns", "BitsAllocated", "BitsStored") if word not in dataset]
    if missing:
        raise InputError("The image description ends early: the file is truncated; export it again.")


@recalled
def _check_image(dataset: Dataset) -> None:
    if dataset.get("SamplesPerPixel", 1) != 1 or dataset.get("PhotometricInterpretation") != "MONOCHROME2":
        raise InputError("The image is in colour or inverted; only MONOCHROME2 images can be read.")
    if dataset.BitsAllocated not in (8, 16) or dataset.get("HighBit", dataset.BitsStored - 1) != dataset.BitsStored - 1:
        raise InputError("The pixels have an unusual layout; export the series again with 8 or 16 bits.")
    if str(dataset.get("BurnedInAnnotation", "NO")).upper() == "YES":
        raise InputError("The header says that text is burned into the image; it cannot be de-identified.")
    declared_bytes(dataset)
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) or str(dataset.get("LossyImageCompression", "00")) == "01":
        raise InputError(LOSSY)
    if mosaic.is_mosaic(dataset):
        mosaic.layout(dataset)
    if mosaic.is_grid(dataset):
        raise InputError("A grid of slices of United Imaging (VFRAME): export the series as single slices.")
    check_magnitude(dataset.get("ImageType") or [], dataset.get("ComplexImageComponent"), private_component(dataset))
    if dataset.SOPClassUID == ENHANCED:
        if not dataset.get("PerFrameFunctionalGroupsSequence"):
            raise InputError("The enhanced MR file has no functional groups: it is truncated; export it again.")
        if len(dataset.PerFrameFunctionalGroupsSequence) != int(dataset.get("NumberOfFrames", 1)):
            raise InputError("The number of frames differs from the number of their descriptions; export it again.")
    elif int(dataset.get("NumberOfFrames") or 1) != 1:
        raise InputError("A classic MR file with several frames; export it as enhanced MR or as single slices.")


def check_magnitude(kinds: Iterable[object], *components: object) -> None:
    """Raise InputError if the type of an image or frame, or its complex component, is another part than magnitude."""
    for found in (component.said(kinds), *(component.said((), one) for one in components)):
        if found:
            raise InputError(f"A {found} image: only magnitude images can be read.")
