"""Open an ordinary DICOM file without building its header anew: what all slices of a series say is converted once.

The result is the data set that pydicom makes of the same file; values are converted by pydicom itself, and kept by their
bytes. Of what is not ordinary there is none, and pydicom reads it.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import FileMetaDataset, PrivateBlock
from pydicom.tag import BaseTag

from processing.dicom.table import PIXEL_DATA, Row, Table, read_table

ENGINE = "READERSTUDY_DICOM_ENGINE"  # bytes, or pydicom to have it read every file whole
LARGEST = 256 << 20
LONGEST_KEPT = 1024  # bytes of a value that is remembered
MOST_KEPT = 50_000
_CHARSETS = {b"": "", b"ISO_IR 6": "ISO_IR 6", b"ISO_IR 100": "ISO_IR 100", b"ISO_IR 192": "ISO_IR 192"}
_CHARSET = 0x00080005
_MAPPED_FROM = 256 << 10


class Known:
    """One attribute with one value, as pydicom reads it; the same object for all files that say the same."""

    __slots__ = ("__weakref__", "element")

    def __init__(self, element: DataElement) -> None:
        self.element = element


class Header(Dataset):
    """A data set that shares its attributes with others that say the same: they are replaced, never changed."""

    def __init__(self, attributes: dict[BaseTag, Any]) -> None:
        super().__init__(attributes)
        object.__setattr__(self, "known", {})

    known: dict[int, Known]

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

    def __contains__(self, name: Any) -> bool:
        if isinstance(name, str) and (tag := _tag_of(name)) is not None:
            return tag in self._dict
        return super().__contains__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name[:1].isupper() and (tag := _tag_of(name)) is not None:
            self._dict.pop(tag, None)
        super().__setattr__(name, value)

    def private_block(self, group: int, private_creator: str, create: bool = False) -> PrivateBlock:
        """As a data set does, without looking through all attributes."""
        if create:
            return super().private_block(group, private_creator, create)
        if not private_creator:
            raise ValueError("Private creator must have a value")
        for tag in self._creators.get(group, ()):
            if tag in self._dict and self[tag].value == private_creator:
                return PrivateBlock((group, private_creator), self, tag.element)
        raise KeyError(f"Private creator '{private_creator}' not found")

    _creators: dict[int, list[BaseTag]]


_tags: dict[str, BaseTag | None] = {}


def _tag_of(keyword: str) -> BaseTag | None:
    if keyword not in _tags:
        if len(_tags) > MOST_KEPT:
            _tags.clear()
        number = tag_for_keyword(keyword)
        _tags[keyword] = None if number is None else BaseTag(number)
    return _tags[keyword]


class _Values:
    """Attributes by tag, value representation and bytes, for files of one character set; bounded."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, str | None, bytes], Known | None] = {}
        self.tags: dict[int, tuple[BaseTag, bool]] = {}

    def tag(self, number: int) -> tuple[BaseTag, bool]:
        """The tag, and whether what its bytes mean depends on nothing else in the file."""
        if number not in self.tags:
            if len(self.tags) > MOST_KEPT:
                self.tags.clear()
            tag = BaseTag(number)
            self.tags[number] = tag, not tag.is_private and _is_plain(tag)
        return self.tags[number]


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
        size = os.fstat(stream.fileno()).st_size
        if not 140 < size < LARGEST:
            return None
        if pixels or size < _MAPPED_FROM:
            return _header(stream.read(), pixels)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _header(data, pixels)


def _header(data: bytes | mmap.mmap, pixels: bool) -> Header | None:
    table = read_table(data)
    if table is None:
        return None
    charset = next((row.value.strip(b"\0 ") for row in table.rows if row.tag == _CHARSET), b"")
    if charset not in _CHARSETS:
        return None
    header = _built(table, charset)
    if pixels and table.pixels:
        vr, start, end = table.pixels
        tag = BaseTag(PIXEL_DATA)
        header._dict[tag] = RawDataElement(tag, vr, end - start, data[start:end], start, table.implicit, True)
    return header


def _built(table: Table, charset: bytes) -> Header:
    implicit = table.implicit
    values = _values.setdefault((implicit, charset), _Values())
    attributes: dict[BaseTag, Any] = {}
    header = Header(attributes)
    encodings = convert_encodings(_CHARSETS[charset])
    header.set_original_encoding(implicit, True, encodings)
    creators: dict[int, list[BaseTag]] = {}
    known, memory = header.known, values.known
    for row in table.rows:
        tag, plain = values.tag(row.tag)
        if plain and len(row.value) <= LONGEST_KEPT:
            key = row.tag, row.vr, row.value
            if (found := memory.get(key, False)) is not None and found is not False:
                attributes[tag] = found.element
                known[row.tag] = found
                continue
            attributes[tag] = _raw(tag, row, implicit)
            if found is None:  # seen for the second time
                _remember(header, tag, key, memory)
            else:
                if len(memory) > MOST_KEPT:
                    memory.clear()
                memory[key] = None
            continue
        attributes[tag] = _raw(tag, row, implicit)
        if row.tag & 0x1FF00 == 0x10000 and 0x10 <= row.tag & 0xFFFF:
            creators.setdefault(row.tag >> 16, []).append(tag)
    object.__setattr__(header, "_creators", creators)
    meta = {BaseTag(row.tag): _raw(BaseTag(row.tag), row, False) for row in table.meta}
    header.file_meta = FileMetaDataset(meta)
    header.file_meta.set_original_encoding(False, True, convert_encodings(""))
    return header


def _raw(tag: BaseTag, row: Row, implicit: bool) -> RawDataElement:
    value = row.value or empty_value_for_VR(row.vr, raw=True)
    return RawDataElement(tag, row.vr, len(row.value), value, 0, implicit, True)  # type: ignore[arg-type]


def _remember(header: Header, tag: BaseTag, key: tuple[int, str | None, bytes], memory: dict[Any, Any]) -> None:
    try:
        element = Dataset.__getitem__(header, tag)
    except Exception:  # what cannot be converted is left to whoever asks for it
        return
    memory[key] = header.known[key[0]] = Known(element)
