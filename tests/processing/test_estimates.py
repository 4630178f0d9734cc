"""What a restoring network is told of a slice: its ghost, its k-space."""

from __future__ import annotations

import numpy as np
import pytest

from processing.enhancement.networks.estimates import CHANNELS, faded, with_estimates
from processing.enhancement.networks.ghosts import estimated, unghosted
from processing.noise import add_complex_noise
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Array, Volume
from tests.processing.heads import synthetic_head


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


def test_k_space_fades_where_nothing_was_acquired(head: Array) -> None:
    whole, half = faded(head), faded(_degraded(head, half_matrix="kspace"))
    assert np.abs(whole - half)[:2].max() < 0.05
    assert (half - whole)[3:].min() > 0.2
