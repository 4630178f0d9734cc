"""dcm2niix as a second opinion: the same value at the same place of the patient, whatever the geometry."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest

from processing.series import read
from processing.volume import Volume
from tests.processing.dicom_files import enhanced, pixels, save, series

pytestmark = pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
HALF = float(np.sqrt(0.5))


def converted(folder: Path, out: Path) -> list[nibabel.Nifti1Image]:
    out.mkdir()
    command = ["dcm2niix", "-z", "n", "-b", "n", "-m", "y", "-p", "n", "-o", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return [nibabel.load(path) for path in sorted(out.glob("*.nii"))]


def disagreement(volume: Volume, image: nibabel.Nifti1Image, *, tolerance: float = 0.02) -> str:
    """Where the two differ, in words; "" if nowhere. Compares voxels by their place in the patient; in voxels."""
    other = np.asarray(image.dataobj, np.float64)
    if sorted(other.shape) != sorted(volume.shape):
        return f"shapes {other.shape} and {volume.shape}"
    rng = np.random.default_rng(0)
    indices = np.array([rng.integers(0, size, 400) for size in volume.shape[::-1]] + [np.ones(400, int)])
    there = np.linalg.inv(LPS_FROM_RAS @ image.affine) @ volume.affine @ indices
    nearest = np.round(there[:3]).astype(int)
    off = float(np.abs(there[:3] - nearest).max())
    if off > tolerance:
        return f"voxels lie {off:.3f} of a voxel apart"
    if (nearest < 0).any() or (nearest >= np.array(other.shape)[:, None]).any():
        return "voxels lie outside"
    i, j, k = indices[:3]
    ours, theirs = volume.array[k, j, i], other[tuple(nearest)]
    return "" if np.allclose(ours, theirs, rtol=1e-4, atol=0.5) else "values differ"


PLANES = {
    "axial": [1, 0, 0, 0, 1, 0],
    "sagittal": [0, 1, 0, 0, 0, -1],
    "coronal": [1, 0, 0, 0, 0, -1],
    "feet first": [-1, 0, 0, 0, 1, 0],
    "oblique": [HALF, HALF, 0, -HALF * HALF, HALF * HALF, -HALF],
}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("plane", PLANES)
def test_a_classic_series_lies_where_dcm2niix_puts_it(plane: str, order: int, tmp_path: Path) -> None:
    orientation = np.array(PLANES[plane], float)
    normal = np.cross(orientation[:3], orientation[3:]) * order
    images = pixels(6)
    for n, image in enumerate(images):
        place = [float(value) for value in 3.5 * n * normal + (-20, 30, 10)]
        series(
            tmp_path / "in" / str(n),
            image[None],
            ImagePositionPatient=place,
            ImageOrientationPatient=PLANES[plane],
            InstanceNumber=n + 1,
            SOPInstanceUID=f"1.2.3.{n + 1}",
            SliceThickness=3.5,
            SpacingBetweenSlices=3.5,
        )
    (image,) = converted(tmp_path / "in", tmp_path / "out")
    assert disagreement(read(tmp_path / "in"), image) == ""


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    series(tmp_path / "in", pixels(6))
    (image,) = converted(tmp_path / "in", tmp_path / "out")
    volume = read(tmp_path / "in")
    assert disagreement(volume, image) == ""
    for axis in range(3):
        assert disagreement(volume.with_array(np.flip(volume.array, axis).copy()), image) == "values differ"
    moved = volume.affine.copy()
    moved[0, 3] += 0.3 * volume.spacing[0]
    assert "apart" in disagreement(Volume(volume.array, moved), image)


def test_an_enhanced_file_lies_where_dcm2niix_puts_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    dataset = enhanced(pixels(6))
    # Where thickness and positions disagree, dcm2niix believes the thickness.
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness = 3.0
    save(dataset, tmp_path / "in" / "enhanced.dcm")
    (image,) = converted(tmp_path / "in", tmp_path / "out")
    assert disagreement(read(tmp_path / "in"), image) == ""


REAL = (
    "ge_signa_fse_pd_oblique",
    "philips_elition_201_T1W_TSE_Sno_CSno_CSAIno",
    "philips_elition_501_T1W_FFE_Sno_CS4",
    "siemens_prisma_sag_t1_HFS",
    "siemens_xa30_enhanced_t1",
    "toshiba_titan_abdomen_ax_t2",
    "toshiba_titan_abdomen_adc",
)


@pytest.mark.parametrize("name", REAL)
def test_real_series_lie_where_dcm2niix_puts_them(name: str, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "dicom" / name
    volume = read(folder)
    # Old GE rounds positions to 0.1 mm, and dcm2niix takes the distance of the first two slices for all.
    found = [
        disagreement(volume, image, tolerance=0.25 if name.startswith("ge") else 0.02)
        for image in converted(folder, tmp_path / "out")
    ]
    assert "" in found, found
