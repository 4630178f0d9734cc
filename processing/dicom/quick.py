"""Open an ordinary classic MR file without building its header anew: what all slices say is converted once.

The result is the data set that pydicom makes of the same file; values are converted by pydicom itself, and kept by
their bytes. Of what is not ordinary there is none, and pydicom reads it.
"""

from __future__ import annotations

import io
import mmap
import os
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from struct import error
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import FileMetaDataset, PrivateBlock
from pydicom.tag import BaseTag
from pydicom.uid import MRImageStorage

from processing.dicom.layout import Layout, learned, own_rows
from processing.dicom.table import PIXEL_DATA, DoubtError, Place, Row, Table, read_meta, read_table

ENGINE = "READERSTUDY_DICOM_ENGINE"  # bytes, or pydicom to have it read every file whole
LARGEST = 256 << 20
LONGEST_KEPT = 1024  # bytes of a value that is remembered
MOST_KEPT = 50_000
OFTEN = 2
_CHARSETS = {b"": "", b"ISO_IR 6": "ISO_IR 6", b"ISO_IR 100": "ISO_IR 100", b"ISO_IR 192": "ISO_IR 192"}
_CHARSET, _IMAGE_TYPE, _SOP_CLASS = _DECISIVE = 0x00080005, 0x00080008, 0x00080016
_INSTANCE = 0x00020003
_CLASSIC = MRImageStorage.encode()
PLAIN_NUMBERS = {
    "DS": re.compile(rb"-?\d{1,9}(\.\d{1,12})?(\\-?\d{1,9}(\.\d{1,12})?)*"),
    "IS": re.compile(rb"(0|-?[1-9]\d{0,8})"),
}
_MAPPED_FROM = 256 << 10


class Known:
    """One attribute with one value, as pydicom reads it; the same object for all files that say the same."""

    __slots__ = ("element",)

    def __init__(self, element: DataElement) -> None:
        self.element = element


Shared = tuple[int, BaseTag, Known | None]  # tag as a number, tag, what it shares


class Header(Dataset):
    """A data set that shares its attributes with others that say the same: they are replaced, never changed.

    rows: tag as a number, tag, and what it shares; creators: private creators by group; kind: the same number for those
    that say with the same bytes the same; series: what it has in common with the files before, if it has. Its meta
    group, without the UID of the instance, is that of others too.
    """

    rows: list[Shared]
    creators: dict[int, list[BaseTag]]
    kind: int
    series: InCommon | None
    implicit: bool

    def get(self, key: Any, default: Any = None) -> Any:
        """As a data set does, faster for keywords."""
        if isinstance(key, str) and (tag := _tag_of(key)) is not None:
            element = self._dict.get(tag)
            if element is None:
                return default
            return element.value if type(element) is DataElement else self[tag].value
        return super().get(key, default)

    def get_item(self, key: Any, **options: Any) -> Any:
        """As a data set does, faster for tags."""
        return self._dict.get(key) if type(key) is BaseTag else super().get_item(key, **options)

    def __getitem__(self, key: Any) -> Any:
        if type(key) is BaseTag:
            element = self._dict[key]
            if type(element) is DataElement:
                return element
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name[:1].isupper() and (tag := _tag_of(name)) in self._dict and tag is not None:
            return self[tag].value
        return super().__getattr__(name)

    def __contains__(self, name: Any) -> bool:
        if isinstance(name, str) and (tag := _tag_of(name)) is not None:
            return tag in self._dict
        return super().__contains__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name[:1].isupper() and (tag := _tag_of(name)) is not None:
            self._dict.pop(tag, None)
        super().__setattr__(name, value)

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """The numbers of an attribute that is text and not read yet; None where pydicom must look."""
        tag = _tag_of(keyword)
        element = None if tag is None else self._dict.get(tag)
        if type(element) is not RawDataElement or element.VR not in PLAIN_NUMBERS or not element.value:
            return None
        text = element.value.rstrip(b" ")
        return tuple(map(float, text.split(b"\\"))) if PLAIN_NUMBERS[element.VR].fullmatch(text) else None

    def private_creators(self, group: int) -> list[str]:
        """As a data set does, without looking through all attributes."""
        return [self[tag].value for tag in self.creators.get(group, ()) if tag in self._dict]

    def private_block(self, group: int, private_creator: str, create: bool = False) -> PrivateBlock:
        """As a data set does, without looking through all attributes."""
        if create:
            return super().private_block(group, private_creator, create)
        if not private_creator:
            raise ValueError("Private creator must have a value")
        for tag in self.creators.get(group, ()):
            if tag in self._dict and self[tag].value == private_creator:
                return PrivateBlock((group, private_creator), self, tag.element)
        raise KeyError(f"Private creator '{private_creator}' not found")


_tags: dict[int, BaseTag] = {}
_tags_of: dict[str, BaseTag | None] = {}


def interned(number: int) -> BaseTag:
    """The one object for this tag: looking it up among attributes then needs no comparison."""
    found = _tags.get(number)
    if found is None:
        if len(_tags) > MOST_KEPT:
            _tags.clear()
        found = _tags[number] = BaseTag(number)
    return found


