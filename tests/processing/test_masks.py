"""Masks: what is read, where it lands on another grid, and which names may leave."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from processing.dicom.segmentation import SEGMENTATION
from processing.errors import InputError
from processing.masks import Mask, anatomical_name, carry, read_mask, write_mask
from processing.radiomics.images import itk_mask

AFFINE = np.array([[0.0, 0.0, 4.0, -12.0], [0.9, 0.0, 0.0, 5.0], [0.0, -0.9, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])


def ball(shape: tuple[int, int, int] = (8, 24, 20)) -> np.ndarray:
    z, y, x = np.mgrid[tuple(slice(size) for size in shape)].astype(float)
    return ((z - 4) / 2.4) ** 2 + ((y - 11) / 6) ** 2 + ((x - 9) / 5) ** 2 <= 1


def test_a_nifti_mask_has_one_volume_per_label_in_patient_coordinates(tmp_path: Path) -> None:
    labels = np.zeros((20, 24, 8), np.int16)
    labels[3:6, 4:9, 2] = 1
    labels[10, 10, 5] = 7
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([-1.0, -1, 1, 1]) @ AFFINE), tmp_path / "labels.nii.gz")
    found = read_mask(tmp_path / "labels.nii.gz")
    assert [(mask.label, mask.voxels, mask.name) for mask in found] == [(1, 15, ""), (7, 1, "")]
    assert found[1].array[5, 10, 10]
    np.testing.assert_allclose(found[0].affine, AFFINE, atol=1e-5)
    assert found[0].millilitres == pytest.approx(15 * 0.9 * 0.9 * 4 / 1000, rel=1e-5)


def test_a_nrrd_of_slicer_keeps_segment_names_and_overlapping_layers(tmp_path: Path) -> None:
    first, second = np.zeros((2, 4, 5, 6), np.uint8)
    first[1:3, 1:3, 1:4], first[3, 3, 3], second[1, 1, :3] = 1, 2, 1
    image = SimpleITK.Compose(*map(SimpleITK.GetImageFromArray, (first, second)))
    for number, (name, value, layer) in enumerate([("L4", 1, 0), ("Disc", 2, 0), ("Canal", 1, 1)]):
        for key, text in (("Name", name), ("LabelValue", value), ("Layer", layer)):
            image.SetMetaData(f"Segment{number}_{key}", str(text))
    path = tmp_path / "drawn.seg.nrrd"
    SimpleITK.WriteImage(image, str(path))
    sealed = path.rename(tmp_path / "0a1b2c")  # the kind is told by the content
    assert [(mask.name, mask.label, mask.voxels) for mask in read_mask(sealed)] == [
        ("L4", 1, 12), ("Disc", 2, 1), ("Canal", 1, 3),
    ]  # fmt: skip


def test_a_nrrd_that_points_to_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.raw").write_bytes(b"\1" * 120)
    path = tmp_path / "mask.nrrd"
    path.write_text("NRRD0004\ntype: uchar\ndimension: 3\nsizes: 6 5 4\nencoding: raw\ndata file: secret.raw\n")
    with pytest.raises(InputError, match="another file"):
        read_mask(path)


@pytest.mark.parametrize("content", [b"", b"no mask at all", b"NRRD0004\ntype: uchar\n\n", b"\0" * 128 + b"DICM"])
def test_what_is_no_mask_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mask").write_bytes(content)
    with pytest.raises(InputError):
        read_mask(tmp_path / "mask")


@pytest.mark.parametrize("array", [np.zeros((3, 4, 5)), np.full((3, 4, 5), 0.5), np.arange(3000.0).reshape(30, 10, 10)])
def test_an_empty_file_or_an_image_is_no_mask(tmp_path: Path, array: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(array.astype(np.float32), np.eye(4)), tmp_path / "mask.nii")
    with pytest.raises(InputError):
        read_mask(tmp_path / "mask.nii")


def segmentation(path: Path, frames: list[tuple[int, float, np.ndarray]], *, kind: str = "BINARY") -> Path:
    """A DICOM segmentation: (segment, z in mm, values) per frame, sagittal planes 4 mm thick."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = SEGMENTATION, "1.2.3"
    data.Modality, data.SegmentationType, data.MaximumFractionalValue = "SEG", kind, 200
    data.Rows, data.Columns = frames[0][2].shape
    data.NumberOfFrames, data.SamplesPerPixel, data.PhotometricInterpretation = len(frames), 1, "MONOCHROME2"
    bits = 8 if kind == "FRACTIONAL" else 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits, bits - 1, 0
    stack = np.stack([values for _, _, values in frames]).astype(np.uint8)
    content = stack.tobytes() if bits == 8 else np.packbits(stack.ravel(), bitorder="little").tobytes()
    data.PixelData = content + b"\0" * (len(content) % 2)
    data.SegmentSequence = []
    for number in sorted({number for number, _, _ in frames}):
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel = number, f"Segment {number}"
        data.SegmentSequence.append(segment)
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.75], 4
    plane.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [plane]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = []
    for number, x, _ in frames:
        group, identification, position = Dataset(), Dataset(), Dataset()
        identification.ReferencedSegmentNumber = number
        position.ImagePositionPatient = [x, 10, 20]
        group.SegmentIdentificationSequence, group.PlanePositionSequence = [identification], [position]
        data.PerFrameFunctionalGroupsSequence.append(group)
    data.file_meta = Dataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = SEGMENTATION, "1.2.3"
    data.save_as(path, enforce_file_format=True)
    return path


