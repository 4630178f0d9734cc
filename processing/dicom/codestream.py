"""What a compressed frame says of itself: its size, and whether it was compressed without loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

_NO_FRAME_HEADER = {0xC4, 0xC8, 0xCC}  # tables, not frames
_LOSSLESS_PROCESSES = {0xC3, 0xC7, 0xCB, 0xCF}


@dataclass(frozen=True)
class Codestream:
    """rows, columns as the decoder will allocate them; lossless: the coding is reversible."""

    rows: int
    columns: int
    lossless: bool


def read_codestream(frame: bytes) -> Codestream | None:
    """The head of a JPEG (ITU-T T.81), JPEG-LS (T.87), JPEG 2000 (T.800) or HTJ2K (T.814) frame.

    None if it is damaged or has no end: some decoders fill up what is missing without a word.
    """
    if b"\xff\xd9" not in frame[-16:]:  # padding may follow
        return None
    try:
        return _jpeg(frame) if frame[:2] == b"\xff\xd8" else _jpeg_2000(frame)
    except IndexError:
        return None


def _uint16(frame: bytes, place: int) -> int:
    return frame[place] << 8 | frame[place + 1]


def _jpeg(frame: bytes) -> Codestream | None:
    place, found, near_matters = 2, None, False
    while frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER:
            if not 2 <= frame[place + 4] <= 16:  # bits of a sample: with others decoders read outside of their tables
                return None
            found = Codestream(_uint16(frame, place + 5), _uint16(frame, place + 7), marker in _LOSSLESS_PROCESSES)
        elif marker == 0xF7:  # JPEG-LS
            found, near_matters = Codestream(_uint16(frame, place + 5), _uint16(frame, place + 7), True), True
        elif marker == 0xDA and found:
            end = place + 5 + 2 * frame[place + 4]
            # The lowest bits left out (point transform), and the error that JPEG-LS allows per pixel.
            lost = frame[end + 2] & 15 or (near_matters and frame[end])
            return replace(found, lossless=False) if lost else found
        place += 2 + _uint16(frame, place + 2)
    return None


def _jpeg_2000(frame: bytes) -> Codestream | None:
    start = frame[:4096].find(b"\xff\x4f\xff\x51")  # a JP2 file wraps it in boxes
    if start < 0:
        return None

    def four(place: int) -> int:
        return int.from_bytes(frame[place : place + 4], "big")

    place = start + 2
    columns, rows = four(place + 6) - four(place + 14), four(place + 10) - four(place + 18)
    while frame[place] == 0xFF and frame[place + 1] != 0x90:  # up to the first tile
        if frame[place + 1] == 0x52:
            return Codestream(rows, columns, frame[place + 13] == 1)
        place += 2 + _uint16(frame, place + 2)
    return None
