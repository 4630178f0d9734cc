"""Open an ordinary classic MR file without building its header anew: what all slices say is converted once.

The result is the data set that pydicom makes of the same file; values are converted by pydicom itself, and kept by
their bytes. Of what is not ordinary there is none, and pydicom reads it.
"""

from __future__ import annotations

import io
import mmap
import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import FileMetaDataset, PrivateBlock
from pydicom.tag import BaseTag
from pydicom.uid import MRImageStorage

from processing.dicom.table import PIXEL_DATA, Row, Table, read_table

ENGINE = "READERSTUDY_DICOM_ENGINE"  # bytes, or pydicom to have it read every file whole
LARGEST = 256 << 20
LONGEST_KEPT = 1024  # bytes of a value that is remembered
MOST_KEPT = 50_000
OFTEN = 2
_CHARSETS = {b"": "", b"ISO_IR 6": "ISO_IR 6", b"ISO_IR 100": "ISO_IR 100", b"ISO_IR 192": "ISO_IR 192"}
_CHARSET, _IMAGE_TYPE, _SOP_CLASS = _DECISIVE = 0x00080005, 0x00080008, 0x00080016
_INSTANCE = 0x00020003
_CLASSIC = MRImageStorage.encode()
_MAPPED_FROM = 256 << 10


class Known:
    """One attribute with one value, as pydicom reads it; the same object for all files that say the same."""

    __slots__ = ("element",)

    def __init__(self, element: DataElement) -> None:
        self.element = element


class Header(Dataset):
    """A data set that shares its attributes with others that say the same: they are replaced, never changed.

    rows: tag as a number, tag, and what it shares; creators: private creators by group. Its meta group, without the UID
    of the instance, is that of others too.
    """

    rows: list[tuple[int, BaseTag, Known | None]]
    creators: dict[int, list[BaseTag]]

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


def _header(data: bytes | mmap.mmap, pixels: bool) -> Header | None:
    table = read_table(data)
    if table is None:
        return None
    said = {tag: value.strip(b"\0 ") for tag, _, value in table.rows[:50] if tag in _DECISIVE}
    charset = said.get(_CHARSET, b"")
    if charset not in _CHARSETS or said.get(_SOP_CLASS) != _CLASSIC or b"MOSAIC" in said.get(_IMAGE_TYPE, b"").upper():
        return None
    header = _built(table, charset)
    if pixels and table.pixels:
        vr, start, end = table.pixels
        tag = interned(PIXEL_DATA)
        header._dict[tag] = RawDataElement(tag, vr, end - start, data[start:end], start, table.implicit, True)
    return header


def _built(table: Table, charset: bytes) -> Header:
    implicit = table.implicit
    values = _values.setdefault((implicit, charset), _Values())
    attributes: dict[BaseTag, Any] = {}
    rows: list[tuple[int, BaseTag, Known | None]] = []
    creators: dict[int, list[BaseTag]] = {}
    header = _empty_header(implicit, charset)
    header.__dict__ |= {
        "_dict": attributes,
        "_private_blocks": {},
        "rows": rows,
        "creators": creators,
        "file_meta": _meta(tuple(row for row in table.meta if row[0] != _INSTANCE)),
    }
    memory = values.known
    for row in table.rows:
        number = row[0]
        tag, plain = values.tag(number)
        same: Known | None = None
        if plain and len(row[2]) <= LONGEST_KEPT:
            found = memory.get(row, 0)
            if isinstance(found, Known):
                same = found
                attributes[tag] = same.element
            else:
                attributes[tag] = _raw(tag, row, implicit)
                if found < OFTEN:  # an intake opens each file twice: what is one file's own is not worth keeping
                    if len(memory) > MOST_KEPT:
                        memory.clear()
                    memory[row] = found + 1
                elif (same := _converted(header, tag)) is not None:
                    memory[row] = same
        else:
            attributes[tag] = _raw(tag, row, implicit)
            if number & 0x1FF00 == 0x10000 and number & 0xF0:
                creators.setdefault(number >> 16, []).append(tag)
        rows.append((number, tag, same))
    return header


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