def _tag_of(keyword: str) -> BaseTag | None:
    try:
        return _tags_of[keyword]
    except KeyError:
        number = tag_for_keyword(keyword)
        if len(_tags_of) > MOST_KEPT:
            _tags_of.clear()
        found = _tags_of[keyword] = None if number is None else interned(number)
        return found


class _Values:
    """Attributes by tag, value representation and bytes, for files of one character set; bounded."""

    def __init__(self) -> None:
        self.known: dict[Row, Known | int] = {}  # or how often it was seen
        self.tags: dict[int, tuple[BaseTag, bool]] = {}

    def tag(self, number: int) -> tuple[BaseTag, bool]:
        """The tag, and whether what its bytes mean depends on nothing else in the file."""
        found = self.tags.get(number)
        if found is None:
            if len(self.tags) > MOST_KEPT:
                self.tags.clear()
            tag = interned(number)
            found = self.tags[number] = tag, not tag.is_private and _is_plain(tag)
        return found


def _is_plain(tag: BaseTag) -> bool:
    try:
        return len(dictionary_VR(tag)) == 2
    except KeyError:
        return False


_values: dict[tuple[bool, bytes], _Values] = {}


def is_wanted() -> bool:
    """Whether this engine is to be used at all."""
    return os.environ.get(ENGINE, "bytes") != "pydicom"


def quick_header(path: Path, *, pixels: bool) -> Header | None:
    """The header of an ordinary file, with pixel data if wanted; None if pydicom must read it."""
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        if not 140 < size < LARGEST:
            return None
        if pixels or size < _MAPPED_FROM or isinstance(stream, io.BytesIO):
            stream.seek(0)
            return _header(stream.read(), pixels)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _header(data, pixels)


@dataclass(frozen=True, eq=False)
class InCommon:
    """What the files of a series have in common.

    number: that no other series has; rows: of all attributes, those of a file's own with what the first had; loose:
    places of the public ones that are a file's own or not shared; tags: of all; shared: tags of the others that are
    shared, and these.
    """

    number: int
    layout: Layout
    charset: bytes
    attributes: dict[BaseTag, Any]
    rows: list[Shared]
    creators: dict[int, list[BaseTag]]
    loose: list[int]
    tags: frozenset[BaseTag]
    shared: tuple[tuple[BaseTag, ...], tuple[DataElement, ...]]


_before: tuple[Table, InCommon | None] | None = None


def _header(data: bytes | mmap.mmap, pixels: bool) -> Header | None:
    header = place = None
    if (before := _before) and before[1]:
        header, place = _like_those_before(before[1], data)
    if header is None:
        table = read_table(data)
        if table is None:
            return None
        said = {tag: value.strip(b"\0 ") for tag, _, value in table.rows[:50] if tag in _DECISIVE}
        charset = said.get(_CHARSET, b"")
        if (
            charset not in _CHARSETS
            or said.get(_SOP_CLASS) != _CLASSIC
            or b"MOSAIC" in said.get(_IMAGE_TYPE, b"").upper()
        ):
            return None
        header, place = _built(table, charset), table.pixels
        _learn(header, table, charset, data)
    if pixels and place:
        vr, start, end = place
        tag = interned(PIXEL_DATA)
        # Pixels are looked at, not converted: no copy of them is needed.
        value: Any = memoryview(data)[start:end] if isinstance(data, bytes) else data[start:end]
        header._dict[tag] = RawDataElement(tag, vr, end - start, value, start, header.implicit, True)
    return header


def _like_those_before(common: InCommon, data: bytes | mmap.mmap) -> tuple[Header | None, Place | None]:
    """The header of a file that is laid out like those before, and where its pixels lie; None if it is not."""
    try:
        implicit, meta, place = read_meta(data)
    except (DoubtError, error):
        return None, None
    if implicit != common.layout.table.implicit or (found := own_rows(common.layout, data, place)) is None:
        return None, None
    own, pixels = found
    header = _empty_header(implicit, common.charset)
    attributes, rows = common.attributes.copy(), common.rows.copy()
    _furnish(header, attributes, rows, common.creators, meta, implicit, common.charset)
    header.series = common
    values = _values_of(implicit, common.charset)
    for number, row in zip(common.layout.own, own, strict=True):
        tag, plain = values.tag(row[0])
        attributes[tag], same = _element(header, values, tag, plain, row)
        rows[number] = row[0], tag, same
    return header, pixels


def _learn(header: Header, table: Table, charset: bytes, data: bytes | mmap.mmap) -> None:
    """Remember what this file has in common with that before."""
    global _before
    table_before, common_before = _before or (None, None)
    layout = table_before and learned(table_before, table, data, common_before.layout if common_before else None)
    if not layout or any(_decides(table.rows[n][0]) for n in layout.own):
        _before = table, None
        return
    attributes, rows = dict(header._dict), header.rows.copy()
    own = set(layout.own)
    values = _values_of(table.implicit, charset)
    loose, shared = [], {}
    for n, (number, tag, known) in enumerate(rows):
        if n not in own and known is None:  # it was there twice at least
            known = _shared(header, values, tag, table.rows[n])
            if known is not None:
                attributes[tag], rows[n] = known.element, (number, tag, known)
        if n not in own and known is not None:
            shared[tag] = known.element
        elif not number >> 16 & 1:
            loose.append(n)
    pairs = tuple(shared), tuple(shared.values())
    tags, number = frozenset(attributes), next(_numbers)
    _before = table, InCommon(number, layout, charset, attributes, rows, header.creators, loose, tags, pairs)


