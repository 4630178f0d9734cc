"""Where a NIfTI image lies: what the file does not say, or says twice and differently, is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from processing.__main__ import main
from processing.errors import InputError
from processing.ingest.sort import RefusedFile, sort_files
from processing.masks import read_mask
from processing.nifti import read_nifti, write_nifti
from processing.volume import Volume
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
RAS = np.array([[2.5, 0, 0, -30], [0, 2.5, 0, -25], [0, 0, 5, -10], [0, 0, 0, 1.0]])  # of the true place, mm
SHAPE = (24, 20, 6)  # columns, rows, slices
UNKNOWN, METRE, MM, MICRON = 0, 1, 2, 3  # of xyzt_units


def ball() -> np.ndarray:
    """A mask of zeros and ones on one side."""
    i, j, k = np.indices(SHAPE)
    return ((i - 6) ** 2 + (j - 9) ** 2 + 4 * (k - 3) ** 2 < 25).astype(np.uint8)


def image() -> np.ndarray:
    return (300 + 600 * ball().astype(int) + np.random.default_rng(0).integers(0, 50, SHAPE)).astype(np.int16)


def header_of(data: np.ndarray) -> nibabel.Nifti1Header:
    """One that says nothing of the place."""
    header = nibabel.Nifti1Header()
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return header


def write(
    path: Path,
    data: np.ndarray,
    *,
    sform: np.ndarray | None = RAS,
    qform: np.ndarray | None = RAS,
    unit: int = MM,
    **fields,
) -> Path:
    """A NIfTI file; sform, qform: with code 1, or None for code 0; fields of the header are set last."""
    header = header_of(data)
    if qform is not None:
        header.set_qform(qform, code=1)
    else:
        header.set_zooms(np.linalg.norm((RAS if sform is None else sform)[:3, :3], axis=0))
    if sform is not None:
        header.set_sform(sform, code=1)
    header["xyzt_units"] = unit
    for name, value in fields.items():
        header[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.structarr.tobytes() + bytes(4) + data.tobytes("F"))
    return path


def refusals(path: Path, out: Path) -> list[RefusedFile]:
    """What the intake says of one file."""
    return sort_files({"S01/T2/t2.nii": path}, out, key=KEY).refused


def info(path: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(["info", str(path)]) == 0
    return json.loads(capsys.readouterr().out)


# Orientation


def test_an_image_without_orientation_is_refused_and_its_sender_told_what_to_do(tmp_path: Path) -> None:
    (refused,) = refusals(write(tmp_path / "t2.nii", image(), sform=None, qform=None), tmp_path / "out")
    assert refused.reason.startswith(
        "The NIfTI header does not say which side is left (sform_code and qform_code are 0)"
    )
    assert "convert the DICOM series again" in refused.reason
    assert refused.reason.count(".") == 1


@pytest.mark.parametrize("command", ["info", "compare", "overlap", "radiomics", "radiomics of DICOM", "deidentify"])
def test_no_command_takes_an_image_or_mask_without_orientation(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = str(write(tmp_path / "mask.nii", ball(), sform=None, qform=None))
    good = str(write(tmp_path / "good.nii", ball()))
    words = {
        "info": ["info", mask],
        "compare": ["compare", good, mask],
        "overlap": ["overlap", good, mask],
        "radiomics": ["radiomics", good, mask],
        "deidentify": ["deidentify", mask, str(tmp_path / "out.nii")],
    }
    if command == "radiomics of DICOM":
        files.series(tmp_path / "dicom", files.pixels(3))
        words[command] = ["radiomics", str(tmp_path / "dicom"), mask]
    assert main(words[command]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert "which side is left" in shown.err
    assert not (tmp_path / "out.nii").exists()


def test_a_mask_without_orientation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which side is left"):
        read_mask(write(tmp_path / "mask", ball(), sform=None, qform=None))


def test_a_code_that_no_standard_knows_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which side is left"):
        read_nifti(write(tmp_path / "a.nii", image(), sform_code=9, qform_code=-1))


@pytest.mark.parametrize("forms", [{"sform": None}, {"qform": None}, {}])
def test_either_form_is_enough_and_survives_cleaning(
    forms: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "in" / "t2.nii", image(), **forms)
    found = read_nifti(path)
    np.testing.assert_allclose(found.affine, np.diag([-1.0, -1, 1, 1]) @ RAS, atol=1e-5)
    (taken,) = sort_files({"S01/t2.nii": path}, tmp_path / "out", key=KEY).series
    clean = read_nifti(taken.files[0])
    assert clean.sha256 == taken.sha256 == found.sha256
    by_itk = SimpleITK.ReadImage(str(taken.files[0]))
    np.testing.assert_allclose(by_itk.GetOrigin(), found.affine[:3, 3], atol=1e-4)
    np.testing.assert_allclose(by_itk.GetSpacing(), found.spacing, atol=1e-5)


def test_a_qform_without_voxel_sizes_is_not_given_those_of_a_library(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", image(), sform=None, pixdim=[1, 2.5, 2.5, 0, 0, 0, 0, 0])
    with pytest.raises(InputError, match="without voxel sizes"):
        read_nifti(path)


@pytest.mark.parametrize(("sform", "reason"), [(None, "damaged"), (RAS, "no rotation")])
def test_a_qform_that_is_no_rotation_is_refused(tmp_path: Path, sform: np.ndarray | None, reason: str) -> None:
    path = write(tmp_path / "a.nii", image(), sform=sform, quatern_b=0.9, quatern_c=0.9)
    with pytest.raises(InputError, match=reason):
        read_nifti(path)


# Units


def scaled(by: float) -> dict:
    matrix = np.diag([by, by, by, 1]) @ RAS
    return {"sform": matrix, "qform": matrix}


OTHER_UNITS = pytest.mark.parametrize(("unit", "by"), [(MICRON, 1000.0), (METRE, 0.001), (MICRON | 16, 1000.0)])


@OTHER_UNITS
@pytest.mark.parametrize("form", ["sform", "qform", "both"])
def test_every_reader_gives_mm(
    unit: int, by: float, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forms = scaled(by) | ({} if form == "both" else {"sform": None} if form == "qform" else {"qform": None})
    path = write(tmp_path / "t2.nii", image(), **forms, unit=unit)
    found = info(path, capsys)
    assert found["spacing"] == pytest.approx([2.5, 2.5, 5])
    np.testing.assert_allclose(found["affine"], np.diag([-1.0, -1, 1, 1]) @ RAS, atol=1e-5)
    (mask,) = read_mask(write(tmp_path / "mask.nii", ball(), **forms, unit=unit))
    np.testing.assert_allclose(mask.affine, found["affine"])
    (taken,) = sort_files({"S01/t2.nii": path}, tmp_path / "out", key=KEY).series
    assert taken.spacing == pytest.approx((2.5, 2.5, 5))
    assert [(one.code, "2.5 × 2.5 × 5 mm" in one.text) for one in taken.cautions] == (
        [] if by == 1 else [("units", True)]
    )
    clean = nibabel.load(taken.files[0])
    assert clean.header.get_xyzt_units() == ("mm", "msec" if unit & 16 else "unknown")
    assert clean.header.get_zooms() == pytest.approx((2.5, 2.5, 5))
    np.testing.assert_allclose(clean.affine, RAS, atol=1e-5)
    assert read_nifti(taken.files[0]).sha256 == taken.sha256
    np.testing.assert_allclose(SimpleITK.ReadImage(str(taken.files[0])).GetSpacing(), (2.5, 2.5, 5), rtol=1e-5)


@OTHER_UNITS
def test_commands_agree_on_an_image_in_another_unit(
    unit: int, by: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {}
    for name, data in (("image", image()), ("mask", ball())):
        paths[name] = str(write(tmp_path / f"{name}.nii", data))
        paths[name, "other"] = str(write(tmp_path / f"{name}_other.nii", data, **scaled(by), unit=unit))
    settings = tmp_path / "settings.json"
    settings.write_text('{"featureClass": {"shape": ["MeshVolume"], "firstorder": ["Mean"]}}')
    volumes = []
    for other in ((), ("other",)):
        names = [paths[(name, *other) if other else name] for name in ("image", "mask")]
        assert main(["radiomics", *names, "--settings", str(settings), "--subject", "S", "--roi", "R"]) == 0
        shown = capsys.readouterr().out.splitlines()[1:]
        volumes.append({line.split(",")[6]: float(line.split(",")[7]) for line in shown})
    assert volumes[1] == pytest.approx(volumes[0], rel=1e-5)
    assert main(["compare", paths["image"], paths["image", "other"]]) == 0
    assert json.loads(capsys.readouterr().out)["volume"]["l1"] == 0
    assert main(["overlap", paths["mask"], paths["mask", "other"]]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["conventions"]["spacing"] == [5, 2.5, 2.5]
    assert found["labels"][0]["dice"] == 1


def test_plausible_voxels_without_a_unit_are_mm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert info(write(tmp_path / "t2.nii", image(), unit=UNKNOWN), capsys)["spacing"] == pytest.approx([2.5, 2.5, 5])


@pytest.mark.parametrize(
    ("unit", "by", "words"),
    [
        (UNKNOWN, 1000.0, "names no unit of length (xyzt_units), and no MRI has voxels of 2500 × 2500 × 5000 mm"),
        (UNKNOWN, 0.001, "0.0025 × 0.0025 × 0.005 mm"),
        (MICRON, 1.0, "names the micron (xyzt_units), and no MRI has voxels of 0.0025 × 0.0025 × 0.005 mm"),
        (METRE, 1.0, "names the metre"),
        (5, 1.0, "unknown unit of length"),
    ],
)
def test_a_size_that_no_unit_explains_is_refused(tmp_path: Path, unit: int, by: float, words: str) -> None:
    (refused,) = refusals(write(tmp_path / "t2.nii", image(), **scaled(by), unit=unit), tmp_path / "out")
    assert words in refused.reason


def test_a_written_file_says_mm(tmp_path: Path) -> None:
    volume = Volume(np.zeros((2, 3, 4)), np.diag([0.5, 0.5, 30.0, 1]))
    path = write_nifti(volume, tmp_path / "a.nii")
    assert nibabel.load(path).header.get_xyzt_units()[0] == "mm"
    assert read_nifti(path).spacing == (0.5, 0.5, 30)


# Two places


def moved(*, turn: float = 0.0, shift: float = 0.0, size: float = 1.0) -> np.ndarray:
    """The true place, turned about the axis of the body (degrees), shifted along it (mm), with longer voxels."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    matrix = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, shift], [0, 0, 0, 1]]) @ RAS
    matrix[:3, :3] *= size
    return matrix


