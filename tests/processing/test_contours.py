"""Structure sets: contours become the voxels that the rule says, or are refused in words."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from skimage.draw import polygon2mask

from processing.dicom.contours import STRUCTURE_SET
from processing.errors import InputError
from processing.masks import read_mask

SHAPE = (7, 40, 50)
# Oblique, and mirrored: columns run to the left, the next slice lies nearer to the feet.
TURN = np.array([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
AFFINE = np.eye(4)
AFFINE[:3, :3] = TURN * (0.9, 1.1, -3.0)
AFFINE[:3, 3] = (-20.0, 11.0, 45.0)


def placed(i, j, k, affine=AFFINE) -> np.ndarray:
    """LPS points of voxel indices."""
    index = np.stack(np.broadcast_arrays(i, j, k), axis=-1).astype(float)
    return index @ affine[:3, :3].T + affine[:3, 3]


def square(first: float, last: float, k: float) -> np.ndarray:
    return placed(np.array([first, last, last, first]), np.array([first, first, last, last]), k)


def structure_set(path: Path, structures: dict[str, list[np.ndarray]], *, kind: str = "CLOSED_PLANAR") -> Path:
    """An RT structure set of contours (points in LPS, mm) by name."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = STRUCTURE_SET, "1.2.3", "RTSTRUCT"
    data.PatientID, data.FrameOfReferenceUID = "Erika", "1.2.9"
    data.StructureSetROISequence, data.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(structures.items(), 1):
        one, drawn = Dataset(), Dataset()
        one.ROINumber, one.ROIName, one.ReferencedFrameOfReferenceUID = number, name, "1.2.9"
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [f"{value:.6f}" for value in points.ravel()]
            drawn.ContourSequence.append(contour)
        data.StructureSetROISequence.append(one)
        data.ROIContourSequence.append(drawn)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = STRUCTURE_SET, "1.2.3"
    data.save_as(path, enforce_file_format=True)
    return path


def read(path: Path, structures: dict[str, list[np.ndarray]], **kind):
    return read_mask(structure_set(path / "rt.dcm", structures, **kind), (SHAPE, AFFINE))


def test_contours_of_a_ball_hold_the_voxels_whose_centres_lie_in_it(tmp_path: Path) -> None:
    angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    radii = {k: np.sqrt(64 - ((k - 3) * 3) ** 2) for k in range(1, 6)}
    rings = [placed(24.3 + r / 0.9 * np.cos(angle), 19.6 + r / 1.1 * np.sin(angle), k) for k, r in radii.items()]
    (mask,) = read(tmp_path, {"L4": rings})
    k, j, i = np.indices(SHAPE)
    ball = ((i - 24.3) * 0.9) ** 2 + ((j - 19.6) * 1.1) ** 2 + ((k - 3) * 3.0) ** 2 < 64
    assert (mask.name, mask.label) == ("L4", 1)
    np.testing.assert_array_equal(mask.array, ball)
    np.testing.assert_array_equal(mask.affine, AFFINE)


@pytest.mark.reference("contours", "scikit-image", package="scikit-image")
def test_a_random_outline_is_filled_as_scikit_image_fills_it(tmp_path: Path) -> None:
    corners = np.random.default_rng(4).uniform(3, 37, (60, 2))  # crosses itself many times: even-odd
    (mask,) = read(tmp_path, {"x": [placed(corners[:, 0], corners[:, 1], 2)]})
    np.testing.assert_array_equal(mask.array[2], polygon2mask(SHAPE[1:], corners[:, ::-1]))
    assert 100 < mask.voxels == mask.array[2].sum()


def test_a_contour_within_another_is_a_hole_and_neighbours_share_no_voxel(tmp_path: Path) -> None:
    ring, left, right = read(
        tmp_path,
        {
            "ring": [square(5.5, 20.5, 1), square(9.5, 12.5, 1)],
            # Borders through voxel centres: each centre belongs to one of both.
            "left": [placed(np.array([2, 8, 8, 2]), np.array([2, 2, 6, 6]), 4)],
            "right": [placed(np.array([8, 14, 14, 8]), np.array([2, 2, 6, 6]), 4)],
        },
    )
    assert ring.voxels == 15 * 15 - 3 * 3
    assert not ring.array[1, 10:13, 10:13].any()
    assert (left.voxels, right.voxels) == (6 * 4, 6 * 4)
    assert not (left.array & right.array).any()
    assert left.array[4, 2:6, 2:8].all()


