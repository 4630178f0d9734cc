"""Reading DICOM, NIfTI and NRRD into volumes."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from processing import series
from processing.errors import InputError
from tests.processing import dicom_files as files


def test_slices_are_ordered_along_the_normal_whatever_the_files_are_called(tmp_path: Path) -> None:
    images = files.pixels(5)
    files.series(tmp_path, images, RescaleSlope="2", RescaleIntercept="-10")
    volume = series.read(tmp_path)
    np.testing.assert_array_equal(volume.array, images * 2.0 - 10)
    np.testing.assert_allclose(
        volume.affine, [[0.75, 0, 0, -10], [0, 0.5, 0, -12], [0, 0, 3, 0], [0, 0, 0, 1]], atol=1e-12
    )
    assert volume.spacing == pytest.approx((0.75, 0.5, 3.0))


def test_enhanced_frames_take_position_and_scale_from_functional_groups(tmp_path: Path) -> None:
    images = files.pixels(4)
    path = files.save(files.enhanced(images), tmp_path / "a.dcm")
    volume = series.read(path)
    # Sagittal, first frame furthest to the left: increasing x is the reverse of file order or not, by normal.
    order = np.argsort([-(10 - 3 * n) for n in range(4)])
    np.testing.assert_array_equal(volume.array, (images * 1.5 - 2).astype(np.float32)[order])
    assert volume.parameters.plane == "sagittal"
    assert volume.parameters.te == 80
    assert volume.parameters.tr == 3500
    assert volume.parameters.weighting == "T2"
    assert volume.parameters.acquisition_seconds == 61.5


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression_gives_the_same_values(tmp_path: Path, syntax: str) -> None:
    images = files.pixels(2, rows=64, columns=64)
    for n, image in enumerate(images):
        dataset = files.classic(n, image)
        dataset.compress(syntax, generate_instance_uid=False)
        files.save(dataset, tmp_path / f"{n}.dcm")
    np.testing.assert_array_equal(series.read(tmp_path).array, images)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_old_transfer_syntaxes_give_the_same_values(tmp_path: Path, syntax: str) -> None:
    images = files.pixels(2)
    for n, image in enumerate(images):
        dataset = files.classic(n, image)
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = image.astype(">u2").tobytes()
        files.save(dataset, tmp_path / f"{n}.dcm")
    volume = series.read(tmp_path)
    np.testing.assert_array_equal(volume.array, images)
    assert volume.parameters.weighting == "T2"


def test_overlay_bits_above_the_stored_bits_do_not_count(tmp_path: Path) -> None:
    images = files.pixels(2)
    files.series(tmp_path, images | 0xA000)
    np.testing.assert_array_equal(series.read(tmp_path).array, images)


def test_signed_pixels_keep_their_sign(tmp_path: Path) -> None:
    images = files.pixels(2).astype(np.int16) - 2048
    for n, image in enumerate(images):
        files.save(files.classic(n, image.astype(np.uint16) & 0x0FFF, PixelRepresentation=1), tmp_path / f"{n}.dcm")
    np.testing.assert_array_equal(series.read(tmp_path).array, images)


def test_a_missing_slice_is_named_with_the_gap(tmp_path: Path) -> None:
    paths = files.series(tmp_path, files.pixels(6))
    paths[3].unlink()
    with pytest.raises(InputError, match=r"between slices 3 and 4 of 5.* 6\.00 mm where 3\.00 mm"):
        series.read(tmp_path)


def test_other_geometry_in_one_series_is_refused(tmp_path: Path) -> None:
    files.series(tmp_path, files.pixels(3))
    files.save(files.classic(9, files.pixels(1, rows=32)[0], z=9.0), tmp_path / "x.dcm")
    with pytest.raises(InputError, match=r"different matrix \(24 × 20 and 32 × 20\)"):
        series.read(tmp_path)


def test_a_localiser_is_refused(tmp_path: Path) -> None:
    files.series(tmp_path, files.pixels(3))
    files.save(files.classic(9, files.pixels(1)[0], ImageOrientationPatient=[0, 1, 0, 0, 0, -1]), tmp_path / "x.dcm")
    with pytest.raises(InputError, match="2 orientations"):
        series.read(tmp_path)


def test_several_echoes_are_named(tmp_path: Path) -> None:
    path = files.save(files.enhanced(files.pixels(6), echoes=(20, 90)), tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"2 volumes \(echo time 20\.0 ms; echo time 90\.0 ms\)"):
        series.read(path)


def test_truncated_pixels_are_refused(tmp_path: Path) -> None:
    paths = files.series(tmp_path, files.pixels(2))
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    with pytest.raises(InputError, match="truncated"):
        series.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"Dear colleague, the images follow.\n" * 20])
def test_what_is_no_dicom_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.dcm"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a DICOM file|empty"):
        series.read(path)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        series.read(tmp_path)


def test_a_ct_series_is_refused_by_name(tmp_path: Path) -> None:
    dataset = files.classic(0, files.pixels(1)[0], SOPClassUID=pydicom.uid.CTImageStorage, Modality="CT")
    path = files.save(dataset, tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"^CT Image Storage: not an MR series"):
        series.read(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "phase image"),
        ({"ImagePositionPatient": None}, "position"),
        ({"PixelData": None}, "no pixel data"),
        ({"BurnedInAnnotation": "YES"}, "burned"),
    ],
)
def test_unusable_images_are_refused_with_the_reason(tmp_path: Path, changes: dict, reason: str) -> None:
    path = files.save(files.classic(0, files.pixels(1)[0], **changes), tmp_path / "a.dcm")
    with pytest.raises(InputError, match=reason):
        series.read(path)


def test_nifti_is_turned_into_patient_coordinates(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.array([[-2.0, 0, 0, 5], [0, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(data, affine), tmp_path / "a.nii.gz")
    volume = series.read(tmp_path / "a.nii.gz")
    assert volume.shape == (4, 3, 2)
    assert volume.array[3, 2, 1] == data[1, 2, 3]
    np.testing.assert_allclose((volume.affine @ [1, 2, 3, 1])[:3] * [-1, -1, 1], (affine @ [1, 2, 3, 1])[:3])


def test_nrrd_and_nifti_of_one_image_agree(tmp_path: Path) -> None:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32))
    image.SetSpacing((0.5, 0.7, 3.0))
    image.SetOrigin((1.0, -2.0, 3.0))
    image.SetDirection((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii.gz"))
    nrrd, nifti = series.read(tmp_path / "a.nrrd"), series.read(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(nrrd.array, nifti.array)
    np.testing.assert_allclose(nrrd.affine, nifti.affine, atol=1e-5)


def test_damaged_nifti_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(b"\x5c\x01\0\0" + b"\0" * 500)[:-9])
    with pytest.raises(InputError, match="damaged"):
        series.read(path)


@pytest.mark.parametrize(
    ("folder", "shape", "weighting", "plane", "seconds"),
    [
        ("ge_signa_fse_pd_oblique", (20, 256, 256), "PD", "axial", None),
        ("philips_elition_201_T1W_TSE_Sno_CSno_CSAIno", (12, 256, 256), "T1", "axial", 33.2),
        ("philips_elition_501_T1W_TSE_Sno_CSno_CSAI2", (12, 256, 256), "T1", "axial", 18.7),
        ("philips_elition_501_T1W_FFE_Sno_CS4", (24, 256, 256), "T1", "axial", 17.4),
        ("siemens_prisma_sag_t1_HFS", (35, 256, 256), "T1", "sagittal", 50.1),
        ("siemens_xa30_enhanced_t1", (96, 128, 128), "T1", "sagittal", 169.9),
        ("toshiba_titan_abdomen_ax_t2", (33, 512, 584), "T2", "axial", 32.0),
        ("toshiba_titan_abdomen_adc", (36, 288, 256), "ADC", "axial", 54.0),
    ],
)
def test_real_series(
    real_data: Path, folder: str, shape: tuple, weighting: str, plane: str, seconds: float | None
) -> None:
    """Against SimpleITK's own reading where it reads the layout (classic), and against the known acquisition."""
    source = real_data / "dicom" / folder
    volume = series.read(source)
    assert volume.shape == shape
    assert (volume.parameters.weighting, volume.parameters.plane) == (weighting, plane)
    assert volume.parameters.acquisition_seconds == (seconds if seconds is None else pytest.approx(seconds, abs=0.1))
    import SimpleITK

    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(source))
    if len(names) == shape[0]:
        image = SimpleITK.ReadImage(names, SimpleITK.sitkFloat32)
        np.testing.assert_allclose(volume.array, SimpleITK.GetArrayFromImage(image), rtol=1e-6, atol=1e-3)
        np.testing.assert_allclose(volume.affine[:3, 3], image.GetOrigin(), atol=1e-3)
        np.testing.assert_allclose(volume.spacing, image.GetSpacing(), rtol=1e-3)


def test_the_real_series_with_a_missing_slice(real_data: Path) -> None:
    with pytest.raises(InputError, match=r"missing between slices 34 and 35 of 55.* 5\.00 mm where 2\.50 mm"):
        series.read(real_data / "dicom" / "siemens_trio_ax_t2_fse_brain")


def test_raw_data_beside_a_series_has_no_pixels(real_data: Path) -> None:
    raw = real_data / "dicom" / "philips_elition_201_T1W_TSE_Sno_CSno_CSAIno" / "0001_Raw.dcm"
    with pytest.raises(InputError, match="Raw Data Storage: it holds no image pixels"):
        series.read(raw)
