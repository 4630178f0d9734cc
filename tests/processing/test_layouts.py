"""How series lie in their files: mosaics, echoes, b-values, reversed and oblique stacks, time series."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from processing import series
from processing.__main__ import main
from processing.dicom import mosaic
from processing.errors import InputError
from processing.ingest.sort import CONFLICT, Sorted, sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
NIBABEL = Path(nibabel.__file__).parent / "nicom" / "tests" / "data"


def sort(folder: Path, out: Path) -> Sorted:
    named = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return sort_files(named, out, key=KEY)


def siemens_mosaic(folder: Path, b_value: int) -> Path:
    """A real diffusion volume (48 slices, Siemens Trio) that nibabel ships with its tests."""
    source = NIBABEL / f"siemens_dwi_{b_value}.dcm.gz"
    if not source.exists():
        pytest.skip("this nibabel comes without its test data")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{b_value}.dcm"
    path.write_bytes(gzip.decompress(source.read_bytes()))
    return path


def as_nibabel_reads(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(slices, rows, columns) and the affine of (column, row, slice), by nibabel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom import dicomwrappers

        wrapper = dicomwrappers.wrapper_from_file(path)
    affine = np.array(wrapper.affine)[:, [1, 0, 2, 3]]
    return np.moveaxis(wrapper.get_data(), 2, 0), affine


def test_a_mosaic_is_read_as_nibabel_reads_it(tmp_path: Path) -> None:
    path = siemens_mosaic(tmp_path, 0)
    volume = series.read(path)
    array, affine = as_nibabel_reads(path)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)


def test_mosaics_of_two_b_values_become_two_clean_series_of_single_slices(tmp_path: Path) -> None:
    paths = {b: siemens_mosaic(tmp_path / "in", b) for b in (0, 1000)}
    result = sort(tmp_path / "in", tmp_path / "out")
    assert result.refused == []
    assert [len(one.files) for one in result.series] == [48, 48]
    assert [one.parameters.weighting for one in result.series][1] == "DWI"
    assert len({uid for one in result.series for uid in one.instance_uids}) == 96
    for one, path in zip(result.series, paths.values(), strict=True):
        array, affine = as_nibabel_reads(path)
        volume = series.read(one.files)
        np.testing.assert_array_equal(volume.array, array)
        np.testing.assert_allclose(volume.affine, affine, atol=1e-4)
        clean = pydicom.dcmread(one.files[3])
        assert not any(element.tag.is_private for element in clean.iterall())
        assert "MOSAIC" not in clean.ImageType
        np.testing.assert_array_equal(clean.pixel_array, array[3])
        np.testing.assert_allclose(clean.ImagePositionPatient, affine[:3] @ [0, 0, 3, 1], atol=1e-4)


def test_the_command_unfolds_a_mosaic(tmp_path: Path) -> None:
    path = siemens_mosaic(tmp_path, 0)
    assert main(["deidentify", str(path), str(tmp_path / "out")]) == 0
    written = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(written) == 48
    np.testing.assert_array_equal(series.read(written).array, as_nibabel_reads(path)[0])


def test_a_mosaic_with_slices_counted_against_the_normal_keeps_them_in_place(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(siemens_mosaic(tmp_path, 0))
    where = mosaic.layout(dataset)
    dataset.ImageOrientationPatient = [
        *(-float(v) for v in dataset.ImageOrientationPatient[:3]),
        *dataset.ImageOrientationPatient[3:],
    ]
    turned = mosaic.layout(dataset)
    step = turned.positions[1] - turned.positions[0]
    np.testing.assert_allclose(step, where.positions[1] - where.positions[0], atol=1e-9)
    normal = np.cross(dataset.ImageOrientationPatient[:3], dataset.ImageOrientationPatient[3:])
    assert step @ normal < 0


def test_a_mosaic_whose_private_header_is_gone_or_damaged_is_refused(tmp_path: Path) -> None:
    path = siemens_mosaic(tmp_path, 0)
    dataset = pydicom.dcmread(path)
    good = dataset[0x0029, 0x1010].value
    for damaged in (good[:200], b"SV10" + b"\xff" * 2000, None):
        if damaged is None:
            dataset.remove_private_tags()
        else:
            dataset[0x0029, 0x1010].value = damaged
        with pytest.raises(InputError, match=r"private header \(CSA\) is missing or damaged"):
            mosaic.layout(dataset)


def test_b_values_of_classic_files_become_series_of_their_own(tmp_path: Path) -> None:
    for b in (0, 500, 1000):
        for n in range(3):
            dataset = files.classic(n, files.pixels(1, seed=b)[0], SOPInstanceUID=f"1.2.3.4.5.{b}.{n}")
            block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0C, "IS", str(b))
            files.save(dataset, tmp_path / "in" / f"{b}_{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert [len(one.files) for one in result.series] == [3, 3, 3]
    assert [pydicom.dcmread(one.files[0]).DiffusionBValue for one in result.series] == [0, 500, 1000]


def test_a_time_series_is_refused_as_a_whole(tmp_path: Path) -> None:
    for t in range(30):
        for n in range(2):
            changes = {"TemporalPositionIdentifier": t + 1, "SOPInstanceUID": f"1.2.3.4.5.{t}.{n}"}
            files.save(files.classic(n, files.pixels(1)[0], **changes), tmp_path / "in" / f"{t}_{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert result.series == []
    (refused,) = result.refused
    assert "30 volumes, as a time series" in refused.reason


def test_phase_images_beside_magnitude_are_refused_and_the_magnitude_is_kept(tmp_path: Path) -> None:
    for kind, first in (("M", 0), ("P", 10)):
        for n in range(3):
            dataset = files.classic(first + n, files.pixels(1)[0], z=3.0 * n, ImageType=["ORIGINAL", "PRIMARY", kind])
            files.save(dataset, tmp_path / "in" / f"{kind}{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert [len(one.files) for one in result.series] == [3]
    assert {one.reason for one in result.refused} == {"A phase image: only magnitude images can be read."}


@pytest.mark.parametrize("told_by", ["FrameType", "ComplexImageComponent"])
def test_phase_frames_within_an_enhanced_file_are_refused_alone(tmp_path: Path, told_by: str) -> None:
    images = files.pixels(6)
    dataset = files.enhanced(images, echoes=(80, 80), ComplexImageComponent="MIXED")
    for n, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        kind = pydicom.Dataset()
        kind.FrameType = ["ORIGINAL", "PRIMARY", "P" if n >= 3 and told_by == "FrameType" else "M", "NONE"]
        kind.ComplexImageComponent = "PHASE" if n >= 3 and told_by != "FrameType" else "MAGNITUDE"
        group.MRImageFrameTypeSequence = [kind]
    files.save(dataset, tmp_path / "in" / "a.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    (one,) = result.series
    assert sorted(series.read(one.files).array.ravel()) == sorted((images[:3] * 1.5 - 2).ravel())
    assert ["A phase image" in refused.reason for refused in result.refused] == [True]


@pytest.mark.parametrize("turn", [0, 17, 38])
@pytest.mark.parametrize("reverse", [False, True])
def test_oblique_and_reversed_stacks_lie_where_simpleitk_puts_them(tmp_path: Path, turn: int, reverse: bool) -> None:
    import SimpleITK

    angle = np.radians(turn)
    row, column = np.array([np.cos(angle), 0, -np.sin(angle)]), np.array([0.0, 1, 0])
    normal = np.cross(row, column)
    images = files.pixels(4)
    for n in range(4):
        place = np.array([5.0, -3, 8]) + 4.0 * n * normal * (-1 if reverse else 1)
        changes = {
            "ImageOrientationPatient": [f"{v:.9f}" for v in (*row, *column)],
            "ImagePositionPatient": [f"{v:.9f}" for v in place],
        }
        files.save(files.classic(n, images[n], **changes), tmp_path / f"{n}.dcm")
    volume = series.read(tmp_path)
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))
    image = SimpleITK.ReadImage(names, SimpleITK.sitkFloat32)
    there = [image.TransformIndexToPhysicalPoint(index) for index in ((0, 0, 0), (3, 2, 0), (0, 0, 3), (5, 7, 2))]
    here = [(volume.affine @ [*index, 1])[:3] for index in ((0, 0, 0), (3, 2, 0), (0, 0, 3), (5, 7, 2))]
    np.testing.assert_allclose(here, there, atol=1e-4)
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(image))


@pytest.mark.parametrize(
    ("places", "reason"),
    [([0, 3, 6, 10.5], "missing"), ([0, 3, 6, 7.5], "not equally spaced"), ([0, 3, 3, 6], "same place")],
)
def test_unequal_stacks_are_refused(tmp_path: Path, places: list[float], reason: str) -> None:
    for n, z in enumerate(places):
        files.save(files.classic(n, files.pixels(1, seed=n)[0], z=z), tmp_path / "in" / f"{n}.dcm")
    assert reason in sort(tmp_path / "in", tmp_path / "out").refused[0].reason


def arms(folder: Path, **pixels_of: int) -> None:
    """The same instances in several folders, with pixels of the seed of each."""
    for name, seed in pixels_of.items():
        files.series(folder / name, files.pixels(3, seed=seed))


def test_the_same_instances_with_other_pixels_in_another_folder_are_kept_and_marked(tmp_path: Path) -> None:
    arms(tmp_path / "in", SOC=1, FAST=2)
    result = sort(tmp_path / "in", tmp_path / "out")
    assert result.refused == []
    assert [one.conflict for one in result.series] == [CONFLICT, CONFLICT]
    assert {one.arm_hint for one in result.series} == {"SOC", "FAST"}
    assert len({one.sha256 for one in result.series}) == 2
    assert result.series[0].instance_uids == result.series[1].instance_uids


def test_a_third_copy_and_a_copy_with_another_header_are_duplicates(tmp_path: Path) -> None:
    arms(tmp_path / "in", SOC=1, FAST=2, again=1)
    for n, image in enumerate(files.pixels(3, seed=1)):
        files.save(files.classic(n, image, InstitutionName="Other"), tmp_path / "in" / "other" / f"{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert (len(result.series), result.duplicates, result.refused) == (2, 6, [])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1", "2"]


def test_one_series_spread_over_folders_stays_one(tmp_path: Path) -> None:
    for n, image in enumerate(files.pixels(6)):
        files.save(files.classic(n, image), tmp_path / "in" / f"disk{n // 3}" / f"{n}.dcm")
    assert [len(one.files) for one in sort(tmp_path / "in", tmp_path / "out").series] == [6]
