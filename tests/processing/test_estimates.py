"""What a restoring network is told of a slice: its ghost, its k-space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from processing import series
from processing.enhancement.networks import ghosts
from processing.enhancement.networks.estimates import CHANNELS, ended, with_estimates
from processing.enhancement.networks.ghosts import estimated, unghosted
from processing.noise import add_complex_noise
from processing.percentile import high_percentile
from processing.simulate.degrade import Degradation, degrade, ghost_weights
from processing.simulate.kspace import smooth_phase
from processing.volume import Array, Volume
from tests.processing.heads import synthetic_head

_THIGHS, _HEAD = "more/sts_limb_T1/STS_{}_MR_T1_image.nii.gz", "training/brain/fnndsc_SAG-anon_t1_skyra.nii.gz"


@pytest.fixture(scope="module")
def head() -> Array:
    return synthetic_head()


def _degraded(image: Array, **how: object) -> Array:
    return degrade(Volume(image[None], np.eye(4)), Degradation(**how)).array[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("lines", ["odd", "even"])
@pytest.mark.parametrize(("share", "phase"), [(0.15, 0.0), (0.4, 40.0), (0.6, -25.0)])
def test_a_ghost_is_found_and_taken_off_whatever_its_phase(head: Array, lines: str, share: float, phase: float) -> None:
    weight = (1 - share) * np.exp(1j * np.deg2rad(phase))
    bad = _degraded(head, ghosting=share, ghosting_lines=lines, ghosting_phase=phase)
    away = np.roll(bad, 80, axis=0)
    ghost = estimated(bad, away)
    assert ghost is not None
    assert ghost.ratio == pytest.approx(abs(1 - weight) / abs(1 + weight), abs=0.01)
    expected = (1 - abs(weight) ** 2) / (1 + abs(weight) ** 2) * (1 if lines == "odd" else -1)
    assert ghost.cross == pytest.approx(expected, abs=0.05)
    one, other = unghosted(bad, away, ghost)
    nearest = np.where(np.abs(one - head) < np.abs(other - head), one, other)
    before, after = (np.sqrt(np.mean((image - head) ** 2)) for image in (bad, nearest))
    assert after < 0.1 * before


def test_no_ghost_is_seen_where_there_is_none(head: Array) -> None:
    noisy, _ = add_complex_noise(head, 0.02, np.random.default_rng(1))
    others = [_degraded(head, **how) for how in ({"motion": 3.0}, {"gibbs": 0.3}, {"half_matrix": "kspace"})]
    full = np.random.default_rng(2).uniform(0.3, 1, (96, 96)).astype(np.float32)
    for image in (head, noisy, *others, full, np.zeros((64, 64), np.float32)):
        assert estimated(image, np.roll(image, len(image) // 2, axis=0)) is None
        seen = with_estimates(image[None], 0)
        assert seen.shape == (1 + CHANNELS, *image.shape)
        assert np.array_equal(seen[0], image)


def _not_a_ghost_for_that(image: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    away = np.roll(image, len(image) // 2, axis=0)
    assert estimated(image, away) is None
    monkeypatch.setattr(ghosts, "_AGAIN", -9.0)
    assert estimated(image, away) is not None


@pytest.mark.parametrize(("path", "where"), [(_THIGHS.format("050"), 18), (_HEAD, 2)])
def test_what_has_a_most_frequent_ratio_is_no_ghost_for_that(
    path: str, where: int, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = series.read(real_data / path).array
    image = np.maximum(whole[where], 0) / high_percentile(whole, 99.9)
    image = image[: len(image) // 8 * 8, : image.shape[1] // 8 * 8].astype(np.float32)
    _not_a_ghost_for_that(image, monkeypatch)


@pytest.mark.parametrize(("subject", "where", "across"), [("034", 46, True), ("028", 10, True), ("001", 8, False)])
def test_a_second_leg_that_a_coil_leaves_dim_is_no_ghost(
    subject: str, where: int, across: bool, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leg = np.maximum(series.read(real_data / _THIGHS.format(subject)).array[where], 0).astype(float)
    leg = leg.T if across else leg
    half = max(np.split(leg[: len(leg) // 2 * 2], 2), key=np.sum)
    both = np.vstack([half, (0.2 if subject == "028" else 0.3) * half[::-1]])
    both = both[: len(both) // 8 * 8, : both.shape[1] // 8 * 8].astype(np.float32)
    _not_a_ghost_for_that(both / high_percentile(both, 99.9), monkeypatch)


def _gains_of_complex(head: Array) -> list[float]:
    """dB by which tissue is won of images with a smooth phase, of each that one is found in."""
    gains = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        turned = head * smooth_phase(head.shape, rng)
        weights = ghost_weights(len(head), Degradation(ghosting=0.3, ghosting_phase=40.0))
        noise = 0.01 * (rng.normal(size=head.shape) + 1j * rng.normal(size=head.shape))
        bad = np.abs(np.fft.ifft(np.fft.fft(turned, axis=0) * weights[:, None], axis=0) + noise).astype(np.float32)
        away = np.roll(bad, 80, axis=0)
        if ghost := estimated(bad, away):
            before, after = (
                np.mean((image - head)[head > 0.05] ** 2) for image in (bad, unghosted(bad, away, ghost)[0])
            )
            gains.append(10 * float(np.log10(before / after)))
    return gains


def test_a_ghost_of_an_image_with_a_phase_is_taken_off_by_a_fit_of_that_phase(
    head: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = _gains_of_complex(head)
    assert len(gains) >= 4
    assert min(gains) > -0.1
    assert float(np.median(gains)) > 3
    monkeypatch.setattr(ghosts, "_APART", 9.0)  # whatever the quarters say: one cross term for all of the slice
    assert min(_gains_of_complex(head)) < -0.1
    assert np.median(_gains_of_complex(head)) < np.median(gains)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.04])
def test_the_end_of_k_space_is_seen_with_the_noise_that_was_acquired(head: Array, noise: float) -> None:
    noisy, _ = add_complex_noise(head, noise, np.random.default_rng(1))
    assert ended(_degraded(noisy, half_matrix="kspace")) > 0.8
    for whole in (noisy, ndimage.gaussian_filter(noisy, 1), _degraded(noisy, half_matrix="linear")):
        assert ended(whole) < 0.4
