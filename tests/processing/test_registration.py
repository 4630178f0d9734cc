"""Planted movements are found again; SimpleITK's own resampling is the reference for directions and places."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from processing import registration
from processing.errors import InputError
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume


@pytest.fixture(scope="module")
def fixed() -> Volume:
    return acquire(make_subject(7, "lumbar"), protocol_for("sag-t2", region="lumbar", arm="SOC"), 1)


@pytest.fixture(scope="module")
def small(fixed) -> Volume:
    """Every other row and column: a quarter of the time."""
    return Volume(fixed.array[:, ::2, ::2], fixed.affine @ np.diag([2.0, 2.0, 1.0, 1.0]))


def moved(
    volume: Volume, angles: tuple[float, float, float], shift: tuple[float, float, float]
) -> tuple[Volume, np.ndarray]:
    """The volume as a patient would give it who moved; and the true matrix from `volume` to the result.

    Made by SimpleITK from a finer, isotropic grid, so that interpolation does not blur thick slices.
    """
    image = registration.itk_image(volume)
    centre = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
    there = sitk.Euler3DTransform(centre, *np.radians(angles).tolist(), list(shift))
    # A transform of Resample takes points of the result to points of the source.
    result = sitk.Resample(image, image, there.GetInverse(), sitk.sitkBSpline, 0.0, sitk.sitkFloat32)
    matrix = np.eye(4)
    turn = np.array(there.GetMatrix()).reshape(3, 3)
    matrix[:3, :3] = turn
    matrix[:3, 3] = np.array(centre) + np.array(shift) - turn @ np.array(centre)
    array = np.clip(sitk.GetArrayFromImage(result), 0, None)
    noise = np.random.default_rng(5).normal(0, 0.02 * array.max(), array.shape)
    return Volume(array + noise.astype(np.float32), volume.affine), matrix


def farthest(volume: Volume, a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    """The largest distance in mm between where two matrices put points of the patient."""
    slices, rows, columns = np.nonzero(mask)
    points = volume.affine @ np.stack([columns, rows, slices, np.ones_like(rows)])
    return float(np.linalg.norm((a @ points - b @ points)[:3], axis=0).max())


@pytest.mark.parametrize(
    ("angles", "shift"),
    [((0, 0, 0), (0, 3, -4)), ((2, -1.5, 1), (1.5, -2, 3)), ((0, 0, 0), (0, 0, 0))],
)
def test_a_planted_movement_is_found(request, angles, shift):
    volume = request.getfixturevalue("fixed" if any(angles) else "small")
    moving, truth = moved(volume, angles, shift)
    found = registration.register(volume, moving)
    assert found.used, found.reason
    inner = registration.foreground(volume.array)
    assert farthest(volume, found.matrix, truth, inner) < 0.5
    assert found.rotation == pytest.approx(np.degrees(np.arccos((np.trace(truth[:3, :3]) - 1) / 2)), abs=0.3)


def test_the_direction_is_from_the_fixed_to_the_moving_volume(small):
    moving, _ = moved(small, (0, 0, 0), (0, 6, 0))
    found = registration.register(small, moving)
    assert found.translation == pytest.approx((0, 6, 0), abs=0.3)
    placed, inside = registration.apply(found.matrix, moving, like=small)
    region = registration.foreground(small.array) & inside
    before = np.abs(moving.array - small.array)[region].mean()
    assert np.abs(placed.array - small.array)[region].mean() < 0.5 * before
    assert found.after["nmi"] > found.before["nmi"]
    assert found.after["correlation"] > found.before["correlation"]
    assert 0.8 < found.overlap <= 1


def test_another_matrix_and_an_oblique_grid_change_nothing(small):
    moving, truth = moved(small, (1, 0, 0), (0, 2, 1))
    image = registration.itk_image(moving)
    grid = sitk.Image([200, 180, 15], sitk.sitkFloat32)
    turn = sitk.Euler3DTransform([0, 0, 0], 0.05, 0.03, 0.04, [0, 0, 0])
    direction = np.array(turn.GetMatrix()).reshape(3, 3) @ np.array(image.GetDirection()).reshape(3, 3)
    spacing = [1.4, 1.5, 4.0]
    centre = np.array(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()]))
    origin = centre - direction @ (np.array(spacing) * (np.array([200, 180, 15]) - 1) / 2)
    grid.SetSpacing(spacing)
    grid.SetOrigin(origin.tolist())
    grid.SetDirection(direction.ravel().tolist())
    array = sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction * spacing, origin
    found = registration.register(small, Volume(array, affine))
    assert found.used, found.reason
    assert farthest(small, found.matrix, truth, registration.foreground(small.array)) < 1.5


def test_the_same_volumes_give_the_same_matrix(small):
    moving, _ = moved(small, (1, 0, 0), (0, 2, 1))
    one, other = (registration.register(small, moving).matrix for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.reference("registration", "SimpleITK", package="SimpleITK")
def test_apply_agrees_with_simpleitk_and_says_what_lay_outside(fixed):
    matrix = np.eye(4)
    matrix[:3, 3] = (0, 10, 0)
    placed, inside = registration.apply(matrix, fixed, like=fixed)
    shift = sitk.TranslationTransform(3, [0.0, 10.0, 0.0])
    image = registration.itk_image(fixed)
    expected = sitk.GetArrayFromImage(sitk.Resample(image, image, shift, sitk.sitkLinear, 0.0))
    np.testing.assert_allclose(placed.array, expected, atol=1e-3)
    assert 0.9 < inside.mean() < 1


def test_series_of_different_places_are_refused_with_the_reason(small):
    far = Volume(small.array, small.affine + np.array([[0, 0, 0, 0], [0, 0, 0, 400], [0, 0, 0, 0], [0, 0, 0, 0]]))
    found = registration.register(small, far)
    assert not found.used
    assert "share only" in found.reason
    np.testing.assert_array_equal(found.matrix, np.eye(4))


def test_noise_is_not_aligned(small):
    noise = np.random.default_rng(1).normal(100, 10, small.shape).astype(np.float32)
    found = registration.register(small, Volume(noise, small.affine))
    assert np.linalg.norm(found.translation) < 50
    assert found.reason or found.after["nmi"] < 1.05


def with_noise(volume: Volume, seed: int, share: float = 0.1) -> Volume:
    rng = np.random.default_rng(seed)
    real, imaginary = rng.normal(0, share * np.percentile(volume.array, 99.9), (2, *volume.shape))
    return volume.with_array(np.hypot(volume.array + real, imaginary))


def test_noise_moves_nothing_that_did_not_move(small, monkeypatch):
    """Any interpolation smooths noise, and so gains mutual information: no reason to move FAST that was made of SOC."""
    noisy = with_noise(small, 1), with_noise(small, 2)
    np.testing.assert_array_equal(registration.register(*noisy).matrix, np.eye(4))
    monkeypatch.setattr(registration, "_nothing_better", lambda matrix, nmi, *images: False)
    assert np.abs(registration.register(*noisy).matrix - np.eye(4)).max() > 0.01


def test_half_a_millimetre_is_found_through_noise(small):
    there = small.affine.copy()
    there[:3, 3] += (0.0, 0.4, 0.3)
    found = registration.register(with_noise(small, 1, 0.05), with_noise(Volume(small.array, there), 2, 0.05))
    assert found.translation[1:] == pytest.approx((0.4, 0.3), abs=0.15)


def test_what_cannot_be_registered_is_said(fixed):
    thin = Volume(fixed.array[:1], fixed.affine)
    with pytest.raises(InputError, match="at least 3 slices"):
        registration.register(thin, fixed)
    with pytest.raises(InputError, match="same value everywhere"):
        registration.register(fixed, fixed.with_array(np.ones(fixed.shape, np.float32)))
