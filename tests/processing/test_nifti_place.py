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
from processing.nifti import read_nifti
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
RAS = np.array([[2.5, 0, 0, -30], [0, 2.5, 0, -25], [0, 0, 5, -10], [0, 0, 0, 1.0]])  # of the true place, mm
SHAPE = (24, 20, 6)  # columns, rows, slices
MM, UNKNOWN = 2, 0  # xyzt_units


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
