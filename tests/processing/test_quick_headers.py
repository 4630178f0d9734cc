"""An ordinary file opened by its bytes is what pydicom makes of it; any other is left to pydicom."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from processing.dicom import quick, table
from processing.dicom.header import open_dicom
from tests.processing import dicom_files as files


def saved(dataset: Dataset, folder: Path, syntax: str | None = None) -> Path:
    if syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
    return files.save(dataset, folder / "in.dcm")


def ordinary(**changes: object) -> Dataset:
    dataset = files.classic(0, files.pixels(1)[0], **changes)
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "500")
    return dataset


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian])
@pytest.mark.parametrize("again", range(4))
def test_a_header_is_what_pydicom_reads(again: int, syntax: str | None, tmp_path: Path) -> None:
    path = saved(ordinary(PatientName="Müller^Ä", SpecificCharacterSet="ISO_IR 192"), tmp_path, syntax)
    for _ in range(again):  # known values from the third on
        quick.quick_header(path, pixels=True)
    found, expected = quick.quick_header(path, pixels=True), pydicom.dcmread(path)
    assert found is not None
    assert list(found.keys()) == list(expected.keys())
    for element in expected:
        assert (found[element.tag].VR, found[element.tag].value) == (element.VR, element.value), element.keyword
        assert not element.keyword or found.get(element.keyword) == element.value
        assert not element.keyword or getattr(found, element.keyword) == element.value
    assert found.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 500
    assert "PatientName" in found
    assert "StationName" not in found
    assert found.get("StationName", "none") == "none"
    with pytest.raises(AttributeError):
        _ = found.StationName
    with pytest.raises(KeyError):
        found.private_block(0x0019, "GEMS_ACQU_01")


def test_pixels_stay_where_they_are_unless_asked_for(tmp_path: Path) -> None:
    path = saved(ordinary(), tmp_path)
    found = quick.quick_header(path, pixels=False)
    assert found is not None
    assert "PixelData" not in found


def enhanced() -> Dataset:
    return files.enhanced(files.pixels(2))


def compressed() -> Dataset:
    dataset = ordinary()
    dataset.compress(RLELossless, generate_instance_uid=False)
    return dataset


@pytest.mark.parametrize(
    ("dataset", "syntax"),
    [
        (ordinary, DeflatedExplicitVRLittleEndian),
        (enhanced, None),
        (compressed, None),
        (lambda: ordinary(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]), None),
        (lambda: ordinary(SpecificCharacterSet=["", "ISO 2022 IR 87"]), None),
    ],
)
def test_what_is_not_ordinary_is_left_to_pydicom(dataset, syntax: str | None, tmp_path: Path) -> None:
    path = saved(dataset(), tmp_path, syntax)
    assert quick.quick_header(path, pixels=True) is None
    assert open_dicom(path).SOPInstanceUID == dataset().SOPInstanceUID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x18\0\x81\0DS", b"\x18\0\x81\0ZZ"),  # a value representation that nobody knows
        (b"\x18\0\x81\0DS\x02\0", b"\x18\0\x81\0DS\xff\xff"),  # beyond the end
        (b"\x18\0\x81\0DS", b"\x18\0\x79\0DS"),  # not ascending
        (b"DICM", b"DICN"),
        (b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0"),
    ],
)
def test_any_doubt_is_enough(old: bytes, new: bytes, tmp_path: Path) -> None:
    content = saved(ordinary(), tmp_path).read_bytes()
    assert table.read_table(content) is not None
    assert content.count(old) == 1
    assert table.read_table(content.replace(old, new)) is None


def test_a_file_cut_at_any_place_is_no_ordinary_one(tmp_path: Path) -> None:
    content = saved(ordinary(), tmp_path).read_bytes()
    ends = [length for length in range(132, len(content) - 1, 7) if table.read_table(content[:length]) is not None]
    assert all(table.read_table(content[:length]).pixels is None for length in ends)


def test_the_engine_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(ordinary(), tmp_path)
    assert isinstance(open_dicom(path), quick.Header)
    monkeypatch.setenv(quick.ENGINE, "pydicom")
    assert not isinstance(open_dicom(path), quick.Header)