def test_segments_of_a_dicom_segmentation_lie_where_their_planes_lie(tmp_path: Path) -> None:
    one, two = np.zeros((2, 5, 7), np.uint8)
    one[1:3, 2:5], two[4, 6] = 1, 1
    # Unordered, places without a frame between them, and a number of bits that fills no whole bytes.
    path = segmentation(tmp_path / "seg.dcm", [(1, -8.0, one), (2, 12.0, two), (1, -16.0, one), (1, -12.0, one)])
    first, second = read_mask(path)
    assert (first.name, first.label, first.voxels) == ("Segment 1", 1, 18)
    assert (second.name, second.label, second.voxels) == ("Segment 2", 2, 1)
    point = second.affine @ [*np.argwhere(second.array)[0][::-1], 1]
    np.testing.assert_allclose(point[:3], [12.0, 10 + 6 * 0.75, 20 - 4 * 0.5])
    corners = {tuple((first.affine @ [2, 1, k, 1])[:3].round(6)) for k in np.unique(np.nonzero(first.array)[0])}
    assert corners == {(x, 11.5, 19.5) for x in (-16.0, -12.0, -8.0)}
    assert first.millilitres == pytest.approx(18 * 0.5 * 0.75 * 4 / 1000)


def test_planes_may_be_as_uneven_as_those_of_images_and_background_is_no_segment(tmp_path: Path) -> None:
    one = np.ones((5, 7), np.uint8)
    places = [-8.0, -3.96, 0.03, 12.08]  # positions that an old scanner rounded, and a slice without a segment
    path = segmentation(tmp_path / "seg.dcm", [(1, x, one) for x in places])
    (mask,) = read_mask(path)
    assert mask.array.any(axis=(1, 2)).nonzero()[0].tolist() == [0, 3, 4, 5]  # from the left
    np.testing.assert_allclose((mask.affine @ [0, 0, 5, 1])[0], -8.0, atol=0.1)
    with pytest.raises(InputError, match="not equally spaced"):
        read_mask(segmentation(tmp_path / "seg.dcm", [(1, x, one) for x in (-8.0, -4.0, 1.0)]))
    data = dcmread(segmentation(tmp_path / "map.dcm", [(0, 0.0, one), (1, 4.0, one)], kind="FRACTIONAL"))
    data.SegmentationType = "LABELMAP"
    data.save_as(tmp_path / "map.dcm")
    assert [mask.label for mask in read_mask(tmp_path / "map.dcm")] == [1]


def test_a_fractional_segment_counts_from_half_of_its_largest_value(tmp_path: Path) -> None:
    values = np.array([[0, 99, 100], [200, 101, 1]], np.uint8)
    path = segmentation(tmp_path / "seg.dcm", [(1, 0.0, values), (1, 4.0, values * 0)], kind="FRACTIONAL")
    assert np.argwhere(read_mask(path)[0].array.any(axis=0)).tolist() == [[0, 2], [1, 0], [1, 1]]


