"""The header of an ordinary DICOM file as a table of byte ranges: followed once, nothing built, pixels left in place.

Ordinary is what scanners and archives write: a file with preamble and meta group, explicit or implicit VR little
endian, uncompressed, attributes in ascending order and of known value representations. Of anything else there is no
table.
PS3.5 section 7.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import cache
from struct import Struct, error

from pydicom._dicom_dict import DicomDictionary
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

PIXEL_DATA = 0x7FE00010
MOST_ELEMENTS = 20_000
DEEPEST = 8  # sequences within each other
_OTHER_PIXELS = (0x7FE00008, 0x7FE00009)
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNDEFINED = 0xFFFFFFFF
_EXPLICIT, _IMPLICIT, _LENGTH = Struct("<HH2sH"), Struct("<HHI"), Struct("<I")


class DoubtError(Exception):
    """The file is not ordinary; a parser that knows more must read it."""


# Tag, VR (None where it is implicit) and value; that of a sequence of undefined length ends before its delimiter.
Row = tuple[int, str | None, bytes]
Place = tuple[str | None, int, int]  # VR, start and end of a value


@dataclass(frozen=True)
class Table:
    """All attributes but the pixel data, ascending; `pixels`: VR, where they start and where they end. starts: where
    each of the rows starts, and where the last ends."""

    implicit: bool
    meta: list[Row]
    rows: list[Row]
    pixels: Place | None
    starts: list[int]


@cache
def _sequences() -> frozenset[int]:
    return frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")


_EXPLICIT_UID, _IMPLICIT_UID = ExplicitVRLittleEndian.encode(), ImplicitVRLittleEndian.encode()
_NAMES = {vr: vr.decode() for vr in _LONG | _SHORT}


def read_table(data: bytes | mmap.mmap) -> Table | None:
    """The table of a file's bytes; None if there is any doubt about what they mean."""
    try:
        return _table(data)
    except (DoubtError, error):
        return None


def _table(data: bytes | mmap.mmap) -> Table:
    implicit, meta, place = read_meta(data)
    total = len(data)
    rows: list[Row] = []
    starts: list[int] = []
    pixels: Place | None = None
    last, end = 0x0002FFFF, place
    count = [0]
    while place < total:
        began = place
        tag, name, start, behind, place = element_at(data, place, total, implicit, count)
        if tag <= last or tag >> 16 == 0xFFFE or tag in _OTHER_PIXELS or len(rows) > MOST_ELEMENTS:
            raise DoubtError
        last = tag
        if tag == PIXEL_DATA:
            if name not in (None, "OW", "OB"):
                raise DoubtError
            pixels = name, start, behind
        else:
            rows.append((tag, name, data[start:behind]))
            starts.append(began)
            end = place
    return Table(implicit, meta, rows, pixels, [*starts, end])


def read_meta(data: bytes | mmap.mmap) -> tuple[bool, list[Row], int]:
    """Whether the attributes have implicit VRs, those of the meta group, and where the others start.

    Raises DoubtError if they are compressed, or of an order of bytes that is not ordinary.
    """
    if data[128:132] != b"DICM":
        raise DoubtError
    total = len(data)
    meta: list[Row] = []
    place = 132
    while total - place >= 8 and data[place : place + 2] == b"\x02\0":
        tag, vr, start, place = _explicit(data, place, total)
        if vr == b"SQ":
            raise DoubtError
        meta.append((tag, _NAMES[vr], data[start:place]))
    syntax = next((value.rstrip(b"\0 ") for tag, _, value in meta if tag == 0x00020010), b"")
    if syntax not in (_EXPLICIT_UID, _IMPLICIT_UID):
        raise DoubtError
    return syntax == _IMPLICIT_UID, meta, place