def test_a_channel_to_a_hole_cancels_out(tmp_path: Path) -> None:
    i = np.array([5.5, 20.5, 20.5, 5.5, 5.5, 9.5, 9.5, 12.5, 12.5, 9.5, 5.5])
    j = np.array([5.5, 5.5, 20.5, 20.5, 11.3, 11.3, 12.5, 12.5, 9.5, 9.5, 11.3 - 1e-9])
    j[-2] = 11.3  # the hole's last corner is where the channel came in
    i, j = np.insert(i, 10, 9.5), np.insert(j, 9, 9.5)
    (mask,) = read(tmp_path, {"x": [placed(i, j, 0)]})
    assert mask.voxels == 15 * 15 - 3 * 3


def test_a_contour_counts_for_the_nearest_slice_and_markers_for_none(tmp_path: Path) -> None:
    (mask,) = read(tmp_path, {"x": [square(3.5, 9.5, 2.4), square(3.5, 9.5, 2.6)]})
    assert mask.array.any(axis=(1, 2)).nonzero()[0].tolist() == [2, 3]
    with pytest.raises(InputError, match="empty"):
        read(tmp_path, {"isocentre": [placed(3, 3, 3)[None]]}, kind="POINT")


@pytest.mark.parametrize(
    ("contours", "kind", "said"),
    [
        ([square(3.5, 9.5, 2.0)], "OPEN_PLANAR", "not closed"),
        ([placed(np.array([3, 9, 6]), np.array([3, 3, 9]), np.array([2, 2.2, 2]))], "CLOSED_PLANAR", "not parallel"),
        ([square(3.5, 9.5, 7.2)], "CLOSED_PLANAR", "outside the series"),
        ([square(3.5, 55.5, 2.0)], "CLOSED_PLANAR", "outside the series"),
        ([square(3.5, 9.5, 2.0), square(3.5, 9.5, 2.3)], "CLOSED_PLANAR", "several planes"),
        ([square(3.5, 9.5, 1.3), square(3.5, 9.5, 3.3)], "CLOSED_PLANAR", "further apart"),
        ([square(3.5, 9.5, 0.0), square(3.5, 9.5, 2.0), square(3.5, 9.5, 4.0)], "CLOSED_PLANAR", "one slice in 2"),
        ([np.full((4, 3), np.nan)], "CLOSED_PLANAR", "does not say where"),
        ([np.array([[1.0, 2.0]])], "CLOSED_PLANAR", "does not say where"),
    ],
)
def test_contours_that_do_not_lie_on_the_slices_are_refused(tmp_path: Path, contours, kind: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, {"x": contours}, kind=kind)


@pytest.mark.parametrize(
    "structures",
    [
        {"far": [0, 5]},
        {"far": [0, 2, 5]},
        {"far": [1, 3, 5], "near": [2, 3]},
        {"one": [0], "two": [2], "three": [4]},
    ],
)
def test_a_structure_on_slices_that_are_no_neighbours_is_read_on_them(tmp_path: Path, structures) -> None:
    masks = read(tmp_path, {name: [square(3.5, 9.5, k) for k in on] for name, on in structures.items()})
    assert {one.name: one.array.any(axis=(1, 2)).nonzero()[0].tolist() for one in masks} == structures


@pytest.mark.parametrize(("other", "said"), [([0.4, 3.4, 6.4], "further apart"), ([0, 3], "one slice in 3"), ([3], "")])
def test_gaps_are_judged_over_all_structures_of_a_file(tmp_path: Path, other, said: str) -> None:
    structures = {"x": [square(3.5, 9.5, k) for k in other], "y": [square(12.5, 19.5, k) for k in (3, 6)]}
    if said == "further apart":
        structures["y"].append(square(12.5, 19.5, 5))  # drawn on these slices; the other one was not
    with pytest.raises(InputError, match=said) if said else nullcontext():
        assert len(read(tmp_path, structures)) == 2


def test_without_a_series_contours_are_no_voxels_and_half_a_file_is_refused(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rt.dcm", {"x": [square(3.5, 9.5, 2.0)]})
    with pytest.raises(InputError, match="name the series"):
        read_mask(path)
    path.write_bytes(path.read_bytes()[:-90])
    with pytest.raises(InputError):
        read_mask(path, (SHAPE, AFFINE))
