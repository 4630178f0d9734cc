"""Every lossless transfer syntax is read bit-exactly and comes out clean; pixels that lost something are refused."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset, encaps
from pydicom.data import get_testdata_file
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from processing import series
from processing.deidentify.engine import deidentify
from processing.dicom.codestream import read_codestream
from processing.dicom.header import open_dicom
from processing.dicom.pixels import stored_values
from processing.errors import InputError
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
# `image(16, 12)` as one frame, encoded by imagecodecs 2026.3.6 (OpenJPH 0.26.3, liblj92).
HTJ2K = """
/0//UQApQAAAAAAMAAAAEAAAAAAAAAAAAAAADAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJCQkJCQ
iIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAANgAAf+TwAAmx/0FB3QAAMAAEsAAE0AAEYDwAYd0AH7+Agd0AABjAMAAEsAAFTAABID7
AEt0AAI8AID+AMa0APgbcwDAABWQAAV8AAFSYHweEHhBfthEfZcADAY8Ac1A80AhAZx8vpgAJB3gA0x8KbYAwAAt2AAFvwAAtcBWAoI5kQ8C0AlVAKCL
lnACTTa8LxteFw7AFoXuAISQ3oIgAQAh4AOIwBcA4QAAUAAFC6Gu7u9Es3ufsAHIylI5NstEzGz+VrXevvgW3T619HRdAP/Z
"""
JPEG_LOSSLESS = """
/9j/xAAXAAEBAQEAAAAAAAAAAAAAAAAFBAYQ/8MACxAAEAAMAQARAP/aAAgBAAAGAADnXXXXXXXXXXdGmmoogmmoogno0070kk070kk9Gncteknctekn
o0070kk070kk9Hciiklciikldo001FEE01FEE9Gmnekkmnekkno07lr0k7lr0k9Gmnekkmnekkno7kUUkrkUUkrtGmmoogmmoogno0070kk070kk9Gnc
teknctekno0070kk070kk9HciiklciiklcD/2Q==
"""


def image(rows: int = 64, columns: int = 48) -> np.ndarray:
    row, column = np.mgrid[:rows, :columns]
    return (row * 35 + column * 29 + row * column % 5).astype(np.uint16)


def encoded(syntax: str) -> tuple[Dataset, np.ndarray]:
    pixels = image(16, 12) if syntax in (HTJ2KLossless, JPEGLosslessSV1) else image()
    dataset = files.classic(0, pixels)
    if syntax in (HTJ2KLossless, JPEGLosslessSV1):
        frame = base64.b64decode(HTJ2K if syntax == HTJ2KLossless else JPEG_LOSSLESS)
        dataset.PixelData = encaps.encapsulate([frame])
        dataset["PixelData"].VR = "OB"
    elif syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = pixels.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset, pixels


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLosslessSV1,
        JPEGLSLossless,
        JPEG2000Lossless,
        HTJ2KLossless,
    ],
    ids=lambda syntax: syntax.keyword,
)
def test_lossless_pixels_are_read_and_kept_bit_by_bit(tmp_path: Path, syntax: str) -> None:
    dataset, pixels = encoded(syntax)
    path = files.save(dataset, tmp_path / "a.dcm")
    np.testing.assert_array_equal(series.read(path).array[0], pixels)
    clean, _ = deidentify(open_dicom(path), key=KEY)
    assert clean.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    np.testing.assert_array_equal(clean.pixel_array, pixels)
    assert b"Muster" not in clean.PixelData


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
    ],
)
def test_files_of_other_writers_give_the_same_pixels(name: str, of: str) -> None:
    """pydicom's test files, encoded by dcmtk and gdcm."""
    one, other = (stored_values(open_dicom(Path(str(get_testdata_file(file))))) for file in (name, of))
    np.testing.assert_array_equal(one, other)


def test_a_deflated_file_of_another_writer_is_read() -> None:
    path = Path(str(get_testdata_file("image_dfl.dcm")))
    np.testing.assert_array_equal(stored_values(open_dicom(path))[0], pydicom.dcmread(path).pixel_array)


def refused(dataset: Dataset, tmp_path: Path) -> str:
    path = files.save(dataset, tmp_path / "a.dcm")
    with pytest.raises(InputError) as caught:
        series.read(path)
    return str(caught.value)


def test_lossy_pixels_are_refused(tmp_path: Path) -> None:
    near = files.classic(0, image())
    near.compress(JPEGLSNearLossless, jls_error=3, generate_instance_uid=False)
    lossy = files.classic(0, image())
    lossy.compress(JPEG2000, j2k_cr=[10], generate_instance_uid=False)
    baseline = files.classic(0, image())
    baseline.PixelData = encaps.encapsulate([b"\xff\xd8\xff\xd9"])
    baseline.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    before = files.classic(0, image(), LossyImageCompression="01")
    for dataset in (near, lossy, baseline, before):
        assert "compressed with loss" in refused(dataset, tmp_path)


def test_a_point_transform_is_a_loss_and_an_impossible_precision_damage(tmp_path: Path) -> None:
    dataset, _ = encoded(JPEGLosslessSV1)
    frame = next(encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    for marker, offset, byte, word in ((b"\xff\xda", 9, 2, "compressed with loss"), (b"\xff\xc3", 4, 17, "damaged")):
        place = frame.index(marker) + offset
        dataset.PixelData = encaps.encapsulate([frame[:place] + bytes([byte]) + frame[place + 1 :]])
        assert word in refused(dataset, tmp_path)


def test_jpeg_lossless_of_eight_bits_is_read_into_sixteen(tmp_path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813

    pixels = image(16, 12) % 256
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "gdcm.dcm"))
    writer.SetImageIO("GDCMImageIO")
    writer.SetUseCompression(True)
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(pixels[None].astype(np.uint8)))
    dataset = files.classic(0, pixels)
    dataset.PixelData = pydicom.dcmread(tmp_path / "gdcm.dcm").PixelData
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    np.testing.assert_array_equal(series.read(files.save(dataset, tmp_path / "a.dcm")).array[0], pixels)


def test_the_general_syntaxes_are_read_where_the_codestream_is_lossless(tmp_path: Path) -> None:
    for syntax, lossless in ((JPEG2000, JPEG2000Lossless), (JPEGLSNearLossless, JPEGLSLossless)):
        dataset, pixels = encoded(lossless)
        dataset.file_meta.TransferSyntaxUID = syntax
        path = files.save(dataset, tmp_path / "a.dcm")
        np.testing.assert_array_equal(series.read(path).array[0], pixels)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless])
def test_damaged_codestreams_are_refused_at_every_cut(tmp_path: Path, syntax: str) -> None:
    dataset, pixels = encoded(syntax)
    frame = next(encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    for cut in (*range(0, 60, 7), 120):
        found = read_codestream(frame[:cut])
        assert found is None or (found.rows, found.columns) == pixels.shape
    for cut in (40, len(frame) // 2):
        dataset.PixelData = encaps.encapsulate([frame[:cut]])
        assert "damaged" in refused(dataset, tmp_path)
