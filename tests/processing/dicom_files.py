"""Small MR files with known content, written by pydicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

ROWS, COLUMNS = 24, 20
SERIES = "1.2.3.4.5"


def pixels(slices: int = 5, *, rows: int = ROWS, columns: int = COLUMNS, seed: int = 0) -> np.ndarray:
    """uint16 (slices, rows, columns) of 12 bits."""
    return np.random.default_rng(seed).integers(0, 4096, (slices, rows, columns), dtype=np.uint16)


def _meta(sop_class: str, uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _patient(dataset: Dataset) -> None:
    dataset.PatientName = "Muster^Erika"
    dataset.PatientID = "4711-0815"
    dataset.PatientBirthDate = "19500317"
    dataset.PatientSex = "F"
    dataset.StudyDate = "20200401"
    dataset.StudyInstanceUID = "1.2.3.4"
    dataset.FrameOfReferenceUID = "1.2.3.4.9"
    dataset.Modality = "MR"
    dataset.Manufacturer = "SIEMENS"
    dataset.ManufacturerModelName = "Prisma_fit"


def _image(dataset: Dataset, image: np.ndarray) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = image.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def classic(n: int, image: np.ndarray, *, z: float | None = None, **changes: Any) -> Dataset:
    """Slice n of an axial T2 TSE series, 3 mm apart, with any attributes changed (None: left out)."""
    dataset = Dataset()
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = f"{SERIES}.{n + 1}"
    dataset.SeriesInstanceUID = SERIES
    _patient(dataset)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "SE", "SK", "2D"
    dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "4000", "98", "150"
    dataset.MagneticFieldStrength = "3"
    dataset.NumberOfAverages = "2"
    dataset.SliceThickness = "2.5"
    dataset.InstanceNumber = n + 1
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-10, -12, 3.0 * n if z is None else z]
    dataset.PixelSpacing = [0.5, 0.75]
    _image(dataset, image)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = _meta(MRImageStorage, dataset.SOPInstanceUID)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write with its file meta."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, images: np.ndarray, **changes: Any) -> list[Path]:
    """A classic series, files in another order than slices."""
    count = len(images)
    return [save(classic(n, images[n], **changes), folder / f"{(n * 3 + 1) % count}_{n}.dcm") for n in range(count)]


def enhanced(images: np.ndarray, *, echoes: Sequence[float] = (80.0,), **changes: Any) -> Dataset:
    """One enhanced file: len(images) frames, the echoes one after another, each a stack 3 mm apart."""
    dataset = Dataset()
    dataset.SOPClassUID = EnhancedMRImageStorage
    dataset.SOPInstanceUID = "1.2.3.4.6.1"
    dataset.SeriesInstanceUID = "1.2.3.4.6"
    _patient(dataset)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    dataset.InstanceNumber = 1
    dataset.EchoPulseSequence = "SPIN"
    dataset.MagneticFieldStrength = 1.5
    dataset.AcquisitionDuration = 61.5
    dataset.NumberOfFrames = len(images)

    def group(**attributes: Any) -> Items:
        item = Dataset()
        for keyword, value in attributes.items():
            setattr(item, keyword, value)
        return Items([item])

    shared = Dataset()
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    shared.PixelMeasuresSequence = group(PixelSpacing=[0.5, 0.75], SliceThickness=2.5)
    shared.MRTimingAndRelatedParametersSequence = group(RepetitionTime=3500, FlipAngle=150)
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    per_frame = []
    each = len(images) // len(echoes)
    for n in range(len(images)):
        frame = Dataset()
        frame.PlanePositionSequence = group(ImagePositionPatient=[10.0 - 3.0 * (n % each), -5, 7])
        frame.MREchoSequence = group(EffectiveEchoTime=float(echoes[n // each]))
        frame.PixelValueTransformationSequence = group(RescaleSlope=1.5, RescaleIntercept=-2, RescaleType="US")
        frame.FrameContentSequence = group(StackID="1", FrameComments="Erika Muster moved")
        per_frame.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Items(per_frame)
    _image(dataset, images)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = _meta(EnhancedMRImageStorage, dataset.SOPInstanceUID)
    return dataset
