"""How the files of a series are laid out: most attributes stand there byte for byte as in the file before.

Two files that have the same attributes in the same order give the layout. Of a third only what differs is followed and
taken apart; if it is laid out otherwise, it is read like the first.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from struct import error

from processing.dicom.table import PIXEL_DATA, DoubtError, Place, Row, Table, element_at

_SERIES = 0x0020000E


@dataclass(frozen=True, eq=False)
class Layout:
    """segments: bytes that all files have, or the tag of an attribute that each has for itself; own: which rows of
    the table these are; table: of the file that it was learned from last."""

    segments: list[bytes | int]
    own: list[int]
    table: Table


def learned(before: Table, now: Table, data: bytes | mmap.mmap, layout: Layout | None) -> Layout | None:
    """The layout of two files, or of all those that gave `layout` and of this; None if they have none in common.

    before: the table of the file before; now, data: of this one.
    """
    if before.implicit != now.implicit or len(before.rows) != len(now.rows):
        return None
    if now.pixels is None or now.pixels[1] < now.starts[-1]:
        return None
    known = set(layout.own) if layout is not None and layout.table is before else set()
    own = []
    for n, (one, other) in enumerate(zip(before.rows, now.rows, strict=True)):
        if one[0] != other[0]:
            return None
        if one != other:
            if other[0] == _SERIES:
                return None
            known.add(n)
        if n in known:
            own.append(n)
    segments: list[bytes | int] = []
    place = now.starts[0] if now.starts else 0
    for n in own:
        if now.starts[n] > place:
            segments.append(data[place : now.starts[n]])
        segments.append(now.rows[n][0])
        place = now.starts[n + 1]
    segments.append(data[place : now.starts[-1]])
    return Layout(segments, own, now)


def own_rows(layout: Layout, data: bytes | mmap.mmap, place: int) -> tuple[list[Row], Place] | None:
    """What a file has for itself whose attributes start at `place`, and its pixels; None if it is laid out otherwise.

    What is not followed is the same bytes at the same place of the row as in a file that was.
    """
    found: list[Row] = []
    total, implicit, count = len(data), layout.table.implicit, [0]
    try:
        for segment in layout.segments:
            if isinstance(segment, bytes):
                behind = place + len(segment)
                if not (data.startswith(segment, place) if isinstance(data, bytes) else data[place:behind] == segment):
                    return None
                place = behind
                continue
            tag, name, start, behind, place = element_at(data, place, total, implicit, count)
            if tag != segment:
                return None
            found.append((tag, name, data[start:behind]))
        tag, name, start, behind, place = element_at(data, place, total, implicit, count)
    except (DoubtError, error):
        return None
    if tag != PIXEL_DATA or name not in (None, "OW", "OB") or place != total:
        return None
    return found, (name, start, behind)
