"""One frame per image plane, the same for classic files (one frame) and enhanced files (many)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.uid import EnhancedMRImageStorage

from processing.deidentify import rules
from processing.dicom import mosaic
from processing.dicom.private import ge_direction, slices_made
from processing.dicom.quick import Header
from processing.dicom.recall import recalled
from processing.errors import InputError

# What may tell apart images that lie at the same place, in the order in which it is tried.
SPLITTERS = (
    "EchoTime",
    "DiffusionBValue",
    "DiffusionDirection",
    "InversionTime",
    "TemporalPosition",
    "FlipAngle",
    "AcquisitionNumber",
    "ImageType",
    "ComplexImageComponent",
    "TriggerTime",
)

_GROUPS = (0x0008, 0x0010, 0x0018, 0x0020, 0x0028)


@dataclass(frozen=True)
class Frame:
    """Where one image plane lies and how its stored values become intensities.

    position: centre of the first voxel, mm, LPS; orientation: direction of increasing column, then of
    increasing row (unit vectors); spacing: between rows, between columns, mm; thickness in mm or None.
    slope, intercept: rescale to intensities. index: frame number in the file, from 0.
    marks: values of SPLITTERS, None where the header does not say.
    between, slice_thickness: what SpacingBetweenSlices and SliceThickness say, mm; number: place in the series, as the
    scanner counts; made: slices that it made of the stack; padding: lowest and highest stored value that holds no
    intensity.
    """

    path: Path
    index: int
    series_uid: str
    stack: str
    rows: int
    columns: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]
    thickness: float | None
    slope: float
    intercept: float
    marks: Mapping[str, Any]
    between: float | None = None
    slice_thickness: float | None = None
    number: int | None = None
    made: int | None = None
    padding: tuple[int, int] | None = None


_keyword = lru_cache(10_000)(keyword_for_tag)


def by_file(frames: Iterable[Frame]) -> dict[Path, list[Frame]]:
    """The frames of each file, in the order in which they come."""
    found: dict[Path, list[Frame]] = {}
    for frame in frames:
        found.setdefault(frame.path, []).append(frame)
    return found


def is_enhanced(dataset: Dataset) -> bool:
    """Whether the file is an Enhanced MR Image."""
    return bool(dataset.SOPClassUID == EnhancedMRImageStorage)


class _OfFile(Mapping[str, Any]):
    """Attributes of a classic file by keyword, each converted when it is asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def get(self, keyword: str, default: Any = None) -> Any:
        return self._dataset.get(keyword, default)

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        return self._dataset.numbers(keyword) if isinstance(self._dataset, Header) else None

    def __getitem__(self, keyword: str) -> Any:
        if keyword not in self._dataset:
            raise KeyError(keyword)
        return self._dataset.get(keyword)

    def __iter__(self) -> Iterator[str]:
        return iter(self._dataset.dir())

    def __len__(self) -> int:
        return len(self._dataset)


def attributes(dataset: Dataset, index: int) -> Mapping[str, Any]:
    """Standard attributes of one frame by keyword: those of the file, overridden by its functional groups."""
    if not is_enhanced(dataset):
        return _OfFile(dataset)
    found = {}
    for tag in dataset.keys():  # noqa: SIM118 - a data set iterates over converted values
        if tag.group in _GROUPS and dataset.get_item(tag).VR != "SQ":
            found[_keyword(tag)] = dataset[tag].value
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*shared[:1], dataset.PerFrameFunctionalGroupsSequence[index]]:
        for sequence in group:
            if sequence.VR != "SQ" or not sequence.keyword or not sequence.value:
                continue
            values = {e.keyword: e.value for e in sequence.value[0] if e.VR != "SQ" and e.keyword}
            if values.get("AcquisitionContrast") == "UNKNOWN":
                del values["AcquisitionContrast"]
            found.update(values)
            for inner in sequence.value[0]:
                if inner.keyword in ("AnatomicRegionSequence", "DiffusionGradientDirectionSequence") and inner.value:
                    found.update({e.keyword: e.value for e in inner.value[0] if e.VR != "SQ" and e.keyword})
    return found


def number(value: Any) -> float | None:
    """A finite number, the first of several, or None. Philips writes 7.23e75 where it has none."""
    try:
        if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, str)):
            value = next(iter(value))
        result = float(value)
    except (TypeError, ValueError, StopIteration):
        return None
    return result if np.isfinite(result) and abs(result) < 1e30 else None


def measure(found: Mapping[str, Any], keyword: str) -> float | None:
    """A number of the header that the rule of its attribute lets stay: others are no measure, and may name a person."""
    return rules.vetted_number(keyword, number(found.get(keyword)))


def _plain(found: Mapping[str, Any], keyword: str) -> tuple[float, ...] | None:
    """Numbers that an ordinary file has as text, and that nobody has converted yet."""
    return found.numbers(keyword) if isinstance(found, _OfFile) else None


def _numbers(found: Mapping[str, Any], keyword: str, count: int, what: str) -> tuple[float, ...]:
    if (plain := _plain(found, keyword)) is not None and len(plain) == count:
        return plain
    try:
        values = tuple(float(value) for value in found[keyword])
    except (KeyError, TypeError, ValueError):
        values = ()
    if len(values) != count or not np.isfinite(values).all():
        raise InputError(f"The image does not say its {what} ({keyword}); it cannot be placed in space.")
    return values


