"""Measures of a volume of interest: the box that is compared gives the values of the whole; padding stays outside."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from processing.errors import InputError
from processing.metrics.in_volume import alone, beside
from processing.metrics.quality import compare
from processing.volume import Volume

AFFINE = np.diag([0.8, 0.8, 4.0, 1.0])
AFFINE[:3, 3] = (-30, 12, 5)


@pytest.fixture(scope="module")
def arms() -> tuple[Volume, Volume, np.ndarray]:
    """A reference whose brightest place lies far from the volume, a noisier arm, and an ellipsoid."""
    random = np.random.default_rng(4)
    k, j, i = np.indices((6, 70, 60)).astype(float)
    array = 300 + 100 * np.sin(i / 6) * np.cos(j / 7) + 5 * k
    array[5, 60:, 50:] = 1500
    inside = ((k - 2) / 2) ** 2 + ((j - 20) / 6) ** 2 + ((i - 14) / 5) ** 2 <= 1
    return Volume(array, AFFINE), Volume(array + random.normal(0, 25, array.shape), AFFINE), inside


def test_the_box_has_the_values_of_the_whole_volume(arms):
    reference, test, inside = arms
    found, whole = beside(reference, test, inside), compare(reference, test, voi=inside)
    assert found.data_range == 1500
    for name in ("psnr", "ssim", "l1"):
        assert found.values[name] == pytest.approx(whole.voi[name], rel=1e-6), name
    maps = [
        structural_similarity(
            a, b, data_range=1500, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )[1]
        for a, b in zip(reference.array.astype(float), test.array.astype(float), strict=True)
    ]
    assert found.values["ssim"] == pytest.approx(np.stack(maps)[inside].mean(), abs=1e-5)
    part = np.abs(test.array - reference.array)[inside] / reference.array[inside]
    assert found.values["percent_difference"] == pytest.approx(100 * part.mean(), rel=1e-5)


def test_an_arm_alone_is_described_by_its_voxels(arms):
    _, test, inside = arms
    voxels = test.array[inside].astype(float)
    found = alone(test, inside).values
    assert found["mean"] == pytest.approx(voxels.mean())
    assert found["cv"] == pytest.approx(voxels.std(ddof=1) / voxels.mean())


def test_entropy_does_not_change_with_the_unit_and_one_value_has_none(arms):
    _, test, inside = arms
    whole = alone(test, inside).values["entropy"]
    assert whole > 4
    assert alone(test.with_array(test.array / 1024), inside).values["entropy"] == whole
    even = alone(test.with_array(np.full_like(test.array, 7)), inside)
    assert (even.values["entropy"], even.reasons) == (None, {"entropy": "all voxels have one value"})


def test_what_holds_no_intensity_or_was_not_reached_is_outside(arms):
    reference, test, inside = arms
    padding = np.zeros(inside.shape, bool)
    padding[:, :, :14] = True
    padded = Volume(np.where(padding, 0, test.array), AFFINE, padding=padding)
    assert alone(padded, inside).values == alone(test, inside & ~padding).values
    reference = Volume(np.maximum(reference.array, 1), AFFINE)
    there = inside & ~padding
    found = beside(reference, padded, inside).values
    assert found["l1"] == pytest.approx(np.abs(test.array - reference.array)[there].mean(), rel=1e-5)
    assert found["percent_difference"] == pytest.approx(
        100 * (np.abs(test.array - reference.array)[there] / reference.array[there]).mean(), rel=1e-5
    )
    turned = beside(Volume(reference.array, AFFINE, padding=padding), test, inside).values
    assert turned == pytest.approx(found)
    reached = ~padding
    within = beside(reference, test, inside, within=reached).values
    assert within["l1"] == pytest.approx(np.abs(test.array - reference.array)[inside & reached].mean(), rel=1e-5)
    assert within["percent_difference"] != beside(reference, test, inside).values["percent_difference"]


def test_what_is_undefined_has_a_reason_and_another_grid_is_refused(arms):
    reference, test, inside = arms
    nothing = np.zeros_like(inside)
    assert set(beside(reference, test, nothing).reasons.values()) == {"the volume of interest is empty"}
    assert set(alone(test, nothing).reasons) == {"mean", "cv", "entropy"}
    flat = Volume(np.zeros(inside.shape), AFFINE)
    assert alone(flat, inside).reasons == {"cv": "the mean is zero", "entropy": "all voxels have one value"}
    assert set(beside(flat, test, inside).reasons.values()) == {"the reference has no positive value"}
    bright = flat.array.copy()
    bright[5, -1, -1] = 9
    found = beside(Volume(bright, AFFINE), test, inside)
    assert found.reasons["percent_difference"] == "no voxel with a positive reference"
    with pytest.raises(InputError, match="has shape"):
        alone(test, inside[:, :5])


def test_the_comparison_of_two_series_says_the_same_entropy(arms):
    reference, test, inside = arms
    found = compare(reference, test, voi=inside)
    assert found.voi["entropy_test"] == alone(test, inside).values["entropy"]
    smaller = compare(reference.with_array(reference.array / 1024), test.with_array(test.array / 1024), voi=inside)
    assert smaller.voi["entropy_test"] == found.voi["entropy_test"]
    even = compare(reference, test.with_array(np.full_like(test.array, 7)), voi=inside)
    assert (even.voi["entropy_test"], even.reasons["voi.entropy_test"]) == (None, "all voxels have one value")
