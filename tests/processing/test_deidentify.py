"""De-identification: nothing planted survives, everything needed does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence as Items
from pydicom.uid import JPEGLSLossless

from processing.__main__ import main
from processing.deidentify import engine, rules
from processing.dicom.header import open_dicom
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "MUSTERMANN"
TEXT = {"AE", "CS", "LO", "LT", "SH", "ST", "PN", "UC", "UT", "UR"}
BYTES = {"OB", "OW", "UN", "OB or OW"}
# What the file cannot do without to be an image at all.
ESSENTIAL = {
    "SOPClassUID",
    "PhotometricInterpretation",
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "ImageType",
    "ComplexImageComponent",
    "BurnedInAnnotation",
    "SpecificCharacterSet",
    "PerFrameFunctionalGroupsSequence",
    "Modality",
}


def planted() -> Dataset:
    """A slice with the secret in every text and byte attribute of the dictionary, nested, private and outside."""
    dataset = files.classic(0, files.pixels(1)[0] | 0xF000)
    nested = Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        if tag >> 16 in (0, 2) or keyword in ESSENTIAL or tag >> 16 >= 0x7FE0 or not keyword:
            continue
        for target in (dataset, nested):
            if vr in TEXT and not (target is dataset and tag in dataset and vr not in ("PN", "LO", "CS", "SH")):
                target.add(DataElement(tag, vr, SECRET))
            elif vr in BYTES:
                target.add(DataElement(tag, "UN" if vr == "UN" else "OB", SECRET.encode()))
    for sequence in (
        "ReferencedImageSequence",
        "RequestAttributesSequence",
        "MREchoSequence",
        "AnatomicRegionSequence",
    ):
        setattr(dataset, sequence, Items([nested]))
    for group in (0x0009, 0x0029, 0x2005):
        block = dataset.private_block(group, SECRET, create=True)
        block.add_new(1, "LO", SECRET)
        block.add_new(2, "UN", SECRET.encode())
        block.add_new(3, "SQ", [nested])
    dataset.add_new(0x60000010, "US", files.ROWS)
    dataset.add_new(0x60000022, "LO", SECRET)
    dataset.add_new(0x60003000, "OW", SECRET.encode())
    dataset.add_new(0x50003000, "OW", SECRET.encode())
    dataset.add_new(0xFFFCFFFC, "OB", SECRET.encode())
    dataset.file_meta.SourceApplicationEntityTitle = SECRET
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = SECRET.encode()
    dataset.preamble = (SECRET.encode() * 13)[:128]
    return dataset


def clean(dataset: Dataset, tmp_path: Path) -> tuple[Dataset, Dataset, bytes]:
    """(as read, clean as read back, clean bytes)."""
    before = open_dicom(files.save(dataset, tmp_path / "in.dcm"))
    result, _ = engine.deidentify(before, key=KEY)
    engine.save(result, tmp_path / "out.dcm")
    return before, pydicom.dcmread(tmp_path / "out.dcm"), (tmp_path / "out.dcm").read_bytes()


def test_nothing_planted_survives(tmp_path: Path) -> None:
    dataset = planted()
    with pydicom.config.disable_value_validation():
        _, after, content = clean(dataset, tmp_path)
    assert SECRET.encode() in (tmp_path / "in.dcm").read_bytes()
    for form in (SECRET, SECRET.lower(), SECRET.title()):
        assert form.encode() not in content
        assert form.encode("utf-16-le") not in content
    for identifier in (b"4711", b"Muster", b"19500317", b"20200401", b"1.2.3.4"):
        assert identifier not in content
    assert content[:128] == b"\0" * 128
    assert not any(element.tag.is_private for element in after.iterall())
    np.testing.assert_array_equal(after.pixel_array, files.pixels(1)[0])
    assert np.frombuffer(after.PixelData, "<u2").max() < 4096


def test_every_kept_attribute_is_in_the_rules(tmp_path: Path) -> None:
    with pydicom.config.disable_value_validation():
        _, after, _ = clean(planted(), tmp_path)
    added = {"PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"}
    listed = {rule.keyword for rule in rules.rules().values()}
    assert {element.keyword for element in after.iterall()} <= listed | added


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ScanOptions", "SMITH"),
        ("StackID", "Erika"),
        ("SoftwareVersions", "for Dr. Muster"),
        ("SoftwareVersions", "19500317"),
        ("ManufacturerModelName", "Prisma of Clinic Musterstadt"),
        ("Manufacturer", "SIEMENS Musterstadt"),
        ("SequenceName", "tse_muster"),
        ("RescaleType", "Muster"),
        ("AcquisitionContrast", "MUSTER"),
        ("BodyPartExamined", "MUSTER"),
        ("PatientSex", "Erika"),
        ("SeriesNumber", "19500317"),
        ("EchoTrainLength", "19500317"),
        ("PatientAge", "ERI"),
    ],
)
def test_words_that_are_no_known_terms_do_not_pass(tmp_path: Path, keyword: str, value: str) -> None:
    with pydicom.config.disable_value_validation():
        _, after, content = clean(files.classic(0, files.pixels(1)[0], **{keyword: value}), tmp_path)
    assert value.encode() not in content
    assert str(after.get(keyword, "")) != value


def test_a_number_attribute_that_holds_text_is_dropped(tmp_path: Path) -> None:
    path = files.save(files.classic(0, files.pixels(1)[0], EchoTime="12.34567"), tmp_path / "in.dcm")
    path.write_bytes(path.read_bytes().replace(b"12.34567", b"Muster E"))
    result, report = engine.deidentify(open_dicom(path), key=KEY)
    assert "EchoTime" not in result
    assert report.refused_values["(0018,0081) EchoTime"] == 1


def test_free_text_cannot_pose_as_a_kept_attribute(tmp_path: Path) -> None:
    dataset = files.classic(0, files.pixels(1)[0])
    dataset.add(DataElement(0x00180081, "LT", "98"))  # EchoTime is a DS
    dataset.add(DataElement(0x00181000, "LT", SECRET))  # DeviceSerialNumber is an LO
    _, after, _ = clean(dataset, tmp_path)
    assert "EchoTime" not in after
    assert "DeviceSerialNumber" not in after


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    position = ["-81.599998474121", "-1.30E+02", "130."]
    clean(files.classic(0, files.pixels(1)[0], ImagePositionPatient=position), tmp_path)
    before, after = (pydicom.dcmread(tmp_path / name) for name in ("in.dcm", "out.dcm"))
    for keyword in ("ImagePositionPatient", "RepetitionTime", "EchoTime", "PixelSpacing", "NumberOfAverages"):
        assert after.get_item(keyword).value == before.get_item(keyword).value  # the bytes
    assert after.get_item("ImagePositionPatient").value.strip() == b"-81.599998474121\\-1.30E+02\\130."


def test_identity_becomes_a_pseudonym_and_uids_stay_consistent(tmp_path: Path) -> None:
    one, _ = engine.deidentify(files.classic(0, files.pixels(1)[0]), key=KEY)
    two, _ = engine.deidentify(files.classic(1, files.pixels(1)[0]), key=KEY)
    other, _ = engine.deidentify(files.classic(0, files.pixels(1)[0]), key=b"f" * 32)
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.PatientID == two.PatientID
    assert (one.PatientID, one.SeriesInstanceUID) != (other.PatientID, other.SeriesInstanceUID)
    assert one.PatientName == ""
    assert one.PatientIdentityRemoved == "YES"
    assert one.DeidentificationMethod
    assert one.PatientAge == "070Y"


def test_ages_from_90_on_are_one(tmp_path: Path) -> None:
    for changes in ({"PatientAge": "097Y"}, {"PatientBirthDate": "19100101"}):
        one, _ = engine.deidentify(files.classic(0, files.pixels(1)[0], **changes), key=KEY)
        assert one.PatientAge == "090Y"


def test_compressed_pixels_leave_their_comments_behind(tmp_path: Path) -> None:
    images = files.pixels(1, rows=64, columns=64)
    dataset = files.classic(0, images[0])
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    comment = b"\xff\xfe" + (2 + len(SECRET)).to_bytes(2, "big") + SECRET.encode()
    dataset.PixelData = pydicom.encaps.encapsulate([frame[:2] + comment + frame[2:]])
    _, after, content = clean(dataset, tmp_path)
    assert SECRET.encode() not in content
    np.testing.assert_array_equal(after.pixel_array, images[0])


def test_enhanced_files_keep_geometry_and_lose_comments(tmp_path: Path) -> None:
    _, after, content = clean(files.enhanced(files.pixels(3)), tmp_path)
    assert b"Erika" not in content
    assert len(after.PerFrameFunctionalGroupsSequence) == 3
    assert after.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient == [7, -5, 7]


def test_rules_name_real_attributes_once() -> None:
    with (Path(rules.__file__).parent / "rules.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        group, element = (int(part, 16) for part in row["tag"].split(","))
        assert keyword_for_tag((group << 16) + element) == row["keyword"]
    assert len({row["tag"] for row in rows}) == len(rows)
    free_text = {"LT", "ST", "UT", "PN", "DA", "TM", "DT"}
    for row in rows:
        if row["action"] == "keep":
            assert pydicom.datadict.dictionary_VR(row["keyword"]) not in free_text, row["keyword"]


def test_the_command_writes_clean_files_and_a_report_without_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.series(tmp_path / "in", files.pixels(3))
    (tmp_path / "in" / "letter.dcm").write_text("Dear Erika Muster")
    ct = files.classic(8, files.pixels(1)[0], SOPClassUID=pydicom.uid.CTImageStorage)
    files.save(ct, tmp_path / "in" / "ct.dcm")
    assert main(["deidentify", str(tmp_path / "in"), str(tmp_path / "out"), "--report", str(tmp_path / "r.json")]) == 0
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 3
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["files"] == 3
    assert report["removed"] == {}
    assert report["emptied"]["(0010,0010) PatientName"] == 3
    assert {entry["name"]: entry["reason"] for entry in report["refused"]} == {
        "ct.dcm": "CT Image Storage: not an MR series.",
        "letter.dcm": "This is not a DICOM file.",
    }
    assert "Erika" not in (tmp_path / "r.json").read_text() + capsys.readouterr().err


def test_the_command_refuses_one_bad_file_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.dcm").write_text("no DICOM")
    assert main(["deidentify", str(tmp_path / "a.dcm"), str(tmp_path / "b.dcm")]) == 2
    assert capsys.readouterr().err == "This is not a DICOM file.\n"


def test_nifti_loses_its_texts_and_extensions_and_keeps_its_values(tmp_path: Path) -> None:
    import nibabel

    data = np.random.default_rng(0).integers(-5, 900, (4, 5, 6), dtype=np.int16)
    image = nibabel.Nifti1Image(data, np.diag([2, 3, 4, 1]))
    image.header["descrip"] = image.header["aux_file"] = image.header["db_name"] = b"Muster"
    image.header["intent_name"] = b"Muster"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Muster"))
    image.header.set_slope_inter(0.5, 3)
    nibabel.save(image, tmp_path / "in.nii")
    assert main(["deidentify", str(tmp_path / "in.nii"), str(tmp_path / "out.nii")]) == 0
    assert b"Muster" not in (tmp_path / "out.nii").read_bytes()
    result = nibabel.load(tmp_path / "out.nii")
    before = nibabel.load(tmp_path / "in.nii")
    np.testing.assert_array_equal(result.dataobj.get_unscaled(), before.dataobj.get_unscaled())
    np.testing.assert_array_equal(result.get_fdata(), before.get_fdata())
    np.testing.assert_array_equal(result.affine, before.affine)
    assert result.get_data_dtype() == np.int16


IDENTIFYING = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "OperatorsName",
    "DeviceSerialNumber",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "StudyDate",
    "SeriesTime",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
)


@pytest.mark.parametrize(
    "folder",
    [
        "ge_signa_fse_pd_oblique",
        "philips_elition_501_T1W_TSE_Sno_CSno_CSAI2",
        "siemens_prisma_sag_t1_HFS",
        "siemens_xa30_enhanced_t1",
        "toshiba_titan_abdomen_adc",
    ],
)
def test_real_files_keep_pixels_and_lose_identity(real_data: Path, tmp_path: Path, folder: str) -> None:
    source = next(path for path in sorted((real_data / "dicom" / folder).iterdir()) if "Raw" not in path.name)
    before = pydicom.dcmread(source)
    result, _ = engine.deidentify(open_dicom(source), key=KEY)
    engine.save(result, tmp_path / "a.dcm")
    content = (tmp_path / "a.dcm").read_bytes()
    header = content[: content.rindex(b"\xe0\x7f\x10\x00")]
    for keyword in IDENTIFYING:
        value = str(before.get(keyword, "")).strip()
        if len(value) > 4 and value not in ("BRAIN",):
            assert value.encode() not in header, keyword
    after = pydicom.dcmread(tmp_path / "a.dcm")
    np.testing.assert_array_equal(after.pixel_array, before.pixel_array)