FINE = np.diag([1 / 2.5, 1 / 2.5, 1 / 5, 1])


@pytest.mark.parametrize(
    ("sform", "words"),
    [
        (RAS @ FINE, "voxels of 1 × 1 × 1 mm by its sform and of 2.5 × 2.5 × 5 mm by its qform and corners up to"),
        (moved(shift=2.6), "corners up to 2.6 mm apart"),
        (moved(turn=8), "corners up to"),
        (moved(turn=180), "corners up to"),
        (RAS @ np.diag([-1, 1, 1, 1]), "corners up to"),
        (moved(size=1.02), "voxels of 2.55 × 2.55 × 5.1 mm by its sform and of 2.5 × 2.5 × 5 mm by its qform"),
    ],
    ids=["sizes", "shift", "turn", "upside down", "mirrored", "slightly larger"],
)
def test_a_header_with_two_places_is_refused(tmp_path: Path, sform: np.ndarray, words: str) -> None:
    path = write(tmp_path / "t2.nii", image(), sform=sform)
    (refused,) = refusals(path, tmp_path / "out")
    assert refused.reason.startswith("The NIfTI header says two things: ")
    assert words in refused.reason
    with pytest.raises(InputError, match="says two things"):
        read_mask(write(tmp_path / "mask", ball(), sform=sform))


