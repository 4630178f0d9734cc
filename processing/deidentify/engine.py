"""Build a new data set from what the rules keep; nothing is carried over that no rule names."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from pathlib import Path

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian

from processing.deidentify.report import Report, name_of
from processing.deidentify.rules import METHOD, checked_value, most_values, rules
from processing.dicom import vocabulary
from processing.dicom.frames import attributes
from processing.dicom.header import check, independent_copy, tolerant
from processing.dicom.mosaic import is_mosaic
from processing.dicom.parameters import OLDEST, age_in_years, free_words, region_of, weighting_of
from processing.dicom.pixels import stored_values
from processing.dicom.promote import promote
from processing.dicom.weighting import TO_CONTRAST
from processing.errors import InputError

IMPLEMENTATION_UID = UID("2.25.126474329310374936219186210353262110427")
IMPLEMENTATION_NAME = "READERSTUDY"


def keyed_uid(key: bytes, uid: str) -> str:
    """The new UID of an old one: the same for one key, not to be reversed without it."""
    digest = hmac.new(key, b"uid\0" + uid.strip().encode(), hashlib.sha256).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def pseudonym(key: bytes, identity: str) -> str:
    """Eight hexadecimal digits for one patient and key."""
    return hmac.new(key, b"patient\0" + identity.strip().encode(), hashlib.sha256).hexdigest()[:8]


def subject_key(key: bytes, dataset: Dataset) -> str:
    """Pseudonym from PatientID, or from the study where there is none."""
    identity = str(dataset.get("PatientID") or "").strip()
    return pseudonym(key, identity or f"study {dataset.get('StudyInstanceUID', '')}")


def deidentify(dataset: Dataset, *, key: bytes, pixels: np.ndarray | None = None) -> tuple[Dataset, Report]:
    """A clean copy of an MR image and the report on it.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Classic or enhanced MR with pixels, as ``header.open_dicom`` returns it.
    key : bytes
        Secret of the study; the same key gives the same UIDs and pseudonyms.
    pixels : ndarray, optional
        Stored values, if read before.

    Returns
    -------
    clean : pydicom.Dataset
        Explicit VR little endian with unchanged pixel values; region and contrast that only free text or private tags
        told are written as codes.
    report : Report
        What was kept, replaced, emptied and removed: tags and counts, never values.

    Raises
    ------
    InputError
        If the file is not an MR image that can be used.

    Notes
    -----
    Deny by default: what no rule names is removed.

    Examples
    --------
    >>> from pydicom import examples
    >>> from processing.deidentify.engine import deidentify
    >>> from processing.dicom.header import open_dicom
    >>> clean, report = deidentify(open_dicom(examples.get_path("mr")), key=b"sixteen bytes or more")
    >>> str(clean.PatientName), clean.PatientIdentityRemoved, report.files
    ('', 'YES', 1)
    """
    try:
        with tolerant():
            check(dataset)
            if is_mosaic(dataset):
                raise InputError("A Siemens mosaic holds many slices; unfold it first.")
            promote(dataset)
            return _clean(dataset, key, stored_values(dataset) if pixels is None else pixels)
    except InputError:
        raise
    except Exception:  # a value that cannot be converted
        raise InputError("The DICOM header holds values that cannot be read; export it again.") from None


def _clean(dataset: Dataset, key: bytes, pixels: np.ndarray) -> tuple[Dataset, Report]:
    report = Report(files=1)
    clean = _filtered(dataset, key, report)
    clean.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    clean["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for keyword, value in said_anew(dataset, key, clean.get("PatientAge")).items():
        setattr(clean, keyword, value)
    note_changes(dataset, report)
    _write_meta(clean)
    return clean, report


def said_anew(dataset: Dataset, key: bytes, age_kept: str | None) -> dict[str, str]:
    """Attributes by keyword that a clean file says in other words, or besides; age_kept: what the rules left."""
    said = {"PatientName": "", "PatientID": subject_key(key, dataset)}
    age = age_in_years(dataset)
    if age is not None and (age >= OLDEST or not age_kept):
        said["PatientAge"] = f"{min(int(age), OLDEST):03d}Y"
    said["PatientIdentityRemoved"] = "YES"
    said["DeidentificationMethod"] = METHOD
    said["LongitudinalTemporalInformationModified"] = "REMOVED"
    found = attributes(dataset, 0)
    region = region_of(dataset, found)
    if region in vocabulary.BODY_PARTS:
        said["BodyPartExamined"] = vocabulary.BODY_PARTS[region]
    # Only where the timing does not tell: echoes in one file may differ in contrast.
    if weighting_of(found, set()) is None:
        contrast = TO_CONTRAST.get(weighting_of(found, free_words(dataset)) or "")
        if contrast:
            said["AcquisitionContrast"] = contrast
    return said


def _filtered(dataset: Dataset, key: bytes, report: Report) -> Dataset:
    clean = Dataset()
    for tag in sorted(dataset.keys()):
        element, outcome = kept(dataset, tag, key, report)
        getattr(report, outcome)[name_of(tag)] += 1
        if element is not None:
            clean.add(element)
    return clean


def kept(dataset: Dataset, tag: BaseTag, key: bytes, report: Report) -> tuple[DataElement | None, str]:
    """What the rules leave of one attribute, None if nothing or if `said_anew` says it; and the outcome that counts it.

    What became of the attributes of its items, if it has any, is counted in `report`.
    """
    rule = rules().get(tag)
    if rule is None:
        return None, "removed"
    try:
        element = dataset[tag]
    except Exception:  # a value that cannot be read cannot be checked
        return None, "refused_values"
    if rule.action in ("pixels", "pseudonym", "region"):
        return None, "kept" if rule.action == "pixels" else "replaced"
    # Free text may pose as anything, also as a row of numbers.
    if element.VR not in dictionary_VR(tag).split(" or ") or (element.VR != "SQ" and most_values(tag) < element.VM):
        return None, "refused_values"
    if rule.action == "descend":
        items = [_filtered(item, key, report) for item in element.value]
        return DataElement(tag, "SQ", Sequence(items)), "kept"
    if rule.action == "uid":
        return DataElement(tag, "UI", keyed_uid(key, str(element.value)) if element.value else ""), "replaced"
    if rule.action == "class":
        known = UID(str(element.value)).name != str(element.value)
        return (DataElement(tag, "UI", str(element.value)), "kept") if known else (None, "refused_values")
    if rule.action == "empty":
        return DataElement(tag, element.VR, Sequence() if element.VR == "SQ" else None), "emptied"
    if rule.action == "set":
        return DataElement(tag, element.VR, rule.value), "replaced"
    value = checked_value(rule.check, element.value)
    if value is None and element.value is not None:
        return (DataElement(tag, element.VR, rule.value), "replaced") if rule.value else (None, "refused_values")
    return DataElement(tag, element.VR, value), "kept"


def note_changes(dataset: Dataset, report: Report) -> None:
    """Say in the report what was done to the pixels, and which planes and scales are gone."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        report.notes.add(f"{syntax.name} decoded and stored uncompressed.")
    groups = {tag >> 16 for tag in dataset.keys()}  # noqa: SIM118 - a data set iterates over values
    if any(group >> 8 == 0x60 for group in groups):
        report.notes.add("Overlay planes removed.")
    if 0x2005 in groups:
        report.notes.add("Philips: values by the standard rescale slope; the private scale slope is removed.")
    unused = dataset.BitsAllocated - dataset.BitsStored
    if unused and not dataset.get("PixelRepresentation", 0):
        report.notes.add("Bits above the stored ones are zero.")


def _write_meta(clean: Dataset) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    clean.file_meta = meta
    clean.preamble = b"\0" * 128


def save(clean: Dataset, path: Path) -> None:
    """Write a clean data set whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with tolerant():
            clean.save_as(part, enforce_file_format=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def frame_subset(clean: Dataset, indices: list[int], part: str) -> Dataset:
    """An enhanced image with some of its frames (0-based) only; `part` makes its UIDs differ from the rest's."""
    if len(indices) == len(clean.PerFrameFunctionalGroupsSequence):
        return clean
    pixels = stored_values(clean)[indices]
    subset = independent_copy(clean)
    subset.PerFrameFunctionalGroupsSequence = Sequence(clean.PerFrameFunctionalGroupsSequence[n] for n in indices)
    subset.NumberOfFrames = len(indices)
    subset.PixelData = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        setattr(subset, keyword, keyed_uid(part.encode(), str(clean.get(keyword))))
    _write_meta(subset)
    return subset


def reject_short_key(key: bytes) -> None:
    """Raise InputError if the key is too short to keep identities from being guessed."""
    if len(key) < 16:
        raise InputError("The key of the study has under 16 bytes; identities could be guessed.")