def _decides(number: int) -> bool:
    """Whether it tells how others are read: the files of a series agree about it, or have nothing in common."""
    return number in _DECISIVE or _is_creator(number)


def _is_creator(number: int) -> bool:
    return number & 0x1FF00 == 0x10000 and number & 0xF0 != 0


def _values_of(implicit: bool, charset: bytes) -> _Values:
    return _values.setdefault((implicit, charset), _Values())


def _built(table: Table, charset: bytes) -> Header:
    implicit = table.implicit
    values = _values_of(implicit, charset)
    attributes: dict[BaseTag, Any] = {}
    rows: list[Shared] = []
    creators: dict[int, list[BaseTag]] = {}
    header = _empty_header(implicit, charset)
    for row in table.rows:
        if _is_creator(row[0]):
            creators.setdefault(row[0] >> 16, []).append(interned(row[0]))
    _furnish(header, attributes, rows, creators, table.meta, implicit, charset)
    for row in table.rows:
        tag, plain = values.tag(row[0])
        attributes[tag], same = _element(header, values, tag, plain, row)
        rows.append((row[0], tag, same))
    return header


def _furnish(
    header: Header,
    attributes: dict[BaseTag, Any],
    rows: list[Shared],
    creators: dict[int, list[BaseTag]],
    meta: list[Row],
    implicit: bool,
    charset: bytes,
) -> None:
    of_file = _meta(tuple(row for row in meta if row[0] != _INSTANCE))
    header.__dict__ |= {
        "_dict": attributes,
        "_private_blocks": {},
        "rows": rows,
        "creators": creators,
        "file_meta": of_file,
        "kind": _kind((implicit, charset, tuple(map(tuple, creators.values())), id(of_file)), of_file),
        "series": None,
        "implicit": implicit,
    }


_kinds: dict[tuple[Any, ...], tuple[int, FileMetaDataset]] = {}
_numbers = count()


def _kind(said: tuple[Any, ...], meta: FileMetaDataset) -> int:
    if (found := _kinds.get(said)) is None:
        if len(_kinds) > MOST_KEPT:
            _kinds.clear()
        found = _kinds[said] = next(_numbers), meta  # kept: another must not get its address
    return found[0]


def _element(header: Header, values: _Values, tag: BaseTag, plain: bool, row: Row) -> tuple[Any, Known | None]:
    """An attribute as it is kept in the header, and what it shares. `header` tells how to read it."""
    if not plain or len(row[2]) > LONGEST_KEPT:
        return _raw(tag, row, header.implicit), None
    memory = values.known
    found = memory.get(row, 0)
    if isinstance(found, Known):
        return found.element, found
    raw = _raw(tag, row, header.implicit)
    if found < OFTEN:  # what is one file's own is not worth keeping
        if len(memory) > MOST_KEPT:
            memory.clear()
        memory[row] = found + 1
        return raw, None
    header._dict[tag] = raw
    same = _shared(header, values, tag, row)
    return (raw if same is None else same.element), same


def _shared(header: Header, values: _Values, tag: BaseTag, row: Row) -> Known | None:
    """What stands for an attribute of this header in all files; None if it must be read in each."""
    if not values.tag(row[0])[1] or len(row[2]) > LONGEST_KEPT:
        return None
    found = values.known.get(row)
    if isinstance(found, Known):
        return found
    if (known := _converted(header, tag)) is not None:
        values.known[row] = known
    return known


@cache
def _template(implicit: bool, charset: bytes) -> dict[str, Any]:
    one = Dataset()
    one.set_original_encoding(implicit, True, convert_encodings(_CHARSETS[charset]))
    return dict(vars(one))


def _empty_header(implicit: bool, charset: bytes) -> Header:
    header = Header.__new__(Header)
    header.__dict__ |= _template(implicit, charset)
    return header


@lru_cache(100)
def _meta(rows: tuple[Row, ...]) -> FileMetaDataset:
    attributes: dict[BaseTag, Any] = {interned(row[0]): _raw(interned(row[0]), row, False) for row in rows}
    meta = FileMetaDataset(attributes)
    meta.set_original_encoding(False, True, convert_encodings(""))
    return meta


def _raw(tag: BaseTag, row: Row, implicit: bool) -> RawDataElement:
    _, vr, value = row
    return RawDataElement(tag, vr, len(value), value or _empty(vr), 0, implicit, True)


@cache
def _empty(vr: str | None) -> Any:
    return empty_value_for_VR(vr, raw=True)


def _converted(header: Header, tag: BaseTag) -> Known | None:
    try:
        return Known(Dataset.__getitem__(header, tag))
    except Exception:  # what cannot be converted is left to whoever asks for it
        return None