@pytest.mark.parametrize("sform", [moved(shift=2.4), moved(turn=1), moved(size=1.005)])
def test_rounding_between_the_forms_is_none_of_it(tmp_path: Path, sform: np.ndarray) -> None:
    found = read_nifti(write(tmp_path / "t2.nii", image(), sform=sform))
    np.testing.assert_allclose(found.affine, np.diag([-1.0, -1, 1, 1]) @ sform, atol=1e-5)


def test_an_sform_is_held_against_the_voxel_sizes_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t2.nii", image(), qform=None, pixdim=[1, 1, 1, 1, 0, 0, 0, 0])
    with pytest.raises(InputError, match=r"of 2\.5 × 2\.5 × 5 mm by its sform and of 1 × 1 × 1 mm by its pixdim;"):
        read_nifti(path)


def test_an_sform_needs_no_other_voxel_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "t2.nii", image(), qform=None, pixdim=np.zeros(8))
    (taken,) = sort_files({"S01/t2.nii": path}, tmp_path / "out", key=KEY).series
    assert nibabel.load(taken.files[0]).header.get_zooms() == pytest.approx((2.5, 2.5, 5))


@pytest.mark.parametrize("sform", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_form_without_directions_is_refused(tmp_path: Path, sform: np.ndarray) -> None:
    with pytest.raises(InputError, match="no usable position"):
        read_nifti(write(tmp_path / "t2.nii", image(), srow_x=sform[0], srow_y=sform[1], srow_z=sform[2]))


# Sheared axes


def sheared(degrees: float) -> np.ndarray:
    """The true place with slices that move along the rows' axis."""
    matrix = RAS.copy()
    matrix[1, 2] = 5 * np.tan(np.radians(degrees))
    return matrix


@pytest.mark.parametrize("qform", [None, RAS])
@pytest.mark.parametrize(("degrees", "shown"), [(9.0, "81.0°"), (-9.0, "99.0°"), (0.6, "89.4°")])
def test_sheared_axes_are_refused(tmp_path: Path, qform: np.ndarray | None, degrees: float, shown: str) -> None:
    sform = sheared(degrees)
    pixdim = [1, *np.linalg.norm(sform[:3, :3], axis=0), 0, 0, 0, 0]
    path = write(tmp_path / "t2.nii", image(), sform=sform, qform=qform, pixdim=pixdim)
    (refused,) = refusals(path, tmp_path / "out")
    assert refused.reason.startswith(f"The axes of the image are not at right angles ({shown} between two of them): ")
    with pytest.raises(InputError, match="not at right angles"):
        read_mask(write(tmp_path / "mask", ball(), sform=sform, qform=qform, pixdim=pixdim))


def test_what_scanners_round_is_no_shear(tmp_path: Path) -> None:
    assert read_nifti(write(tmp_path / "t2.nii", image(), sform=sheared(0.4))).shape == SHAPE[::-1]


def test_slices_that_slide_against_each_other_are_no_volume_in_dicom_either(tmp_path: Path) -> None:
    for n, pixels in enumerate(files.pixels(4)):
        dataset = files.classic(n, pixels)
        dataset.ImagePositionPatient[1] += 0.5 * n
        files.save(dataset, tmp_path / "in" / f"{n}.dcm")
    named = {path.name: path for path in sorted((tmp_path / "in").iterdir())}
    (refused,) = sort_files(named, tmp_path / "out", key=KEY).refused
    assert "not at right angles" in refused.reason
