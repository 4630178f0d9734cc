"""What a DICOM segmentation or structure set says it was drawn on: images, coordinates, patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import Dataset

_IMAGES = (
    "ContourImageSequence",
    "ReferencedImageSequence",
    "ReferencedInstanceSequence",
    "SourceImageSequence",
)


@dataclass(frozen=True)
class DrawnOn:
    """UIDs of the frames of reference and of the images that the file refers to, and its PatientID, as they stand."""

    frames: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    patient: str = ""


def drawn_on(dataset: Dataset) -> DrawnOn:
    """What the file says of the images under its masks; empty where it says nothing."""
    frames: set[str] = set()
    images: set[str] = set()
    for item in _items(dataset):
        frames.update(_text(item, "FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"))
        for keyword in _IMAGES:
            for one in item.get(keyword) or ():
                images.update(_text(one, "ReferencedSOPInstanceUID"))
    return DrawnOn(frozenset(frames), frozenset(images), str(dataset.get("PatientID") or "").strip())


def _text(item: Dataset, *keywords: str) -> Iterator[str]:
    for keyword in keywords:
        if found := str(item.get(keyword) or "").strip():
            yield found


def _items(dataset: Dataset) -> Iterator[Dataset]:
    """The data set and all items of its sequences."""
    yield dataset
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _items(item)
