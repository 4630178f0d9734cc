"""What is no measured intensity counts nowhere: windows, metrics, noise, masks, registration, derived series."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from processing import pair, registration, series
from processing.derived import write_derived
from processing.errors import InputError
from processing.ingest.sort import sort_files
from processing.metrics.quality import compare
from processing.model_identity import ModelIdentity
from processing.nifti import read_nifti, write_nifti
from processing.padding import settle
from processing.pair import make_pair
from processing.radiomics.images import measured_part
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Volume
from tests.processing import dicom_files as files

PADDED = -2000
MODEL = ModelIdentity("denoise", "1", "a" * 64, "float32", "A test.")


def tissue(seed: int, shape: tuple[int, int, int] = (4, 48, 48)) -> np.ndarray:
    """A bright body in air, int16."""
    random = np.random.default_rng(seed)
    _, row, column = np.indices(shape)
    body = np.hypot(row - shape[1] / 2, column - shape[2] / 2) < 17
    clean = 700.0 * body + 200 * (np.hypot(row - 20, column - 20) < 5)
    return np.round(np.hypot(clean + random.normal(0, 15, shape), random.normal(0, 15, shape))).astype(np.int16)


def corners(shape: tuple[int, int, int] = (4, 48, 48)) -> np.ndarray:
    _, row, column = np.indices(shape)
    return np.hypot(row - shape[1] / 2, column - shape[2] / 2) > 23


def written(folder: Path, images: np.ndarray, **changes: object) -> list[Path]:
    signed = {"BitsStored": 16, "HighBit": 15, "PixelRepresentation": int(images.dtype.kind == "i")}
    paths = files.series(folder, images, **signed)
    for path in paths:
        dataset = pydicom.dcmread(path)
        for keyword, value in changes.items():
            if keyword.startswith("PixelPadding"):
                dataset.add_new(keyword, "SS" if images.dtype.kind == "i" else "US", value)
            else:
                setattr(dataset, keyword, value)
        dataset.save_as(path)
    return paths


def padded(folder: Path, *, seed: int = 1, **changes: object) -> list[Path]:
    images = tissue(seed)
    images[corners()] = PADDED
    return written(folder, images, **{"PixelPaddingValue": PADDED, **changes})


def test_padding_is_no_intensity_and_is_said(tmp_path: Path) -> None:
    volume = series.read(padded(tmp_path))
    np.testing.assert_array_equal(volume.padding, corners())
    assert volume.array.min() == tissue(1)[~corners()].min()
    assert [one.code for one in volume.cautions] == ["padding"]
    assert f"{corners().mean():.1%}" in volume.cautions[0].text


def test_the_value_counts_before_rescaling(tmp_path: Path) -> None:
    volume = series.read(padded(tmp_path, RescaleSlope="2", RescaleIntercept="-7"))
    np.testing.assert_array_equal(volume.padding, corners())


def test_the_largest_value_can_be_padding(tmp_path: Path) -> None:
    images = tissue(1).astype(np.uint16)
    images[corners()] = 65535
    volume = series.read(written(tmp_path, images, PixelPaddingValue=65535))
    np.testing.assert_array_equal(volume.padding, corners())
    assert volume.array.max() < 2000


def test_a_range_of_values_is_padding(tmp_path: Path) -> None:
    images = tissue(1)
    images[corners()] = np.random.default_rng(0).integers(-2000, -1500, int(corners().sum()))
    paths = written(tmp_path, images, PixelPaddingValue=-1500, PixelPaddingRangeLimit=-2000)
    np.testing.assert_array_equal(series.read(paths).padding, corners())


def test_a_signed_value_written_as_unsigned_is_the_same(tmp_path: Path) -> None:
    paths = padded(tmp_path)
    for path in paths:
        dataset = pydicom.dcmread(path)
        del dataset["PixelPaddingValue"]
        dataset.add_new("PixelPaddingValue", "US", PADDED & 0xFFFF)
        dataset.save_as(path)
    np.testing.assert_array_equal(series.read(paths).padding, corners())


def test_implicit_vr_tells_the_same(tmp_path: Path) -> None:
    paths = padded(tmp_path)
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        dataset.save_as(path, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(series.read(paths).padding, corners())
    (kept,) = sort_files({path.name: path for path in paths}, tmp_path / "out", key=b"k" * 16).series
    np.testing.assert_array_equal(series.read(kept.files).padding, corners())


def test_zero_for_air_does_no_harm_and_nothing_changes(tmp_path: Path) -> None:
    images = tissue(1).clip(1)
    images[corners()] = 0
    volume = series.read(written(tmp_path, images, PixelPaddingValue=0))
    assert volume.padding is None
    assert volume.cautions == ()
    np.testing.assert_array_equal(volume.array, images)


def test_zero_for_air_of_a_dark_series_does_no_harm(tmp_path: Path) -> None:
    images = (tissue(1) // 20).clip(1)
    images[corners()] = 0
    assert series.read(written(tmp_path, images, PixelPaddingValue=0)).padding is None


def test_a_value_amid_the_intensities_hides_no_anatomy(tmp_path: Path) -> None:
    images = tissue(1)
    images[corners()] = 300
    images[:, 24, 24] = 300
    volume = series.read(written(tmp_path, images, PixelPaddingValue=300))
    assert volume.padding is not None
    assert volume.padding[corners()].mean() > 0.9
    assert not volume.padding[~corners()].any()
    scattered = tissue(1)
    assert series.read(written(tmp_path / "b", scattered, PixelPaddingValue=int(scattered[0, 24, 24]))).padding is None


def test_one_negative_value_apart_from_all_others_is_padding_without_a_word() -> None:
    images = tissue(1).astype(float)
    images[corners()] = PADDED
    filled, padding, cautions = settle(images)
    np.testing.assert_array_equal(padding, corners())
    assert filled.min() >= 0
    assert "does not say so" in cautions[0].text


@pytest.mark.parametrize("spread", [0.0, 60.0])
def test_small_negatives_of_a_gradient_correction_are_intensities(spread: float) -> None:
    images = tissue(1).astype(float) - np.random.default_rng(2).uniform(0, spread, (4, 48, 48))
    _, padding, cautions = settle(images)
    assert padding is None
    assert cautions == ()


def test_padding_tells_no_side(tmp_path: Path) -> None:
    """One grey scale, and black where either has padding: without padding the pair would look the same."""
    plain, with_corners = series.read(written(tmp_path / "a", tissue(2))), series.read(padded(tmp_path / "b"))
    found = make_pair(plain, with_corners)
    shown = [pair.decode(frame, found.geometry) for frame in found.frames["first_left"]]
    for left, right in shown:
        assert not left[corners()[0]].any()
        assert not right[corners()[0]].any()
    levels = [np.median([image[24, 10:38] for image in side]) for side in zip(*shown, strict=True)]
    assert levels[0] == pytest.approx(levels[1], rel=0.03)


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_padding_is_black_on_both_sides_where_the_arms_are_resampled(tmp_path: Path, shift: float) -> None:
    """Another pixel size: all arms go through one kernel, which mixes padding into its neighbours."""
    with_corners = series.read(padded(tmp_path))
    affine = with_corners.affine.copy()
    affine[:3, :2] *= 1.5
    affine[:2, 3] += shift
    other = Volume(tissue(2)[:, 8:40, 8:40], affine)
    for first, second in ((with_corners, other), (other, with_corners)):
        grid = pair.common_grid([first, second])
        assert grid.resampled
        black = pair.padding_on_grid(with_corners, grid)
        assert black is not None
        assert black.any()
        found = make_pair(first, second)
        sides = [pair.decode(frame, found.geometry) for frame in found.frames["first_left"]]
        for slice_, (left, right) in zip(black, sides, strict=True):
            assert not left[slice_].any()
            assert not right[slice_].any()


def test_padding_taken_as_intensity_would_tell_the_side(tmp_path: Path) -> None:
    images = tissue(1).astype(float)
    images[corners()] = PADDED
    plain = series.read(written(tmp_path, tissue(2)))
    found = make_pair(plain, Volume(images, plain.affine))
    left, right = pair.decode(found.frames["first_left"][2], found.geometry)
    assert np.median(right[24, 10:38]) > 1.1 * np.median(left[24, 10:38])


def test_metrics_leave_padding_out_and_say_so(tmp_path: Path) -> None:
    plain = series.read(written(tmp_path / "a", tissue(2)))
    bare = series.read(written(tmp_path / "b", tissue(1)))
    with_corners = series.read(padded(tmp_path / "c"))
    expected = compare(plain, bare, within=~corners())
    for found in (compare(plain, with_corners), compare(with_corners, plain)):
        assert found.volume["psnr"] == pytest.approx(expected.volume["psnr"], abs=0.5)
        assert found.conventions["padding"] == "of either volume, left out of every number"
    assert compare(plain, with_corners).volume == expected.volume
    assert "padding" not in compare(plain, bare).conventions


def test_registration_looks_at_no_padding(tmp_path: Path) -> None:
    with_corners, plain = series.read(padded(tmp_path / "a")), series.read(written(tmp_path / "b", tissue(1)))
    moved, inside = registration.apply(np.eye(4), with_corners, like=plain)
    np.testing.assert_array_equal(moved.padding, corners())
    np.testing.assert_array_equal(inside, ~corners())
    assert compare(plain, moved, within=inside).volume["l1"] == 0


def test_a_mask_counts_where_there_are_intensities(tmp_path: Path) -> None:
    volume = series.read(padded(tmp_path))
    left = measured_part(np.ones(volume.shape, bool), volume)
    np.testing.assert_array_equal(left, ~corners())


def test_padding_survives_de_identification_and_processing(tmp_path: Path) -> None:
    paths = padded(tmp_path / "in")
    volume = series.read(paths)
    made = degrade(volume, Degradation(gibbs=0.3))
    derived = write_derived(paths, made, tmp_path / "out", model=MODEL)
    header = pydicom.dcmread(derived[0])
    assert header.PixelPaddingValue == PADDED
    np.testing.assert_array_equal(header.pixel_array == PADDED, corners()[0])
    again = series.read(derived)
    np.testing.assert_array_equal(again.padding, corners())
    np.testing.assert_allclose(again.array, made.array, atol=0.5)


def test_a_series_without_padding_claims_none(tmp_path: Path) -> None:
    images = tissue(1)
    images[corners()] = 0
    paths = written(tmp_path / "in", images, PixelPaddingValue=0)
    made = degrade(series.read(paths), Degradation(gibbs=0.3))
    assert "PixelPaddingValue" not in pydicom.dcmread(write_derived(paths, made, tmp_path / "out", model=MODEL)[0])


def test_nifti_keeps_padding_apart(tmp_path: Path) -> None:
    volume = series.read(padded(tmp_path / "in"))
    again = read_nifti(write_nifti(volume, tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(again.padding, corners())
    np.testing.assert_allclose(again.array, volume.array)


def test_padding_of_an_enhanced_file_is_known_and_kept(tmp_path: Path) -> None:
    images = tissue(1).astype(np.uint16)
    images[corners()] = 4000
    dataset = files.enhanced(images)
    dataset.add_new("PixelPaddingValue", "US", 4000)
    path = files.save(dataset, tmp_path / "a.dcm")
    volume = series.read(path)
    np.testing.assert_array_equal(volume.padding, corners())
    (kept,) = sort_files({"a.dcm": path}, tmp_path / "out", key=b"k" * 16).series
    np.testing.assert_array_equal(series.read(kept.files).padding, corners())
    made = write_derived(kept.files, degrade(volume, Degradation(gibbs=0.3)), tmp_path / "made", model=MODEL)
    np.testing.assert_array_equal(series.read(made).padding, corners())


def test_what_is_not_a_number_is_padding_in_nifti(tmp_path: Path) -> None:
    images = tissue(1).astype(np.float32)
    images[corners()] = np.nan
    header = np.diag([-0.75, -0.5, 3.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(images.transpose(2, 1, 0), header), tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii")
    np.testing.assert_array_equal(volume.padding, corners())
    assert [one.code for one in volume.cautions] == ["padding"]
    images[0, 0, 0] = np.inf
    nibabel.save(nibabel.Nifti1Image(images.transpose(2, 1, 0), header), tmp_path / "b.nii")
    with pytest.raises(InputError, match="not numbers"):
        read_nifti(tmp_path / "b.nii")
