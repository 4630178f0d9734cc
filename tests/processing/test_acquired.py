"""The matrix that a slice was acquired in is seen in the slice, and a network works on twice of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.subvoxel_shifts import unringed
from processing import acquired
from processing.acquired import doubled, resized
from processing.enhancement.enhance import enhance
from processing.noise import add_complex_noise
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Array, Volume
from tests.processing.heads import synthetic_head


@pytest.fixture(scope="module")
def head() -> Array:
    return add_complex_noise(synthetic_head(), 0.004, np.random.default_rng(3))[0]


def _degraded(image: Array, **how: object) -> Array:
    return degrade(Volume(image[None], np.eye(4)), Degradation(**how)).array[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [0.2, 0.3, 0.45])
def test_the_end_of_k_space_is_found_to_the_line(head: Array, cut: float) -> None:
    expected = [2 * (2 * int((1 - cut) / 2 * n) + 1) for n in head.shape]
    assert doubled(_degraded(head, gibbs=cut)).shape == pytest.approx(expected, abs=2)  # they are multiples of 4


def test_what_was_acquired_whole_or_to_its_half_is_shown_as_it_is(head: Array) -> None:
    soft = ndimage.gaussian_filter(head, 1)
    for image in (head, soft, _degraded(head, motion=3.0), _degraded(head, ghosting=0.4), np.zeros((64, 64))):
        assert doubled(image) is image
    assert doubled(_degraded(head, half_matrix="kspace")).shape == head.shape


def test_another_matrix_and_back_is_the_same_slice(head: Array) -> None:
    soft = _degraded(head, gibbs=0.4)
    assert resized(resized(soft, (228, 200)), soft.shape) == pytest.approx(soft, abs=0.02)
    assert resized(head, (80, 320)).mean() == pytest.approx(head.mean(), rel=0.01)


@pytest.mark.parametrize("grey", [0, 300])
def test_a_linear_half_matrix_is_known_by_its_means_even_where_they_were_rounded(head: Array, grey: int) -> None:
    bad = _degraded(head, half_matrix="linear")
    seen = np.round(bad * grey) / grey if grey else bad
    found = doubled(seen)
    assert found is not seen
    means = head.reshape(80, 2, 72, 2).mean(axis=(1, 3))
    assert np.std(found.reshape(80, 2, 72, 2).mean(axis=(1, 3)) - means) < 0.005
    assert np.std(found - head) < 0.85 * np.std(bad - head)


def test_ringing_and_a_linear_half_matrix_come_back_better_and_whole_slices_as_they_were(
    head: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume(head[None] * 700, np.eye(4))

    def gains() -> list[float]:
        found = []
        for how in (Degradation(gibbs=0.3), Degradation(half_matrix="linear")):
            bad = degrade(volume, how)
            out = enhance(bad, model="restore", precision="float32").volume
            before, after = (np.mean((one.array - volume.array) ** 2) for one in (bad, out))
            found.append(10 * float(np.log10(before / after)))
        return found

    assert min(gains()) > 1
    unharmed = enhance(volume, model="restore", precision="float32").volume.array
    assert unharmed == pytest.approx(volume.array, abs=1e-3)
    monkeypatch.setattr(acquired, "_ENDS", (0.3, 0.3))  # no end is looked for
    monkeypatch.setattr(acquired, "_SPREAD", 0.0)
    assert max(map(abs, gains())) < 0.01


def test_a_series_of_odd_sides_is_taken_too(head: Array) -> None:
    odd = Volume(head[None, :151, :143], np.eye(4))
    assert enhance(degrade(odd, Degradation(gibbs=0.3)), model="restore").volume.shape == odd.shape


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_subvoxel_shifts_take_the_ringing_of_a_box_away_but_for_its_edges(share: float) -> None:
    """The case of the paper: of a box that was cut off in k-space most of the ringing goes."""
    box = np.zeros((32, 256))
    box[:, 60:150] = 1
    rung = np.fft.ifft2(np.fft.fft2(box) * (np.abs(np.fft.fftfreq(256)) <= share / 2)).real
    away = np.abs(np.arange(256)[:, None] - (59.5, 149.5)).min(axis=1)
    beside = (away > 3) & (away < 30)
    before, after = (np.sqrt(np.mean((image - box)[:, beside] ** 2)) for image in (rung, unringed(rung, share)))
    assert after < 0.3 * before
