"""What a file that cannot be used is called, and what its sender is told to do."""

from pathlib import Path

import pytest
from pydicom import Dataset, config, uid
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from processing.dicom.header import NotAnImageError, read_header
from processing.errors import InputError
from processing.ingest.sort import CONFLICT, OTHER_PATIENT, sort_files
from tests.processing import dicom_files as files

KEY = b"a key of the study"


def encoded(dataset: Dataset) -> bytes:
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    with config.disable_value_validation():
        write_dataset(stream, dataset)
    return stream.getvalue()


def written(path: Path, dataset: Dataset, **meta: str) -> Path:
    """A file whose meta information holds these attributes alone."""
    header = FileMetaDataset()
    for keyword, value in meta.items():
        setattr(header, keyword, value)
    length = Dataset()
    length.FileMetaInformationGroupLength = len(encoded(header))
    path.write_bytes(b"\0" * 128 + b"DICM" + encoded(length) + encoded(header) + encoded(dataset))
    return path


def image(**changes) -> Dataset:
    with config.disable_value_validation():
        return files.classic(0, files.pixels(1)[0], **changes)


@pytest.mark.parametrize(
    ("sop_class", "modality", "rows", "says"),
    [
        (uid.RTStructureSetStorage, "RTSTRUCT", False, "holds no image pixels; make a mask of its contours"),
        (uid.SegmentationStorage, "SEG", True, "not an MR series; add it as a volume of interest"),
        (uid.EnhancedSRStorage, "SR", False, "holds no image pixels; leave such reports out"),
        (uid.EncapsulatedPDFStorage, "DOC", False, "holds no image pixels; leave such documents out"),
        (uid.SecondaryCaptureImageStorage, "OT", True, "a picture of a screen or of paper; send the series as"),
        (uid.GrayscaleSoftcopyPresentationStateStorage, "PR", False, "holds no image pixels; leave it out"),
        (uid.MediaStorageDirectoryStorage, "", False, "send the images that it lists"),
        (uid.MRSpectroscopyStorage, "MR", False, "leave spectra out"),
        (uid.EnhancedMRColorImageStorage, "MR", True, "not an MR series; send the series as the scanner stored it"),
        (uid.ParametricMapStorage, "MR", True, "send the images that it was computed from"),
        ("1.3.12.2.1107.5.9.1", "MR", False, "Unknown class: it holds no image pixels"),
    ],
)
def test_what_is_no_mr_image_is_named_with_what_to_do(tmp_path, sop_class, modality, rows, says):
    dataset = image(SOPClassUID=sop_class, Modality=modality)
    if not rows:
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(dataset, keyword)
    path = written(tmp_path / "x", dataset, TransferSyntaxUID=uid.ExplicitVRLittleEndian)
    with pytest.raises(InputError, match=says) as raised:
        read_header(path)
    assert isinstance(raised.value, NotAnImageError) != rows


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({}, "no file meta information with a transfer syntax"),
        ({"MediaStorageSOPInstanceUID": "1.2.3"}, "no file meta information with a transfer syntax"),
        ({"TransferSyntaxUID": "1.2.840.113619.5.2"}, r"transfer syntax \(a private one\) cannot be read"),
        ({"TransferSyntaxUID": "12345678"}, r"transfer syntax \(a private one\)"),  # a number of a person, perhaps
        ({"TransferSyntaxUID": "1.2.840.10008.1.2.4.999"}, r"\(unknown, 1\.2\.840\.10008\.1\.2\.4\.999\)"),
    ],
)
def test_a_file_that_does_not_say_how_it_is_written_is_refused_in_words(tmp_path, meta, says):
    with pytest.raises(InputError, match=says):
        read_header(written(tmp_path / "x", image(), **meta))


def test_a_bare_data_set_is_refused_in_words(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encoded(image()))
    with pytest.raises(InputError, match="no file meta information with a transfer syntax"):
        read_header(path)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "has no {}, by which it is told from others"),
        ("", "has no {}, by which it is told from others"),
        (" ", "has no {}, by which it is told from others"),
        ("1.2.abc", "{} is not up to 64 digits and dots"),
        ("1..2", "{} is not up to 64 digits and dots"),
        ("1.2.", "{} is not up to 64 digits and dots"),
        ("1." + "2" * 63, "{} is not up to 64 digits and dots"),
        (["1.2", "1.3"], "{} is not up to 64 digits and dots"),
    ],
)
def test_an_identifier_that_is_missing_or_malformed_refuses_the_file(tmp_path, keyword, value, says):
    dataset = image()
    with config.disable_value_validation():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    path = written(tmp_path / "x", dataset, TransferSyntaxUID=uid.ExplicitVRLittleEndian)
    name = keyword.replace("UID", " UID").replace("Instance", " Instance").strip()
    result = sort_files({"x": path}, tmp_path / "out", key=KEY)
    assert result.series == []
    assert says.format(name) in result.refused[0].reason
    assert "abc" not in result.refused[0].reason


@pytest.mark.parametrize("value", ["1.2.840.10008.1", "2.25.329800735698586629295641978511506172918", "1.02.3", "7"])
def test_what_scanners_write_is_taken(tmp_path, value):
    with config.disable_value_validation():
        path = files.save(image(SOPInstanceUID=value), tmp_path / "x")
    assert read_header(path).SOPInstanceUID == value


def sorted_folders(tmp_path, **of_second) -> list[str]:
    """Conflicts of one series sent in two folders, the second with these attributes changed."""
    for folder, changes in (("a", {}), ("b", of_second)):
        files.series(tmp_path / "in" / folder, files.pixels(3), **changes)
    sent = {str(path.relative_to(tmp_path / "in")): path for path in sorted((tmp_path / "in").rglob("*.dcm"))}
    return [one.conflict for one in sort_files(sent, tmp_path / "out", key=KEY).series]


def test_the_same_images_of_two_patients_are_a_conflict_and_none_is_dropped(tmp_path):
    assert sorted_folders(tmp_path, PatientID="another") == [OTHER_PATIENT] * 2
    assert OTHER_PATIENT != CONFLICT


def test_the_same_images_of_one_patient_are_one_series(tmp_path):
    assert sorted_folders(tmp_path, StudyDescription="sent twice") == [""]