def _marks(found: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    def rounded(*keywords: str) -> float | None:
        values = [number(found.get(keyword)) for keyword in keywords]
        known = [value for value in values if value is not None]
        return round(known[0], 2) if known else None

    direction = found.get("DiffusionGradientOrientation") or ge_direction(dataset)
    kinds = found.get("FrameType") or found.get("ImageType") or ()
    return {
        "EchoTime": rounded("EffectiveEchoTime", "EchoTime"),
        "DiffusionBValue": rounded("DiffusionBValue"),
        "DiffusionDirection": tuple(round(float(v), 3) for v in direction) if direction else None,
        "InversionTime": rounded("InversionTimes", "InversionTime"),
        "TemporalPosition": rounded("TemporalPositionIndex", "TemporalPositionIdentifier"),
        "FlipAngle": rounded("FlipAngle"),
        "AcquisitionNumber": rounded("AcquisitionNumber"),
        "ImageType": (kinds,) if isinstance(kinds, str) else tuple(str(v) for v in kinds),
        "ComplexImageComponent": str(found.get("ComplexImageComponent") or "") or None,
        "TriggerTime": rounded("NominalCardiacTriggerDelayTime", "TriggerTime"),
    }


def _place(found: Mapping[str, Any], keyword: str) -> int | None:
    plain = _plain(found, keyword)
    place = rules.vetted_number(keyword, plain[0]) if plain else measure(found, keyword)
    return None if place is None else int(place)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """PixelPaddingValue, and PixelPaddingRangeLimit, as they stand among the stored values.

    Whichever VR a writer chose, US or SS, bits count; those above the stored ones are cleared in pixels too.
    """
    value, limit = (dataset.get(word) for word in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if not isinstance(value, int):
        return None
    ends = [as_stored(dataset, end) for end in (value, limit if isinstance(limit, int) else value)]
    return min(ends), max(ends)


def as_stored(dataset: Dataset, value: int) -> int:
    """A number of the header as the stored value with the same bits."""
    bits = int(dataset.BitsStored)
    low = value & (1 << bits) - 1
    return low - (1 << bits) if dataset.get("PixelRepresentation", 0) and low >> bits - 1 else low


@recalled
def _told_of_classic(dataset: Dataset) -> dict[str, Any]:
    return _told(dataset, _OfFile(dataset))


def _told(dataset: Dataset, tags: Mapping[str, Any]) -> dict[str, Any]:
    """What is mostly the same for all slices: a frame without its position and number."""
    orientation = _numbers(tags, "ImageOrientationPatient", 6, "orientation")
    column, row = np.array(orientation[:3]), np.array(orientation[3:])
    if abs(column @ row) > 1e-2 or any(abs(np.linalg.norm(v) - 1) > 1e-2 for v in (column, row)):
        raise InputError("The image orientation is not two perpendicular directions; export the series again.")
    spacing = _numbers(tags, "PixelSpacing", 2, "pixel size")
    if min(spacing) <= 0:
        raise InputError("The pixel size is not positive; export the series again.")
    slope, intercept = number(tags.get("RescaleSlope", 1)), number(tags.get("RescaleIntercept", 0))
    return {
        "series_uid": str(dataset.get("SeriesInstanceUID", "")),
        "stack": str(tags.get("StackID", "")),
        "rows": int(dataset.Rows),
        "columns": int(dataset.Columns),
        "orientation": orientation,
        "spacing": spacing,
        "thickness": number(tags.get("SpacingBetweenSlices")) or number(tags.get("SliceThickness")),
        "slope": 1.0 if slope in (None, 0.0) else slope,
        "intercept": 0.0 if intercept is None else intercept,
        "marks": _marks(tags, dataset),
        "between": measure(tags, "SpacingBetweenSlices"),
        "slice_thickness": measure(tags, "SliceThickness"),
        "made": None if is_enhanced(dataset) else slices_made(dataset),
        "padding": _padding(dataset),
    }


def frames_of(dataset: Dataset, path: Path) -> list[Frame]:
    """The frames of one file in file order, a mosaic's slices one by one.

    Raises InputError if one has no place in space.
    """
    result = []
    enhanced = is_enhanced(dataset)
    for index in range(len(dataset.PerFrameFunctionalGroupsSequence) if enhanced else 1):
        tags = attributes(dataset, index)
        alike = _told(dataset, tags) if enhanced else _told_of_classic(dataset)
        position = _numbers(tags, "ImagePositionPatient", 3, "position")
        place = _place(tags, "InStackPositionNumber" if enhanced else "InstanceNumber")
        result.append(Frame(path=path, index=index, position=position, number=place, **alike))  # type: ignore[arg-type]
    if mosaic.is_mosaic(dataset):
        where = mosaic.layout(dataset)
        one = replace(result[0], rows=where.rows, columns=where.columns, thickness=where.distance)
        return [replace(one, index=n, position=(x, y, z)) for n, (x, y, z) in enumerate(where.positions.tolist())]
    return result
