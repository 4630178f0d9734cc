"""Look over the structure of a DICOM file before it is parsed: how deep, how long and how many its elements are.

pydicom follows every sequence by recursion and believes every length. This walk does neither, so that what a
hostile file claims is known before anything is built from it. PS3.5 section 7.
"""

from __future__ import annotations

import io
import mmap
import re
import struct
import zlib
from functools import cache
from pathlib import Path

from pydicom._dicom_dict import DicomDictionary
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from processing.errors import InputError

DEEPEST = 32  # sequences within each other; real enhanced MR has about 5
MOST_ELEMENTS = 2_000_000
LARGEST_INFLATED = 1 << 30
FREE_RATIO_BYTES = 64 << 20  # a ratio is no concern below this size
LARGEST_RATIO = 100
DAMAGED = "The DICOM file is damaged or truncated; export it again."

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


@cache
def _sequences() -> frozenset[int]:
    return frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")


def skim(path: Path) -> None:
    """Raise InputError if sequences lie too deep, there are too many elements, lengths reach beyond the end, or a
    deflated file inflates too much. What does not look like DICOM at all passes: the parser says what it is.
    """
    with path.open("rb") as stream:
        if stream.seek(0, io.SEEK_END) < 8:
            return
        if isinstance(stream, io.BytesIO):
            _skim(stream.getvalue())
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _skim(data)


def _skim(data: bytes | mmap.mmap) -> None:
    start = 132 if data[128:132] == b"DICM" else 0
    if start == 0 and data[:2] not in (b"\x02\0", b"\x08\0"):
        return
    syntax, start = _file_meta(data, start)
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = inflate(data[start:])
        _walk(inflated, 0, implicit=False, little=True)
        return
    if syntax is None:  # told by what stands where the value representation would
        implicit = re.match(rb"[A-Z]{2}", data[start + 4 : start + 6]) is None
        little = implicit or struct.unpack_from("<H", data, start)[0] < 0x400
    else:
        implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    _walk(data, start, implicit=implicit, little=little)


def _file_meta(data: bytes | mmap.mmap, place: int) -> tuple[UID | None, int]:
    """Transfer syntax and where the data set starts; the group of the file meta is always explicit little endian."""
    syntax = None
    while place + 8 <= len(data) and data[place : place + 2] == b"\x02\0":
        element, vr = struct.unpack_from("<H2s", data, place + 2)
        long = vr in _LONG
        if long and place + 12 > len(data):
            raise InputError(DAMAGED)
        length = struct.unpack_from("<I" if long else "<H", data, place + (8 if long else 6))[0]
        place += 12 if long else 8
        if place + length > len(data):
            raise InputError(DAMAGED)
        if element == 0x0010:
            syntax = UID(data[place : place + length].rstrip(b"\0 ").decode("ascii", "replace"))
        place += length
    return syntax, place


def inflate(packed: bytes) -> bytes:
    """The inflated data set of a deflated file. Raises InputError beyond the limits on size and ratio."""
    most = min(LARGEST_INFLATED, max(FREE_RATIO_BYTES, LARGEST_RATIO * len(packed)))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, most)
    except zlib.error:
        raise InputError(DAMAGED) from None
    if inflater.unconsumed_tail and inflater.decompress(inflater.unconsumed_tail, 1):
        raise InputError("The deflated file inflates beyond all measure; send it uncompressed.")
    return content


def _walk(data: bytes | mmap.mmap, place: int, *, implicit: bool, little: bool) -> None:
    order = "<" if little else ">"
    two, four = struct.Struct(f"{order}HH"), struct.Struct(f"{order}I")
    short = struct.Struct(f"{order}H")
    total, count = len(data), 0
    # Each level: whether it holds items or elements, where it ends at the latest, whether a delimiter ends it before,
    # whether its elements are implicit.
    levels = [(False, total, False, implicit)]
    while True:
        of_items, end, is_open, implicit = levels[-1]
        if end - place < 8:
            if len(levels) == 1:
                return  # some writers pad the end
            if is_open or place != end:
                raise InputError(DAMAGED)
            levels.pop()
            continue
        count += 1
        if count > MOST_ELEMENTS:
            raise InputError(f"The header has over {MOST_ELEMENTS:,} elements; no MR file needs as many.")
        group, element = two.unpack_from(data, place)
        tag = group << 16 | element
        if group == 0xFFFE:
            length = four.unpack_from(data, place + 4)[0]
            place += 8
            if of_items and tag == _ITEM:
                inner = end if length == _UNDEFINED else place + length
                if inner > end:
                    raise InputError(DAMAGED)
                levels.append((False, inner, length == _UNDEFINED, implicit))
            elif tag == (_SEQUENCE_END if of_items else _ITEM_END) and is_open:
                levels.pop()
            continue  # a delimiter too many does no harm
        if of_items:
            raise InputError(DAMAGED)
        vr = b"" if implicit else bytes(data[place + 4 : place + 6])
        if vr in _LONG:
            if end - place < 12:
                raise InputError(DAMAGED)
            length = four.unpack_from(data, place + 8)[0]
            place += 12
        elif vr.isalpha() and vr.isupper():
            length = short.unpack_from(data, place + 6)[0]
            place += 8
        else:
            length = four.unpack_from(data, place + 4)[0]
            vr = b""
            place += 8
        undefined = length == _UNDEFINED
        sequence = vr == b"SQ" or (vr in (b"", b"UN") and tag in _sequences())
        if undefined and (vr == b"UN" or (not vr and (tag not in DicomDictionary))):
            sequence = True
        if undefined and not sequence:
            place = _after_fragments(data, place, end, two, four)
            continue
        behind = end if undefined else place + length
        if behind > end:
            raise InputError(DAMAGED)
        if not sequence:
            place = behind
            continue
        if len(levels) // 2 >= DEEPEST:
            raise InputError(f"Sequences lie over {DEEPEST} deep within each other; no MR file needs that.")
        levels.append((True, behind, undefined, implicit or vr == b"UN"))


def _after_fragments(data: bytes | mmap.mmap, place: int, end: int, two: struct.Struct, four: struct.Struct) -> int:
    """Where an encapsulated value ends: fragments are items without elements."""
    while end - place >= 8:
        group, element = two.unpack_from(data, place)
        length = four.unpack_from(data, place + 4)[0]
        place += 8
        if (group, element) == (0xFFFE, 0xE0DD):
            return place
        if (group, element) != (0xFFFE, 0xE000) or length > end - place:
            break
        place += length
    raise InputError(DAMAGED)
