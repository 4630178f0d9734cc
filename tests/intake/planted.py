"""A delivery that is full of one invented person's identifiers, and all the forms in which they could come back."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import nibabel
import numpy as np
from pydicom import DataElement, Dataset, config, encaps
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence as Items
from pydicom.uid import CTImageStorage, JPEGLSLossless

from tests.processing import dicom_files as files

NAME, FIRST, NUMBER, BORN, ROOT = "QUILLFEATHER", "Xaveriusz", "PID77120934", "19370211", "1.2.826.0.1.77120934"
# A family name in each character set, and the specific character set of DICOM that writes it.
FOREIGN = {
    "ISO 2022 IR 87": "山田電気太郎左衛門",
    "ISO 2022 IR 149": "김희중홍길동이순신",
    "ISO_IR 144": "Люксембургский",
    "ISO_IR 126": "Διονυσιάδης",
    "ISO_IR 127": "قباني لنزار",
    "ISO_IR 192": "Žluťoučký",
}
CODECS = {
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 149": "euc_kr",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 192": "utf-8",
}
_TEXT = {"AE", "CS", "LO", "LT", "SH", "ST", "PN", "UC", "UT", "UR"}
_NEEDED = {
    "SOPClassUID",
    "PhotometricInterpretation",
    "ImageType",
    "ComplexImageComponent",
    "BurnedInAnnotation",
    "SpecificCharacterSet",
    "Modality",
    "PixelData",
    "LossyImageCompression",
}
# One value of every value representation that carries the identity.
_BYTES = (NAME + " " * 4).encode()
EVERY_VR = {
    "AE": NAME,
    "AS": "088Y",
    "AT": [0x5155494C, 0x4C464541],
    "CS": NAME,
    "DA": BORN,
    "DS": "19370211.77120934",
    "DT": f"{BORN}101112.771209",
    "FD": list(struct.unpack("<2d", _BYTES)),
    "FL": list(struct.unpack("<4f", _BYTES)),
    "IS": "77120934",
    "LO": NAME,
    "LT": NAME,
    "OB": _BYTES,
    "OD": _BYTES,
    "OF": _BYTES,
    "OL": _BYTES,
    "OV": _BYTES,
    "OW": _BYTES,
    "PN": f"{NAME}^{FIRST}",
    "SH": NAME,
    "SL": list(struct.unpack("<4i", _BYTES)),
    "SS": list(struct.unpack("<8h", _BYTES)),
    "ST": NAME,
    "SV": list(struct.unpack("<2q", _BYTES)),
    "TM": "101112.771209",
    "UC": NAME,
    "UI": f"{ROOT}.5",
    "UL": list(struct.unpack("<4I", _BYTES)),
    "UN": _BYTES,
    "UR": f"urn:{NAME}",
    "US": list(struct.unpack("<8H", _BYTES)),
    "UT": NAME,
    "UV": list(struct.unpack("<2Q", _BYTES)),
}


def needles() -> dict[bytes, str]:
    """Every form to search for: bytes (lower case where Latin) → what it is."""
    found: dict[bytes, str] = {}
    for text in (NAME, FIRST, NUMBER, BORN, ROOT, "77120934", *FOREIGN.values()):
        for codec in ("utf-8", "utf-16-le", "utf-16-be", *CODECS.values()):
            try:
                raw = text.encode(codec)
            except UnicodeEncodeError:
                continue
            for form in {raw, raw.lower()}:
                found[form.lower()] = f"{text} in {codec}"
                found[form.hex().encode()] = f"{text} in {codec} as hex"
                for shift in range(3):  # base64 depends on where in three bytes it starts
                    middle = base64.b64encode(b"\0" * shift + form)[4 if shift else 0 : -4]
                    if len(middle) >= 8:
                        found[middle.lower()] = f"{text} in {codec} as base64"
        found[json.dumps(text)[1:-1].lower().encode()] = f"{text} as JSON"
    for text in FOREIGN.values():
        found["".join(f"%{b:02x}" for b in text.encode()).encode()] = f"{text} in an address"
    return found


def _person(dataset: Dataset, text: str = NAME) -> None:
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = f"{text}^{text}", NUMBER, BORN
    for keyword in (
        "SeriesDescription",
        "StudyDescription",
        "ProtocolName",
        "PatientComments",
        "ImageComments",
        "InstitutionName",
        "OperatorsName",
        "PatientAddress",
        "ManufacturerModelName",
    ):
        setattr(dataset, keyword, f"T2 sag {text}")
    dataset.StudyInstanceUID = f"{ROOT}.1"


def _uids(number: int, n: int) -> dict[str, str]:
    return {
        "SeriesInstanceUID": f"{ROOT}.2.{number}",
        "SOPInstanceUID": f"{ROOT}.2.{number}.{n + 1}",
        "FrameOfReferenceUID": f"{ROOT}.3",
    }


def _nested(depth: int) -> Dataset:
    item = Dataset()
    for tag, vr in ((0x00100010, "PN"), (0x00084000, "LT"), (0x00400254, "LO"), (0x00080104, "LO"), (0x00080100, "SH")):
        item.add(DataElement(tag, vr, NAME))
    block = item.private_block(0x0029, NAME, create=True)
    block.add_new(1, "UT", NAME)
    if depth:
        item.RequestAttributesSequence = Items([_nested(depth - 1)])
        block.add_new(2, "SQ", [_nested(depth - 1)])
    return item


def everywhere(n: int) -> Dataset:
    """A slice with the identity in all text attributes, all value representations, groups and places."""
    dataset = files.classic(n, files.pixels(1, seed=n)[0] | 0xF000, **_uids(1, n))
    _person(dataset)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for tag, (vr, *_) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        if tag >> 16 in (0, 2) or tag >> 16 >= 0x7FE0 or not keyword or keyword in _NEEDED or tag in dataset:
            continue
        if vr in _TEXT:
            dataset.add(DataElement(tag, vr, EVERY_VR[vr]))
    for group in (0x0009, 0x0019, 0x0029, 0x0051, 0x2005):
        block = dataset.private_block(group, f"SIEMENS {NAME}", create=True)
        for number, (vr, value) in enumerate(EVERY_VR.items()):
            block.add_new(number, vr, value)
        block.add_new(0xF0, "SQ", [_nested(1)])
    for keyword in ("RequestAttributesSequence", "AnatomicRegionSequence", "ReferencedImageSequence"):
        setattr(dataset, keyword, Items([_nested(5)]))
    for group in (0x6000, 0x601E):
        for element, vr, value in (
            (0x10, "US", files.ROWS),
            (0x11, "US", files.COLUMNS),
            (0x22, "LO", NAME),
            (0x1500, "LO", NAME),
            (0x3000, "OW", _BYTES * 4),
        ):
            dataset.add_new((group << 16) + element, vr, value)
    dataset.add_new(0x50003000, "OW", _BYTES)
    dataset.add_new(0xFFFCFFFC, "OB", _BYTES)
    meta = dataset.file_meta
    meta.SourceApplicationEntityTitle, meta.SendingApplicationEntityTitle = NAME, NAME
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = f"{ROOT}.9", _BYTES
    dataset.preamble = _BYTES * 8
    return dataset


def foreign(charset: str, number: int, n: int) -> Dataset:
    """A slice whose texts are written in another character set."""
    dataset = files.classic(n, files.pixels(1, seed=10 * number + n)[0], **_uids(number, n))
    dataset.SpecificCharacterSet = ["", charset] if charset.startswith("ISO 2022") else charset
    _person(dataset, FOREIGN[charset])
    return dataset


def with_comment(n: int) -> Dataset:
    """A slice in JPEG-LS with the name in a comment of the codestream."""
    dataset = files.classic(n, files.pixels(1, seed=50 + n, rows=32, columns=32)[0], **_uids(50, n))
    _person(dataset)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    frame = next(encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    comment = b"\xff\xfe" + (2 + len(_BYTES)).to_bytes(2, "big") + _BYTES
    dataset.PixelData = encaps.encapsulate([frame[:2] + comment + frame[2:]])
    return dataset


def enhanced() -> Dataset:
    """An enhanced file with comments on every frame."""
    dataset = files.enhanced(files.pixels(4, seed=60), **_uids(60, 0))
    _person(dataset)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.FrameContentSequence[0].FrameComments = NAME
        frame.FrameContentSequence[0].FrameLabel = FOREIGN["ISO_IR 144"]
        frame.add(DataElement(0x00291001, "UT", NAME))
        frame.add(DataElement(0x00290010, "LO", NAME))
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


def _nifti(path: Path) -> None:
    image = nibabel.Nifti1Image(np.random.default_rng(0).integers(0, 900, (6, 7, 5), dtype=np.int16), np.eye(4))
    for name in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[name] = NAME.encode()
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", NAME.encode()))
    path.parent.mkdir(parents=True)
    nibabel.save(image, path)
    said = {"PatientName": NAME, "RepetitionTime": 3, "Manufacturer": NAME, NAME: FOREIGN, "InstitutionName": NAME}
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(said))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = NAME.encode()
        for n in range(3):
            out = io.BytesIO()
            dataset = files.classic(n, files.pixels(1, seed=70 + n)[0], **_uids(70, n))
            _person(dataset)
            dataset.save_as(out, enforce_file_format=True)
            info = zipfile.ZipInfo(f"{NAME}/{FOREIGN['ISO_IR 144']}/{n}.dcm")
            info.comment = NAME.encode()
            info.extra = struct.pack("<HH", 0x7777, len(_BYTES)) + _BYTES
            archive.writestr(info, out.getvalue())
        archive.writestr(f"../{NAME}.dcm", NAME)
        archive.writestr(f"{NAME}.txt", NAME)


def write(folder: Path) -> None:
    """The delivery: series that are taken and files that are refused, all full of the identity."""
    home = folder / f"{NAME}_{FIRST}_{BORN}"
    with config.disable_value_validation():
        for n in range(3):
            files.save(everywhere(n), home / f"T2 sag SOC {NAME}" / f"{NUMBER}_{n}.dcm")
            files.save(with_comment(n), home / "comment" / f"{n}.dcm")
        for number, charset in enumerate(FOREIGN, 2):
            for n in range(2):
                files.save(foreign(charset, number, n), home / FOREIGN[charset] / f"{n}.dcm")
        files.save(enhanced(), home / f"{NAME}.dcm")
        _nifti(home / "nifti" / f"sub-{NAME}_T2w.nii.gz")
        _zip(home / f"{NAME}.zip")
        wrong = home / "wrong"
        whole = files.save(everywhere(7), wrong / f"cut_{NAME}.dcm")
        whole.write_bytes(whole.read_bytes()[:-300])
        ct = files.classic(8, files.pixels(1)[0], SOPClassUID=CTImageStorage, Modality="CT", **_uids(80, 0))
        _person(ct)
        files.save(ct, wrong / "ct.dcm")
        odd = files.classic(9, files.pixels(1)[0], ImageOrientationPatient=None, **_uids(81, 0))
        _person(odd)
        files.save(odd, wrong / "odd.dcm")
        gap = [files.classic(n, files.pixels(1)[0], **_uids(82, n)) for n in (0, 1, 2, 4, 5)]
        for n, dataset in enumerate(gap):
            _person(dataset)
            files.save(dataset, wrong / FOREIGN["ISO 2022 IR 87"] / f"{n}.dcm")
    number = files.save(files.classic(0, files.pixels(1)[0], EchoTime="12.34567890", **_uids(83, 0)), wrong / "te.dcm")
    number.write_bytes(number.read_bytes().replace(b"12.34567890 ", NAME.encode()))
    (wrong / f"{NAME}.txt").write_text(f"Dear {NAME}, {FOREIGN['ISO_IR 127']}")
    (wrong / "lone.json").write_text(json.dumps({"PatientName": NAME}))
    (wrong / "bad.nii.gz").write_bytes(gzip.compress(_BYTES * 50))
    lines = (
        "folder,subject,arm,region",
        "comment,S07,FAST,lumbar",
        f"nifti,{NAME} {FIRST},SOC",
        f"{NAME},{FOREIGN['ISO_IR 144']},SOC",
    )
    (home / "manifest.csv").write_text("\n".join(lines) + "\n")
