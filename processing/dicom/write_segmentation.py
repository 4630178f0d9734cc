"""Write masks as one DICOM Segmentation object (PS3.3 A.51): binary, a segment each, with no empty frame."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from processing.deidentify.engine import IMPLEMENTATION_NAME, IMPLEMENTATION_UID, save
from processing.dicom.frames import frames_of, is_enhanced
from processing.dicom.geometry import split, stack
from processing.dicom.header import open_dicom
from processing.dicom.segmentation import SEGMENTATION
from processing.errors import InputError
from processing.volume import Array, spacing_of

MANUFACTURER, ABOUT = "Reader Study", "Volumes of interest"
FROM_CLEAN = "Written by Reader Study from a clean series"
MOST_TURNED_MM = 0.05  # at the far end of a column: how far it may be from a right angle to the rows
_OF_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_OF_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName")


@dataclass(frozen=True)
class Source:
    """What a segmentation says of the series under it.

    header: without pixels, of one of its files. images: (SOP class UID, SOP instance UID) of its files. frames: for
    each slice which of them shows it, and as which frame (None: the file has but one).
    """

    header: Dataset
    images: tuple[tuple[str, str], ...] = ()
    frames: tuple[tuple[int, int | None], ...] = ()


def nameless(subject: str, series: str) -> Source:
    """Of a series that is no DICOM: its subject's code, UIDs that follow from the series' hash."""
    header = Dataset()
    header.PatientID, header.PatientIdentityRemoved = subject, "YES"
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        setattr(header, keyword, _uid(keyword, series))
    return Source(header)


def write_segmentation(
    masks: Mapping[str, Array],
    affine: Array,
    path: Path,
    *,
    source: Source,
    drawn: datetime | None = None,
    simulated: bool = False,
) -> Path:
    """Write masks on the grid of a series; the same masks, series and time, the same bytes.

    masks: by name, each (slices, rows, columns); names are written. affine: of column, row, slice to LPS in mm. drawn:
    when, by default now. simulated: whether no scanner acquired the series. Raises InputError without a voxel, or if
    rows and columns are not at right angles.
    """
    there = {name: mask for name, mask in masks.items() if mask.any()}
    if not there:
        raise InputError("The mask is empty.")
    drawn = (drawn or datetime.now(UTC)).astimezone(UTC)
    digest = hashlib.sha256(drawn.isoformat().encode() + np.asarray(affine, float).tobytes())
    for name, mask in there.items():
        digest.update(name.encode() + b"\0" + np.packbits(mask).tobytes())
    made = digest.hexdigest()
    data = _identity(source, made, drawn)
    frames = [
        (number, place)
        for number, mask in enumerate(there.values(), 1)
        for place in np.flatnonzero(mask.any(axis=(1, 2))).tolist()
    ]
    _pixels(data, np.stack([list(there.values())[number - 1][place] for number, place in frames]))
    data.SegmentationType, data.ContentLabel, data.ContentDescription = "BINARY", "VOLUMES", ABOUT
    if simulated:
        data.ContentDescription = f"{ABOUT} on a series that was simulated, not acquired"
    data.SegmentsOverlap = "YES" if (np.sum(list(there.values()), axis=0) > 1).any() else "NO"
    data.SegmentSequence = Items(_segment(number, name) for number, name in enumerate(there, 1))
    _geometry(data, affine, frames, source)
    with_files = [_reference(*image) for image in source.images]
    if with_files:
        series = Dataset()
        series.ReferencedInstanceSequence = Items(with_files)
        series.SeriesInstanceUID = source.header.SeriesInstanceUID
        data.ReferencedSeriesSequence = Items([series])
    save(data, path)
    return path


def source_of(files: Sequence[Path]) -> Source:
    """The source that the files of one DICOM series are. Raises InputError if they hold several volumes."""
    headers = {file: open_dicom(file, pixels=False) for file in files}
    parts = split(frame for file, header in headers.items() for frame in frames_of(header, file))
    if len(parts) != 1:
        raise InputError("The series holds several volumes; sort it first.")
    paths = list(headers)
    frames = [
        (paths.index(frame.path), frame.index + 1 if is_enhanced(headers[frame.path]) else None)
        for frame in stack(parts[0][1]).frames
    ]
    images = tuple((str(one.SOPClassUID), str(one.SOPInstanceUID)) for one in headers.values())
    return Source(headers[paths[0]], images, tuple(frames))


def _uid(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(("segmentation", *parts)).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def _code(value: str, scheme: str, meaning: str) -> Items:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return Items([code])


def _identity(source: Source, made: str, drawn: datetime) -> Dataset:
    """Patient and study of the source, clean only if it says so; series, equipment and instance of our own."""
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"  # whatever the source has: names are of any language
    for keyword in (*_OF_PATIENT, *_OF_STUDY):
        setattr(data, keyword, source.header.get(keyword) or "")
    data.FrameOfReferenceUID = source.header.get("FrameOfReferenceUID") or _uid("frame", data.StudyInstanceUID)
    data.PositionReferenceIndicator = ""
    if source.header.get("PatientIdentityRemoved") == "YES":
        data.PatientIdentityRemoved = "YES"
        data.DeidentificationMethod = source.header.get("DeidentificationMethod") or FROM_CLEAN
    data.Modality, data.SeriesNumber, data.SeriesDescription = "SEG", 9000, ABOUT
    data.SeriesInstanceUID = _uid("series", made, str(source.header.get("SeriesInstanceUID", "")))
    data.Manufacturer, data.ManufacturerModelName = MANUFACTURER, ABOUT
    data.DeviceSerialNumber, data.SoftwareVersions = "0", IMPLEMENTATION_NAME
    data.SOPClassUID, data.SOPInstanceUID = SEGMENTATION, _uid("instance", data.SeriesInstanceUID)
    data.InstanceNumber, data.ContentCreatorName = 1, ""
    data.ContentDate = data.SeriesDate = drawn.strftime("%Y%m%d")
    data.ContentTime = data.SeriesTime = drawn.strftime("%H%M%S")
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.LossyImageCompression, data.BurnedInAnnotation = "00", "NO"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_UID, IMPLEMENTATION_NAME
    data.file_meta, data.preamble = meta, b"\0" * 128
    return data


def _pixels(data: Dataset, frames: Array) -> None:
    data.NumberOfFrames, data.Rows, data.Columns = frames.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 1
    data.HighBit = 0
    content = np.packbits(frames.ravel(), bitorder="little").tobytes()
    data.PixelData = content + b"\0" * (len(content) % 2)
    data["PixelData"].VR = "OB"


def _segment(number: int, name: str) -> Dataset:
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = number, name[:64]
    segment.SegmentAlgorithmType = "MANUAL"  # what DICOM has for: not by an algorithm that could be named
    segment.SegmentedPropertyCategoryCodeSequence = _code("309825002", "SCT", "Spatial and Relational Concept")
    segment.SegmentedPropertyTypeCodeSequence = _code("111030", "DCM", "Image Region")
    return segment


def _geometry(data: Dataset, affine: Array, frames: Sequence[tuple[int, int]], source: Source) -> None:
    columns_mm, rows_mm, slices_mm = spacing_of(affine)
    turned = affine[:3, :2] / (columns_mm, rows_mm)
    # Positions of planes say how slices lie; rows and columns of one plane are at right angles in DICOM.
    leaning = abs(float(turned[:, 0] @ turned[:, 1])) * int(data.Rows) * rows_mm
    if leaning > MOST_TURNED_MM:
        raise InputError("The axes of this series are not at right angles, which DICOM cannot say: take NIfTI masks.")
    organisation = _uid("dimensions", data.SOPInstanceUID)
    unit = Dataset()
    unit.DimensionOrganizationUID = organisation
    data.DimensionOrganizationSequence = Items([unit])
    data.DimensionIndexSequence = Items(
        _dimension(organisation, *tags)
        for tags in ((0x0062000B, 0x0062000A, "Segment"), (0x00200032, 0x00209113, "Position"))
    )
    measures, plane, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [_number(rows_mm), _number(columns_mm)]
    measures.SliceThickness = measures.SpacingBetweenSlices = _number(slices_mm)
    plane.ImageOrientationPatient = [_number(value) for value in turned.T.ravel()]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Items([measures]), Items([plane])
    data.SharedFunctionalGroupsSequence = Items([shared])
    places = sorted({place for _, place in frames})
    data.PerFrameFunctionalGroupsSequence = Items(
        _frame(number, place, 1 + places.index(place), affine, source) for number, place in frames
    )


def _number(value: float) -> str:
    return f"{value:.10g}"


def _dimension(organisation: str, pointer: int, group: int, label: str) -> Dataset:
    index = Dataset()
    index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group
    index.DimensionOrganizationUID, index.DimensionDescriptionLabel = organisation, label
    return index


def _frame(number: int, place: int, position: int, affine: Array, source: Source) -> Dataset:
    frame, content, segment, plane = Dataset(), Dataset(), Dataset(), Dataset()
    content.DimensionIndexValues = [number, position]
    segment.ReferencedSegmentNumber = number
    plane.ImagePositionPatient = [_number(value) for value in (affine @ [0, 0, place, 1])[:3]]
    frame.FrameContentSequence, frame.SegmentIdentificationSequence = Items([content]), Items([segment])
    frame.PlanePositionSequence = Items([plane])
    if source.frames:
        file, shown = source.frames[place]
        image = _reference(*source.images[file])
        if shown is not None:
            image.ReferencedFrameNumber = shown
        image.PurposeOfReferenceCodeSequence = _code("121322", "DCM", "Source image for image processing operation")
        derivation = Dataset()
        derivation.DerivationCodeSequence = _code("113076", "DCM", "Segmentation")
        derivation.SourceImageSequence = Items([image])
        frame.DerivationImageSequence = Items([derivation])
    return frame


def _reference(sop_class: str, instance: str) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = sop_class, instance
    return image
