"""The clean file of an ordinary one, attribute by attribute as bytes: what was decided once is not decided again.

Rules, checks and encoding are those of the engine, applied to each attribute with each value the first time that it is
seen; the bytes are the same as those that the engine writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from pydicom import DataElement
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian

from processing.deidentify.engine import (
    IMPLEMENTATION_NAME,
    IMPLEMENTATION_UID,
    kept,
    keyed_uid,
    note_changes,
    said_anew,
)
from processing.deidentify.report import Report, name_of
from processing.deidentify.rules import Rule, checked_value, most_values, rules
from processing.dicom.header import tolerant
from processing.dicom.promote import promote
from processing.dicom.quick import MOST_KEPT, PLAIN_NUMBERS, Header, InCommon, Known, Shared
from processing.dicom.table import PIXEL_DATA, DoubtError

Pieces = list[bytes | memoryview]
_Decided = tuple[bytes, str, str, Report | None]  # what stays, outcome, name, what became of the items
OUTCOMES = ("kept", "replaced", "emptied", "removed", "refused_values")
MOST_SAID, MOST_IN_KEY, MOST_SERIES = 1000, 200, 20
_UIDS = {"SOPClassUID": 0x00080016, "SOPInstanceUID": 0x00080018, "SeriesInstanceUID": 0x0020000E}
_AGE = 0x00101010
_GROUP_LENGTH = b"\x02\0\0\0UL\x04\0"
_PLAIN_UID = re.compile(rb"(0|[1-9]\d{0,40})(\.(0|[1-9]\d{0,40}))+")
_VRS = {int(tag): dictionary_VR(tag) for tag in rules()}
# What may differ from slice to slice and tells nothing of region, contrast or age.
_BY_SLICE = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        "SOPInstanceUID",
        "InstanceCreationDate",
        "InstanceCreationTime",
        "AcquisitionDate",
        "AcquisitionTime",
        "ContentDate",
        "ContentTime",
        "AcquisitionDateTime",
        "InstanceNumber",
        "ImagePositionPatient",
        "SliceLocation",
        "TriggerTime",
        "WindowCenter",
        "WindowWidth",
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "ReferencedImageSequence",
        "SourceImageSequence",
    )
)


class _Alike(NamedTuple):
    """What stays of all that the files of a series have in common: bytes by tag; outcome, name and how often."""

    content: dict[int, bytes]
    counts: list[tuple[str, str, int]]


def _count(counted: Iterable[tuple[str, str, Report | None]], report: Report) -> None:
    counts = {name: getattr(report, name) for name in OUTCOMES}
    for outcome, name, inner in counted:
        counts[outcome][name] += 1
        if inner is not None:
            report.add(inner)


@lru_cache(4)
def cleaner_of(key: bytes) -> Cleaner:
    """The one cleaner of a key: what it decided for one series holds for the next."""
    return Cleaner(key)


class Cleaner:
    """Cleans the files of one key; remembers what it decided, within bounds."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._decided: dict[Known, _Decided] = {}
        self._said: dict[tuple[Any, ...], list[tuple[int, bytes]]] = {}
        self._names: dict[int, str] = {}
        self._rules = {int(tag): rule for tag, rule in rules().items()}
        self._constants: dict[int, bytes] = {}
        self._meta: dict[str, tuple[bytes, bytes]] = {}
        self._numbers: dict[tuple[int, str, Any], _Decided] = {}
        self._series: dict[int, _Alike] = {}

    def clean(
        self, header: Header, pixels: np.ndarray, report: Report, *, number: int, part: str = ""
    ) -> tuple[Pieces, dict[str, str]]:
        """The bytes of the clean file and its UIDs by keyword; what was done is added to `report`.

        header: as `header.read_header` checked it; number: its new instance number; part: makes the UID of its series
        differ from that of the other parts. Raises DoubtError where `engine.deidentify` must look at it.
        """
        try:
            with tolerant():
                promote(header)
                return self._clean(header, pixels, report, number, part)
        except Exception:  # a value that cannot be converted
            raise DoubtError from None

    def _clean(
        self, header: Header, pixels: np.ndarray, report: Report, number_anew: int, part: str
    ) -> tuple[Pieces, dict[str, str]]:
        alike, rows = self._alike(header)
        content = dict(alike.content) if alike else {}
        counted = self._clean_rows(header, rows, content)
        content.update(self._said_anew(header, content, alike, rows))
        content.update([encoded_attribute("InstanceNumber", number_anew)])
        uids = {keyword: _text(content[tag]) for keyword, tag in _UIDS.items()}
        if part:
            uids["SeriesInstanceUID"] = keyed_uid(self.key, f"{uids['SeriesInstanceUID']} {part}")
            content[_UIDS["SeriesInstanceUID"]] = _uid(_UIDS["SeriesInstanceUID"], uids["SeriesInstanceUID"])
        note_changes(header, report)
        report.files += 1
        _count(counted, report)
        if alike:
            for outcome, name, times in alike.counts:
                getattr(report, outcome)[name] += times
        vr = b"OB" if pixels.dtype.itemsize == 1 else b"OW"
        values = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).data.cast("B")
        odd = len(values) % 2
        start = b"\xe0\x7f\x10\x00" + vr + b"\0\0" + (len(values) + odd).to_bytes(4, "little")
        before = [content[tag] for tag in sorted(content) if tag < PIXEL_DATA]
        return [b"".join([self._meta_of(uids), *before, start]), values, b"\0" * odd], uids

    def _alike(self, header: Header) -> tuple[_Alike | None, list[Shared]]:
        """What a file says as those of its series before, cleaned; and what there is besides."""
        attributes, series = header._dict, header.series
        added = (
            attributes.keys() - (tag for _, tag, _ in header.rows)
            if series is None
            else attributes.keys() - series.tags
        )
        more: list[Shared] = [(int(tag), tag, None) for tag in added]
        if series is not None and len(attributes) - len(added) == len(series.tags):
            tags, shared = series.shared
            if all(map(is_, map(attributes.get, tags), shared)):
                return self._of_series(series, header), [*(header.rows[n] for n in series.loose), *more]
        return None, [*(row for row in header.rows if row[1] in attributes), *more]

    def _of_series(self, series: InCommon, header: Header) -> _Alike:
        if (found := self._series.get(series.number)) is None:
            content: dict[int, bytes] = {}
            loose, report = set(series.loose), Report()
            rows = [row for n, row in enumerate(header.rows) if n not in loose]
            _count(self._clean_rows(header, rows, content), report)
            counts = [(out, name, times) for out in OUTCOMES for name, times in getattr(report, out).items()]
            if len(self._series) > MOST_SERIES:
                self._series.clear()
            found = self._series[series.number] = _Alike(content, counts)
        return found

    def _clean_rows(
        self, header: Header, rows: Iterable[Shared], content: dict[int, bytes]
    ) -> list[tuple[str, str, Report | None]]:
        """Put the bytes that stay of some attributes into `content`; returns what to count."""
        counted: list[tuple[str, str, Report | None]] = []
        attributes, ruled, names = header._dict, self._rules, self._names
        for number, tag, same in rows:
            if number not in ruled:
                counted.append(("removed", names.get(number) or self._name(number, tag), None))
                continue
            if same is None or attributes[tag] is not same.element:
                decided = self._decide(header, number, tag)
            elif (remembered := self._decided.get(same)) is not None:
                decided = remembered
            else:
                decided = self._remembered(same, header, number, tag)
            encoded, outcome, name, inner = decided
            counted.append((outcome, name, inner))
            if encoded:
                content[number] = encoded
        return counted

    def _name(self, number: int, tag: BaseTag) -> str:
        if len(self._names) > MOST_KEPT:
            self._names.clear()
        return self._names.setdefault(number, name_of(tag))

    def _remembered(self, same: Known, header: Header, number: int, tag: BaseTag) -> _Decided:
        if len(self._decided) > MOST_KEPT:
            self._decided.clear()
        decided = self._decided[same] = self._decide(header, number, tag)
        return decided

    def _decide(self, header: Header, number: int, tag: BaseTag) -> _Decided:
        """Bytes that stay of one attribute, its outcome and name, and what became of its items."""
        name = self._names.get(number) or self._name(number, tag)
        rule, element = self._rules[number], header._dict[tag]
        if short := self._at_sight(rule, number, element):
            return short, "kept" if rule.action == "keep" else "replaced", name, None
        number_said = number, str(element.VR), element.value
        if type(element.value) is float and (known := self._numbers.get(number_said)):  # said anew in each file
            return known
        inner = Report()
        left, outcome = kept(header, tag, self.key, inner)
        has_items = left is not None and left.VR == "SQ" and len(left.value) > 0
        decided = b"" if left is None else _encoded(left), outcome, name, inner if has_items else None
        if type(element.value) is float and len(self._numbers) < MOST_KEPT:
            self._numbers[number_said] = decided
        return decided

    def _at_sight(self, rule: Rule, number: int, element: DataElement | RawDataElement) -> bytes | None:
        """Bytes of a UID, a date, or of plain numbers; None where the engine must look at it."""
        vr, value = element.VR, element.value
        if rule.action == "keep" and vr in ("US", "SS") and isinstance(value, bytes) and len(value) == 2:
            return _start(number, vr) + b"\2\0" + value if self._may_stay(rule, number, vr, value) else None
        if vr != _VRS.get(number) or not value:
            return None
        if rule.action == "uid":
            uid = value.rstrip(b"\0") if isinstance(value, bytes) else str(value).encode()
            return _uid(number, keyed_uid(self.key, uid.decode())) if _PLAIN_UID.fullmatch(uid) else None
        if not isinstance(value, bytes):  # somebody has looked at it already
            return None
        if rule.action == "set" and vr in ("DA", "TM", "DT"):
            return self._constants.get(number) or self._constants.setdefault(
                number, _encoded(DataElement(number, vr, rule.value))
            )
        if rule.action != "keep" or vr not in PLAIN_NUMBERS:
            return None
        text = value.rstrip(b" ")
        parts = text.decode("latin-1").split("\\")
        if not PLAIN_NUMBERS[vr].fullmatch(text) or len(parts) > most_values(rule.tag):
            return None
        if checked_value(rule.check, parts) is None:
            return None
        text += b" " * (len(text) % 2)
        return _start(number, vr) + len(text).to_bytes(2, "little") + text

    @staticmethod
    def _may_stay(rule: Rule, number: int, vr: str, value: bytes) -> bool:
        """Whether this one whole number may stay as it is."""
        whole = int.from_bytes(value, "little", signed=vr == "SS")
        return vr in _VRS[number].split(" or ") and checked_value(rule.check, whole) is not None

    def _said_anew(
        self, header: Header, content: Mapping[int, bytes], alike: _Alike | None, rows: list[Shared]
    ) -> list[tuple[int, bytes]]:
        key: list[Any] = [header.series.number] if alike and header.series else []
        attributes = header._dict
        for number, tag, same in rows:
            if number in _BY_SLICE or number >> 16 & 1 or number >= PIXEL_DATA:
                continue
            element = attributes[tag]
            key.append(
                same if same is not None and same.element is element else (number, element.VR, _short(element.value))
            )
        found = self._said.get(place := tuple(key))
        if found is None:
            age = _text(content[_AGE]) if _AGE in content else None
            found = [encoded_attribute(*one) for one in said_anew(header, self.key, age).items()]
            if len(self._said) > MOST_SAID:
                self._said.clear()
            self._said[place] = found
        return found

    def _meta_of(self, uids: Mapping[str, str]) -> bytes:
        """Preamble and file meta group."""
        sop_class, instance = uids["SOPClassUID"], uids["SOPInstanceUID"]
        if not sop_class or not instance:
            raise ValueError("no UID")
        if sop_class not in self._meta:
            before = _encoded(DataElement(0x00020001, "OB", b"\0\1")) + _uid(0x00020002, sop_class)
            behind = _uid(0x00020010, ExplicitVRLittleEndian) + _uid(0x00020012, IMPLEMENTATION_UID)
            self._meta[sop_class] = before, behind + _encoded(DataElement(0x00020013, "SH", IMPLEMENTATION_NAME))
        before, behind = self._meta[sop_class]
        group = before + _uid(0x00020003, instance) + behind
        return b"\0" * 128 + b"DICM" + _GROUP_LENGTH + len(group).to_bytes(4, "little") + group


def _short(value: Any) -> Any:
    """A value as part of a key; what is long is like nothing else."""
    text = repr(value)
    return text if len(text) <= MOST_IN_KEY else object()


@lru_cache(10_000)
def encoded_attribute(keyword: str, value: str | int) -> tuple[int, bytes]:
    """An attribute by its keyword: tag and bytes."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tag, _encoded(DataElement(tag, dictionary_VR(tag), value))


def _encoded(element: DataElement) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = False, True
    write_data_element(stream, element, "iso8859")
    return bytes(stream.getvalue())


def _uid(tag: int, uid: str) -> bytes:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return _start(tag, "UI") + len(value).to_bytes(2, "little") + value


def _start(tag: int, vr: str) -> bytes:
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode()


def _text(encoded: bytes) -> str:
    """The value of an attribute with a short length."""
    return encoded[8:].rstrip(b"\0 ").decode()
