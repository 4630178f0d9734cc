"""Random MR files with identifiers planted wherever a header has room, written byte by byte, in and out of order."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword

from processing.deidentify.rules import rules

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
WORDS = ("MUSTERMANN", "Mustermann^Erika", "erika mustermann", "47110815", "19500317", "MÜLLERMANN")
NUMBERS = ("47110815", "19500317", "1", "0", "-3", "2.50", "1e3", "007", "+5", " 4 ", "", "1.5E+01")
CODES = ("MUSTERMANN", "YES", "NO", "SE\\MUSTERMANN", "HFS", "T2", "OTHER", "M", "mustermann")
CREATORS = (b"SIEMENS MR HEADER ", b"GEMS_PARM_01", b"GEMS_ACQU_01", b"Philips Imaging DD 001", b"MUSTERMANN")
UID = "1.2.3.4711.19500317"
UIDS = ("", "MUSTERMANN", "1.2.840.10008.5.1.4.1.1.4", f"{UID}\\1.2.4711")
# As bytes of the output none of these may stand anywhere.
PLANTED = (
    *(word.encode(code) for word in WORDS for code in ("latin-1", "utf-8", "utf-16-le")),
    b"ustermann",
    b"USTERMANN",
    b"1.2.3.4711",
    struct.pack("<d", 19500317.0),
    struct.pack("<f", 19500317.0),
    struct.pack("<I", 19500317),
)
SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5")
CHARSETS = (None, b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 13", b"\\ISO 2022 IR 87", b"ISO_IR 6", b"MUSTERMANN")
_ALL = [tag for tag in DicomDictionary if 0x0008 <= tag >> 16 < 0x7FE0 and not tag >> 16 & 1 and tag & 0xFFFF]
_REDRAWN = ("DS", "IS", "US", "SS", "FD", "AS", "CS", "LO", "SH", "PN", "DA", "TM", "LT", "OB", "UN")
_MAY_DIFFER = (0x00080020, 0x0008103E, 0x00100010, 0x00100030, 0x00180020, 0x00180050, 0x00180080, 0x00180081)
_RULED = [int(tag) for tag in rules()]


@dataclass
class Element:
    """One attribute: its VR, and its value or the items of a sequence."""

    tag: int
    vr: str
    value: bytes = b""
    items: list[list[Element]] = field(default_factory=list)
    is_open: bool = False  # of undefined length


def value_of(chance: random.Random, vr: str) -> bytes:
    """A planted value of this VR, at times one that the rules let stay, at times an odd one."""
    if vr in ("DS", "IS"):
        return "\\".join(chance.choices(NUMBERS, k=chance.choice((1, 1, 1, 3)))).encode()
    if vr == "UI":
        return chance.choice((UID, f"{UID}.{chance.randrange(9)}", *UIDS)).encode()
    if vr in ("US", "SS"):
        return struct.pack("<H", chance.choice((0, 1, 4711))) * chance.choice((1, 1, 2))
    if vr in ("UL", "SL", "AT", "OL"):
        return struct.pack("<I", chance.choice((0, 7, 19500317)))
    if vr in ("FL", "OF"):
        return struct.pack("<f", chance.choice((0.5, 19500317.0)))
    if vr in ("FD", "OD"):
        return struct.pack("<d", chance.choice((0.25, 19500317.0, float("nan"))))
    if vr in ("UV", "SV", "OV"):
        return struct.pack("<Q", 19500317)
    if vr == "AS":
        return chance.choice((b"070Y", b"097Y", b"MUST", b"ERI", b"003M"))
    if vr == "CS":
        return chance.choice(CODES).encode()
    word = chance.choice((*WORDS, "", "SIEMENS", "Prisma_fit", "*tse2d1_15", "LSPINE", "normalized", "1H", "3"))
    return word.encode(chance.choice(("utf-8", "latin-1")))


def element(chance: random.Random, tag: int, vr: str, depth: int) -> Element:
    """An attribute with a planted value, or with items that hold some."""
    if vr != "SQ":
        value = value_of(chance, vr)
        fill = b"\0" if vr in ("UI", "OB", "UN") else b" "
        return Element(tag, vr, value if chance.random() < 0.02 else value + fill * (len(value) % 2))
    count = 0 if depth > 2 else chance.choice((0, 1, 1, 2))
    return Element(tag, vr, items=[inner(chance, depth + 1) for _ in range(count)], is_open=chance.random() < 0.4)


def inner(chance: random.Random, depth: int) -> list[Element]:
    """The attributes of an item, or some of a data set."""
    tags = {chance.choice(_RULED if chance.random() < 0.6 else _ALL) for _ in range(chance.randrange(1, 7))}
    found = []
    for tag in sorted(tags - {0x7FE00010}):
        entry = DicomDictionary[tag][0].split(" or ")
        vr = chance.choice(entry) if chance.random() > 0.03 else chance.choice(("LT", "UN", "OB", "LO", "ZZ"))
        if vr != "NONE":
            found.append(element(chance, tag, vr, depth))
    return found


def _private(chance: random.Random, depth: int) -> list[Element]:
    group = chance.choice((0x0009, 0x0019, 0x0029, 0x0043, 0x0051, 0x2001, 0x2005))
    creator = chance.choice(CREATORS)
    found = [Element(group << 16 | 0x10, "LO", creator)]
    for low in sorted({chance.choice((0x0A, 0x0C, 0x0E, 0x39, 0x5A, 0x03, 0x77)) for _ in range(3)}):
        vr = chance.choice(("LO", "UN", "IS", "DS", "FD", "SQ", "OB"))
        found.append(element(chance, group << 16 | 0x1000 | low, vr, depth + 1))
        if low == 0x0A and vr == "LO":
            found[-1].value = b"TA 02:05"
    return found


def base(number: int, z: int) -> dict[int, Element]:
    """What makes an image that can be used: slice at z of a series."""
    said = {
        "ImageType": ("CS", b"ORIGINAL\\PRIMARY\\M\\ND "),
        "SOPClassUID": ("UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
        "SOPInstanceUID": ("UI", f"{UID}.{number}".encode()),
        "Modality": ("CS", b"MR"),
        "PatientName": ("PN", b"Mustermann^Erika"),
        "PatientID": ("LO", b"47110815"),
        "PatientBirthDate": ("DA", b"19500317"),
        "StudyDate": ("DA", b"20200401"),
        "StudyInstanceUID": ("UI", f"{UID}.7".encode()),
        "SeriesInstanceUID": ("UI", f"{UID}.8".encode()),
        "SeriesDescription": ("LO", b"t2 Mustermann lumbar"),
        "ScanningSequence": ("CS", b"SE"),
        "RepetitionTime": ("DS", b"4000"),
        "EchoTime": ("DS", b"98"),
        "SliceThickness": ("DS", b"3 "),
        "ImagePositionPatient": ("DS", f"-1.5\\2\\{z}".encode()),
        "ImageOrientationPatient": ("DS", b"1\\0\\0\\0\\1\\0 "),
        "SamplesPerPixel": ("US", b"\1\0"),
        "PhotometricInterpretation": ("CS", b"MONOCHROME2 "),
        "Rows": ("US", b"\2\0"),
        "Columns": ("US", b"\3\0"),
        "PixelSpacing": ("DS", b"0.5\\0.5 "),
        "BitsAllocated": ("US", b"\x10\0"),
        "BitsStored": ("US", b"\x0c\0"),
        "HighBit": ("US", b"\x0b\0"),
        "PixelRepresentation": ("US", b"\0\0"),
    }
    found = {}
    for keyword, (vr, value) in said.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None
        found[tag] = Element(tag, vr, value + (b"\0" if vr == "UI" else b" ") * (len(value) % 2))
    return found


def encoded(one: Element, chance: random.Random, *, implicit: bool) -> bytes:
    """The bytes of an attribute, little endian."""
    value, length = one.value, len(one.value)
    if one.vr == "SQ":
        value = b"".join(_item(item, chance, implicit=implicit) for item in one.items)
        length = len(value)
        if one.is_open:
            value, length = value + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), 0xFFFFFFFF
    start = struct.pack("<HH", one.tag >> 16, one.tag & 0xFFFF)
    if implicit:
        return start + struct.pack("<I", length) + value
    if one.vr in LONG:
        return start + one.vr.encode() + b"\0\0" + struct.pack("<I", length) + value
    return start + one.vr.encode() + struct.pack("<H", length) + value


def _item(attributes: list[Element], chance: random.Random, *, implicit: bool) -> bytes:
    content = b"".join(encoded(one, chance, implicit=implicit) for one in attributes)
    if chance.random() < 0.4:
        return struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + content + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def planted_file(chance: random.Random, number: int) -> bytes:
    """The bytes of one file. Most are ordinary; some are in a syntax, an order or a shape that few have met."""
    syntax = chance.choices(SYNTAXES, (60, 34, 3, 3))[0]
    implicit = syntax == SYNTAXES[1]
    attributes = _attributes(chance, number)
    rows = [attributes[tag] for tag in sorted(attributes)]
    pixels = Element(0x7FE00010, "OW", bytes(12) if chance.random() < 0.9 else b"\xff" * 12)
    rows.append(pixels)
    if chance.random() < 0.1:
        rows.append(Element(0xFFFCFFFC, "OB", b"MUSTERMANN"))
    if chance.random() < 0.03:
        chance.shuffle(rows)
    if chance.random() < 0.02:
        rows.insert(chance.randrange(len(rows)), chance.choice(rows))
    content = b"".join(encoded(one, chance, implicit=implicit) for one in rows)
    if chance.random() < 0.03:
        content = content[: -chance.randrange(1, 30)]
    if chance.random() < 0.02:
        content += b"MUST"
    return _whole(content, syntax, number, chance)


def _attributes(chance: random.Random, number: int) -> dict[int, Element]:
    attributes = base(number, 3)
    charset = chance.choices(CHARSETS, (30, 30, 20, 5, 5, 5, 5))[0]
    if charset is not None:
        attributes[0x00080005] = Element(0x00080005, "CS", charset + b" " * (len(charset) % 2))
    for one in inner(chance, 0) + inner(chance, 0):
        if one.tag not in attributes or chance.random() < 0.15:
            attributes[one.tag] = one
    for one in _private(chance, 0) + _private(chance, 0):
        attributes[one.tag] = one
    return attributes


def planted_series(chance: random.Random, number: int, count: int) -> list[bytes]:
    """The bytes of slices that are laid out alike, most of whose values are those of the slice before."""
    syntax = chance.choice(SYNTAXES[:2])
    attributes = _attributes(chance, number) | {0x0020000E: base(number, 0)[0x0020000E]}
    found = []
    for n in range(count):
        own = {tag: base(number + n, 3 * n)[tag] for tag in (0x00080018, 0x00200032)}
        for tag, one in attributes.items():
            again = 0.004 if tag in base(number, 0) and tag not in _MAY_DIFFER else 0.1
            if chance.random() < again and (one.vr == "SQ" or one.vr in _REDRAWN):
                attributes[tag] = element(chance, tag, one.vr, 0)
        rows = [(attributes | own)[tag] for tag in sorted(attributes)]
        rows.append(Element(0x7FE00010, "OW", bytes([n, 0] * 6)))
        content = b"".join(encoded(one, random.Random(number), implicit=syntax == SYNTAXES[1]) for one in rows)
        found.append(_whole(content, syntax, number + n, chance))
    return found


def plain_file(number: int) -> bytes:
    """The bytes of the slice before: an ordinary file of the same series."""
    chance = random.Random(0)
    rows = [*base(number + 1000, 0).values(), Element(0x7FE00010, "OW", bytes(12))]
    content = b"".join(encoded(one, chance, implicit=False) for one in sorted(rows, key=lambda one: one.tag))
    return _whole(content, SYNTAXES[0], number + 1000, chance)


def _whole(content: bytes, syntax: str, number: int, chance: random.Random) -> bytes:
    meta = [
        Element(0x00020001, "OB", b"\0\1"),
        Element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
        Element(0x00020003, "UI", f"{UID}.{number}".encode().ljust(22, b"\0")),
        Element(0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2)),
        Element(0x00020016, "AE", b"MUSTERMANN"),
    ]
    group = b"".join(encoded(one, chance, implicit=False) for one in meta)
    if chance.random() < 0.8:
        group = encoded(Element(0x00020000, "UL", struct.pack("<I", len(group))), chance, implicit=False) + group
    return (b"MUSTERMANN" * 13)[:128] + b"DICM" + group + content
