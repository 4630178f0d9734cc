"""Simulated noise against SciPy's Rice distribution; estimated noise against what was put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, stats

from processing.noise import add_complex_noise, estimate_noise
from processing.simulate.phantom import acquire, make_subject, protocol_for


def anatomy(rng: np.random.Generator, background: float = 0.0) -> np.ndarray:
    """Six slices of a textured disc in air, intensities about 0 to 1000."""
    rows, columns = np.mgrid[-1:1:160j, -1:1:150j]
    disc = np.hypot(rows, columns) < 0.7
    slices = []
    for _ in range(6):
        waves = sum(np.sin(rng.uniform(5, 40) * rows + rng.uniform(5, 40) * columns) for _ in range(8))
        slices.append(np.where(disc, 600 + 40 * waves, background))
    return np.stack(slices).astype(np.float32)


@pytest.mark.parametrize("signal", [0.0, 15.0, 200.0])
def test_simulated_noise_follows_the_rice_distribution(signal: float) -> None:
    noisy, truth = add_complex_noise(np.full((300, 300), signal), 10.0, np.random.default_rng(1))
    expected = stats.rice(signal / 10.0, scale=10.0)
    assert truth.min() == truth.max() == signal
    assert noisy.mean() == pytest.approx(expected.mean(), rel=0.01)
    assert noisy.std() == pytest.approx(expected.std(), rel=0.02)


def test_interpolated_noise_keeps_its_standard_deviation() -> None:
    noisy, truth = add_complex_noise(np.full((256, 256), 500.0), 10.0, np.random.default_rng(2), keep=(0.6, 0.8))
    assert (noisy - truth).std() == pytest.approx(10.0, rel=0.03)
    spectrum = np.abs(np.fft.fft2(noisy - truth))
    assert spectrum[100:156].max() < 0.01 * spectrum.max()


@pytest.mark.parametrize("sigma", [8.0, 30.0, 80.0])
def test_noise_is_found_in_the_air(sigma: float) -> None:
    rng = np.random.default_rng(3)
    noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in anatomy(rng)])
    found = estimate_noise(noisy)
    assert found.sigma == pytest.approx(sigma, rel=0.06)
    assert "air" in found.method


def test_noise_is_found_in_tissue_where_the_background_is_zeroed() -> None:
    rng = np.random.default_rng(4)
    clean = anatomy(rng)
    noisy = np.stack([add_complex_noise(slice_, 30.0, rng)[0] for slice_ in clean])
    found = estimate_noise(np.where(clean > 0, noisy, 0))
    assert found.sigma == pytest.approx(30.0, rel=0.2)
    assert "tissue" in found.method


@pytest.mark.parametrize("value", [0.0, 512.0])
def test_a_constant_image_has_no_noise(value: float) -> None:
    assert estimate_noise(np.full((3, 20, 20), value, np.float32)).sigma == 0.0
    assert estimate_noise(np.full((1, 2, 2), value, np.float32)).sigma == 0.0


def test_faint_tissue_is_not_taken_for_air() -> None:
    rng = np.random.default_rng(5)
    clean = np.maximum(anatomy(rng), 38.0)  # where there was air, tissue about as strong as the noise
    noisy = np.stack([add_complex_noise(slice_, 40.0, rng)[0] for slice_ in clean])
    assert estimate_noise(noisy).sigma == pytest.approx(40.0, rel=0.05)


def test_texture_is_not_taken_for_noise() -> None:
    rng = np.random.default_rng(6)
    clean = np.where(anatomy(rng) > 0, np.float32(600), np.float32(0))
    rows, columns = np.indices(clean.shape[1:])
    clean += np.where((clean > 0) & (columns > 80), 120.0 * ((rows // 4 + columns // 4) % 2), 0)
    noisy = np.stack([add_complex_noise(slice_, 30.0, rng)[0] for slice_ in clean])
    found = estimate_noise(np.where(clean > 0, noisy, 0))
    assert found.sigma == pytest.approx(30.0, rel=0.07)
    assert "tissue" in found.method


def test_interpolated_noise_is_found_in_the_air() -> None:
    rng = np.random.default_rng(7)
    noisy = np.stack([add_complex_noise(slice_, 30.0, rng, keep=(0.7, 0.7))[0] for slice_ in anatomy(rng)])
    found = estimate_noise(noisy)
    assert found.sigma == pytest.approx(30.0, rel=0.07)
    assert "air" in found.method


@pytest.mark.parametrize("keep", [(0.5, 0.5), (0.75, 0.5), (0.7, 0.7), (1.0, 0.6)])
def test_zero_filled_noise_is_found_where_the_background_is_zeroed(keep: tuple[float, float]) -> None:
    rng = np.random.default_rng(9)
    clean = anatomy(rng)
    noisy = np.stack([add_complex_noise(slice_, 20.0, rng, keep=keep)[0] for slice_ in clean])
    found = estimate_noise(np.where(clean > 0, noisy, 0))
    assert found.sigma == pytest.approx(20.0, rel=0.15)
    assert "zero-filled" in found.method
    assert not found.is_bound


def test_of_pixels_interpolated_linearly_only_a_bound_is_known() -> None:
    rng = np.random.default_rng(10)
    clean = anatomy(rng)
    noisy = np.stack([add_complex_noise(slice_, 20.0, rng)[0] for slice_ in clean])
    found = estimate_noise(ndimage.zoom(np.where(clean > 0, noisy, 0), (1, 2, 2), order=1))
    assert found.is_bound
    assert 5.0 < found.sigma < 20.0


@pytest.mark.parametrize("coils", [8, 16])
@pytest.mark.parametrize("sigma", [15.0, 25.0])
def test_air_of_a_sum_of_squares_of_coils_is_not_taken_for_tissue(coils: int, sigma: float) -> None:
    rng = np.random.default_rng(11)
    clean = anatomy(rng)[:3]
    noise = sigma * rng.standard_normal((coils, 2, *clean.shape))
    channels = np.hypot(clean / np.sqrt(coils) + noise[:, 0], noise[:, 1])
    assert estimate_noise(np.sqrt((channels**2).sum(0))).sigma == pytest.approx(sigma, rel=0.07)


@pytest.mark.parametrize("sequence", ["sag-t2", "ax-t2"])
def test_noise_of_a_lumbar_spine_is_found_within_seven_percent(sequence: str) -> None:
    protocol = replace(protocol_for(sequence), slices=3, matrix=(192, 192), noise=0.0)
    array = acquire(make_subject(202), protocol, 1).array
    rng = np.random.default_rng(8)
    for level in (0.03, 0.05, 0.10):
        sigma = level * float(np.percentile(array, 99.9))
        noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in array])
        assert estimate_noise(noisy).sigma == pytest.approx(sigma, rel=0.07)


@pytest.mark.parametrize("sigma", [20.0, 40.0])
def test_noise_of_pixels_made_of_their_neighbours_is_no_longer_halved(sigma: float) -> None:
    rng = np.random.default_rng(4)
    clean = anatomy(rng)
    noise = sigma * rng.standard_normal((2, *clean.shape))
    doubled, alone = (ndimage.zoom(a, (1, 2, 2), order=1) for a in (np.hypot(clean + noise[0], noise[1]), noise[0]))
    found = estimate_noise(doubled.astype(np.float32))
    assert found.is_bound
    assert 0.9 < found.sigma / alone.std() < 1.3  # over every second pixel 0.6