def element_at(
    data: bytes | mmap.mmap, place: int, total: int, implicit: bool, count: list[int]
) -> tuple[int, str | None, int, int, int]:
    """Tag, VR if the file says it, start and end of the value, and where the next attribute starts. count: attributes
    of items so far. Raises DoubtError, or `struct.error`, if there is any doubt."""
    if total - place < 8:
        raise DoubtError
    if implicit:
        return _implicit_element(data, place, total, count)
    group, element, vr, length = _EXPLICIT.unpack_from(data, place)
    if vr in _SHORT and place + 8 + length <= total:  # most
        start = place + 8
        return group << 16 | element, _NAMES[vr], start, start + length, start + length
    tag, vr, start, behind = _explicit(data, place, total)
    if vr == b"SQ":
        return tag, _NAMES[vr], start, *_sequence(data, start, behind, total, False, 0, count)
    if vr == b"UN" and not tag >> 16 & 1:
        raise DoubtError
    return tag, _NAMES[vr], start, behind, behind


def _explicit(data: bytes | mmap.mmap, place: int, end: int) -> tuple[int, bytes, int, int]:
    """Tag, VR, start and end of the value at `place`; a sequence of undefined length has no end yet (-1)."""
    group, element, vr, length = _EXPLICIT.unpack_from(data, place)
    start = place + 8
    if vr in _LONG:
        length = _LENGTH.unpack_from(data, start)[0]
        start += 4
        if length == _UNDEFINED:
            if vr != b"SQ":
                raise DoubtError
            return group << 16 | element, vr, start, -1
    elif vr not in _SHORT:
        raise DoubtError
    if start + length > end:
        raise DoubtError
    return group << 16 | element, vr, start, start + length


def _implicit_element(
    data: bytes | mmap.mmap, place: int, end: int, count: list[int], depth: int = 0
) -> tuple[int, str | None, int, int, int]:
    """Tag, VR of what must be a sequence, start and end of the value, and where the next attribute starts."""
    group, element, length = _IMPLICIT.unpack_from(data, place)
    tag, start = group << 16 | element, place + 8
    behind = -1 if length == _UNDEFINED else start + length
    if behind > end:
        raise DoubtError
    known = tag in _sequences()
    if behind < 0 and not known and data[start : start + 4] != b"\xfe\xff\x00\xe0":
        raise DoubtError
    if behind >= 0 and not known:
        return tag, None, start, behind, behind
    return tag, "SQ" if behind < 0 else None, start, *_sequence(data, start, behind, end, True, depth, count)


def _sequence(
    data: bytes | mmap.mmap, place: int, behind: int, end: int, implicit: bool, depth: int, count: list[int]
) -> tuple[int, int]:
    """Where the items that start at `place` end, and where the next attribute starts. behind: -1 if not declared."""
    if depth >= DEEPEST:
        raise DoubtError
    limit = end if behind < 0 else behind
    while place < limit:
        group, element, length = _IMPLICIT.unpack_from(data, place)
        if group != 0xFFFE:
            raise DoubtError
        if element == 0xE0DD and behind < 0 and not length:
            return place, place + 8
        if element != 0xE000:
            raise DoubtError
        place = _item(data, place + 8, length, limit, implicit, depth, count)
    if behind < 0 or place != behind:
        raise DoubtError
    return behind, behind


def _item(
    data: bytes | mmap.mmap, place: int, length: int, limit: int, implicit: bool, depth: int, count: list[int]
) -> int:
    """Where the item ends whose attributes start at `place`."""
    is_open = length == _UNDEFINED
    end = limit if is_open else place + length
    if end > limit:
        raise DoubtError
    while place < end:
        if end - place < 8:
            raise DoubtError
        count[0] += 1
        if count[0] > MOST_ELEMENTS:
            raise DoubtError
        if data[place : place + 2] == b"\xfe\xff":
            if is_open and data[place + 2 : place + 8] == b"\x0d\xe0\0\0\0\0":
                return place + 8
            raise DoubtError
        if implicit:
            place = _implicit_element(data, place, end, count, depth + 1)[4]
            continue
        tag, vr, start, behind = _explicit(data, place, end)
        if vr == b"SQ":
            place = _sequence(data, start, behind, end, False, depth + 1, count)[1]
        elif vr == b"UN" and not tag >> 16 & 1:
            raise DoubtError
        else:
            place = behind
    if is_open:
        raise DoubtError
    return end
