"""Phase, real and imaginary images are refused where the header says so, and suspected by name and value."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from scipy import ndimage
from scipy.io import loadmat

from processing import series
from processing.__main__ import main
from processing.component import cautions, named, said
from processing.errors import InputError
from processing.ingest.sort import sort_files
from tests.processing import dicom_files as files
from tests.processing.test_padding import tissue

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("kinds", "component", "expected"),
    [
        (["ORIGINAL", "PRIMARY", "M", "ND"], None, None),
        (["ORIGINAL", "PRIMARY", "P", "ND"], None, "phase"),
        (["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"], None, "phase"),
        (["ORIGINAL", "PRIMARY", "R_IR", "R", "IR"], None, "real"),
        (["ORIGINAL", "PRIMARY", "I_SE", "I", "SE"], None, "imaginary"),
        (["ORIGINAL", "PRIMARY", "OTHER", "NONE", "SWI", "PHASE"], None, "phase"),
        (["ORIGINAL", "PRIMARY", "VELOCITY", "NONE"], None, "velocity"),
        (["ORIGINAL", "PRIMARY", "T1", "NONE"], "PHASE", "phase"),
        (["ORIGINAL", "PRIMARY", "T1", "NONE"], "MAGNITUDE", None),
        (["DERIVED", "PRIMARY", "DIXON", "IN_PHASE"], None, None),
        (["DERIVED", "PRIMARY", "OUT_PHASE"], None, None),
        (["ORIGINAL", "PRIMARY", "PHASE_CONTRAST", "NONE"], "MAGNITUDE", None),
        (["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"], None, None),
        ("DERIVED", None, None),
    ],
)
def test_what_an_image_type_says(kinds: object, component: str | None, expected: str | None) -> None:
    assert said(kinds, component) == expected  # type: ignore[arg-type]


def ge(number: int, images: np.ndarray, folder: Path) -> list[Path]:
    paths = []
    for n, image in enumerate(images):
        dataset = files.classic(n, image, Manufacturer="GE MEDICAL SYSTEMS", ImageType=["ORIGINAL", "PRIMARY", "OTHER"])
        dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", number)
        paths.append(files.save(dataset, folder / f"{n}.dcm"))
    return paths


@pytest.mark.parametrize(("number", "kind"), [(1, "phase"), (2, "real"), (3, "imaginary")])
def test_the_private_image_type_of_ge_counts(tmp_path: Path, number: int, kind: str) -> None:
    paths = ge(number, files.pixels(3), tmp_path)
    with pytest.raises(InputError, match=f"A {kind} image: only magnitude"):
        series.read(paths[0])
    found = sort_files({path.name: path for path in paths}, tmp_path / "out", key=KEY)
    assert (found.series, len(found.refused)) == ([], 3)


def test_the_magnitude_of_ge_is_taken(tmp_path: Path) -> None:
    assert series.read(ge(0, files.pixels(3), tmp_path)).shape[0] == 3


@pytest.mark.parametrize(
    "name",
    ["t2_ph.nii.gz", "sub-1_part-phase_bold.nii", "a_e2_ph.nii", "b_imaginary.nii", "b_real.nii", "x_phasediff.nii"],
)
def test_names_of_converters_are_suspected(name: str) -> None:
    assert [one.code for one in named(name)] == ["phase"]


@pytest.mark.parametrize(
    "name", ["photo_T2.nii", "graph.nii", "t1_in-phase.nii", "liver_arterial_phase.nii", "realigned.nii", "out_ph.nii"]
)
def test_other_words_are_not(name: str) -> None:
    assert named(name) == ()


def phase(low: float, high: float) -> np.ndarray:
    """A smooth phase in a body, random in air, wrapped into low … high."""
    shape = (4, 64, 64)
    random = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(random.normal(size=shape), (0, 8, 8)) * 60
    _, row, column = np.indices(shape)
    body = np.hypot(row - 32, column - 32) < 22
    turns = np.where(body, smooth, random.uniform(0, 1, shape)) % 1
    return low + turns * (high - low)


@pytest.mark.parametrize("ends", [(-4096, 4095), (-np.pi, np.pi), (0, 4095), (0, 2 * np.pi)])
def test_phase_is_suspected_by_value(ends: tuple[float, float]) -> None:
    assert [one.code for one in cautions(phase(*ends))] == ["phase"]


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_whole_numbers_are_looked_at_as_they_are_stored(kind: type[np.generic]) -> None:
    assert [one.code for one in cautions(phase(0, 4095).astype(kind))] == ["phase"]
    assert cautions(files.pixels(4).astype(kind)) == ()


@pytest.mark.parametrize("images", [tissue(1), tissue(1) - 60, files.pixels(4), 1000 - tissue(2).clip(0, 1000)])
def test_magnitudes_noise_and_inverted_contrast_are_not(images: np.ndarray) -> None:
    assert cautions(images.astype(float)) == ()


def save(array: np.ndarray, path: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0).astype(np.float32), np.diag([-1, -1, 3, 1])), path)
    return path


def test_a_nifti_of_phase_is_taken_with_a_caution(tmp_path: Path) -> None:
    (tmp_path / "rests").mkdir()
    sent = {
        "soc/t2.nii.gz": save(tissue(1), tmp_path / "rests" / "1.nii.gz"),
        "fast/t2_ph.nii.gz": save(tissue(1), tmp_path / "rests" / "2.nii.gz"),
        "fast/t2.nii.gz": save(phase(0, 4095), tmp_path / "rests" / "3.nii.gz"),
    }
    found = sort_files(sent, tmp_path / "out", key=KEY)
    assert {one.names[0]: [caution.code for caution in one.cautions] for one in found.series} == {
        "soc/t2.nii.gz": [],
        "fast/t2_ph.nii.gz": ["phase"],
        "fast/t2.nii.gz": ["phase"],
    }


@pytest.mark.parametrize(
    ("name", "array"), [("a_ph.nii", tissue(1)), ("a.nii", phase(0, 4095)), ("b.nii", phase(-4, 4))]
)
def test_commands_refuse_to_process_it_and_warn_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, array: np.ndarray
) -> None:
    path = save(array, tmp_path / name)
    assert main(["degrade", str(path), str(tmp_path / "out.nii"), "--gibbs", "0.3"]) == 2
    assert "only magnitude images" in capsys.readouterr().err.lower()
    for command in (["info", str(path)], ["compare", str(path), str(path)]):
        assert main(command) == 0
        assert f"{name}: " in capsys.readouterr().err


def frame_types(dataset: Dataset, kinds: list[list[str]], components: list[str | None]) -> Dataset:
    for frame, kind, component in zip(dataset.PerFrameFunctionalGroupsSequence, kinds, components, strict=True):
        item = Dataset()
        item.FrameType = kind
        if component:
            item.ComplexImageComponent = component
        frame.MRImageFrameTypeSequence = Sequence([item])
    return dataset


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        (["ORIGINAL", "PRIMARY", "PHASE", "NONE"], None),
        (["ORIGINAL", "PRIMARY", "T1", "NONE"], "PHASE"),
        (["ORIGINAL", "PRIMARY", "T1", "NONE"], "IMAGINARY"),
    ],
)
def test_the_frames_of_one_file_are_told_apart(tmp_path: Path, kind: list[str], component: str | None) -> None:
    images = files.pixels(6)
    magnitude = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    kinds, components = [magnitude] * 3 + [kind] * 3, ["MAGNITUDE"] * 3 + [component] * 3
    dataset = frame_types(files.enhanced(images, echoes=(20, 20)), kinds, components)
    for n, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.PlanePositionSequence[0].ImagePositionPatient = [10.0 - 3.0 * (n % 3), -5, 7]
    dataset.ComplexImageComponent = "MIXED"
    path = files.save(dataset, tmp_path / "a.dcm")
    found = sort_files({"a.dcm": path}, tmp_path / "out", key=KEY)
    assert [one.shape[0] for one in found.series] == [3]
    assert [one.reason.endswith("only magnitude images can be read.") for one in found.refused] == [True]
    kept = series.read(found.series[0].files)
    np.testing.assert_allclose(kept.array, images[:3] * 1.5 - 2)


ACQUIRED = (
    "vol_fig4A_3DGRE_sagittal",
    "vol_fig4B_3DFSE_coronal",
    "vol_figS5_TFISP_FA90",
    "patient_S6A_FLAIR",
    "patient_S6A_FSE",
    "patient_S6A_GRE",
)


@pytest.mark.parametrize("name", ACQUIRED)
def test_images_of_acquired_k_space_are_told_apart(real_data: Path, name: str) -> None:
    """A real scanner's complex images: all parts but the magnitude are suspected, phase in unsigned numbers too."""
    content = loadmat(real_data / "more" / "kspace_ulf" / f"{name}_kspace.mat")
    (lines,) = (value for value in content.values() if np.iscomplexobj(value))
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(np.moveaxis(lines, -1, 0), axes=(1, 2))), axes=(1, 2))
    turns = np.angle(images) / (2 * np.pi) + 0.5
    assert cautions(np.abs(images)) == ()
    for part in (np.angle(images), np.round(4095 * turns), images.real, images.imag):
        assert [one.code for one in cautions(part)] == ["phase"]