def test_a_dicom_image_is_no_mask(tmp_path: Path) -> None:
    data = dcmread(segmentation(tmp_path / "seg.dcm", [(1, 0.0, np.ones((3, 3)))]))
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.save_as(tmp_path / "image.dcm")
    with pytest.raises(InputError, match="an image, no segmentation"):
        read_mask(tmp_path / "image.dcm")


def test_the_segmentation_of_the_ibsi_phantom(real_data: Path) -> None:
    folder = real_data / "radiomics/ibsi_1_digital_phantom"
    (dicom,) = read_mask(folder / "dicom_deprecated/mask/mask.deprecated")
    (nifti,) = read_mask(folder / "nifti/mask/mask.nii.gz")
    assert dicom.voxels == nifti.voxels == 74  # as the IBSI manual counts


def test_the_same_grid_changes_nothing() -> None:
    mask = Mask("", 1, ball(), AFFINE)
    done = carry(mask, mask.array.shape, AFFINE + 1e-9)
    assert (done.mask.array == mask.array).all()
    assert (done.outside, done.voxels) == (0, done.voxels_before)


@pytest.mark.parametrize("turn", [0.0, 0.2])
def test_another_grid_gets_the_nearest_voxel_as_simpleitk_has_it(turn: float) -> None:
    mask = Mask("", 1, ball(), AFFINE)
    matrix = np.eye(4)
    matrix[:3, 3] = [1.37, -2.11, 0.93]
    matrix[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    centre = (AFFINE @ [9, 11, 4, 1])[:3]
    matrix[:3, 3] += centre - matrix[:3, :3] @ centre
    shape, grid = (11, 30, 28), AFFINE @ np.diag([0.71, 0.83, 0.77, 1.0])
    done = carry(mask, shape, grid, matrix=matrix)
    transform = SimpleITK.AffineTransform(3)  # of ITK: from the receiving to the given image
    back = np.linalg.inv(matrix)
    transform.SetMatrix(back[:3, :3].ravel().tolist())
    transform.SetTranslation(back[:3, 3].tolist())
    target = itk_mask(np.zeros(shape, bool), grid)
    expected = SimpleITK.Resample(itk_mask(mask.array, AFFINE), target, transform, SimpleITK.sitkNearestNeighbor)
    np.testing.assert_array_equal(done.mask.array, SimpleITK.GetArrayFromImage(expected).astype(bool))
    assert done.millilitres == pytest.approx(done.millilitres_before, rel=0.1)


def test_the_share_outside_is_told_and_a_mask_wholly_outside_is_refused() -> None:
    mask = Mask("", 1, np.ones((4, 6, 8), bool), np.eye(4))
    half = np.eye(4)
    half[0, 3] = 4
    assert carry(mask, (4, 6, 8), half).outside == pytest.approx(0.5)
    half[0, 3] = 400
    with pytest.raises(InputError, match="lies on this series"):
        carry(mask, (4, 6, 8), half)


def test_a_kept_mask_says_nothing_but_its_place(tmp_path: Path) -> None:
    mask = Mask("Erika Mustermann", 3, ball(), AFFINE)
    paths = [write_mask(mask, tmp_path / name) for name in ("a.nii.gz", "b.nii.gz")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    (again,) = read_mask(paths[0])
    assert (again.array == mask.array).all()
    assert (again.name, again.label) == ("", 1)
    np.testing.assert_allclose(again.affine, AFFINE, atol=1e-5)
    header = nibabel.load(paths[0]).header
    assert not header.extensions
    assert not bytes(header["descrip"]).strip(b"\0")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("L4", "L4"),
        ("Vertebral body L4", "Vertebral body L4"),
        ("Disc L4/L5", "Disc L4/L5"),
        ("lesion 2", "lesion 2"),
        ("Mustermann", ""),
        ("L4 Erika", ""),
        ("", ""),
        ("Müller", ""),
        ("12345678", ""),
        ("Segment_1", "Segment_1"),
    ],
)
def test_only_anatomical_names_are_kept(text: str, kept: str) -> None:
    assert anatomical_name(text) == kept
