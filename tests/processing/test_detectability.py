"""The model observer sees what formulas say it sees, and a network that takes findings away is told by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm

from processing.enhancement import detectability
from processing.enhancement.detectability import Finding, measure, said, write
from processing.enhancement.networks.model_record import read_record
from processing.enhancement.networks.store import folder_of
from processing.errors import InputError
from processing.metrics.model_observer import RADIUS, change_interval, detect, gabor_channels
from processing.volume import Array, Volume

DISC, LINE = Finding("disc", 3, 0.2), Finding("line", 1.5, 0.2)


@pytest.fixture(scope="module")
def white() -> Array:
    """Patches of white noise of one."""
    return np.random.default_rng(0).normal(size=(4000, (2 * RADIUS + 1) ** 2)).astype(np.float32)


@pytest.mark.parametrize("finding", [DISC, LINE], ids=str)
def test_in_white_noise_detectability_is_that_of_the_channels_by_formula(white: Array, finding: Finding) -> None:
    """d′² = (U s)ᵀ (U Uᵀ)⁻¹ U s / σ²; the matched filter sees ‖s‖ / σ, and no channels see more."""
    signal = 0.7 * finding.profile().ravel()
    channels = gabor_channels()
    seen = channels @ signal
    by_formula = float(np.sqrt(seen @ np.linalg.solve(channels @ channels.T, seen)))
    found = detect((white[:2000] + signal) @ channels.T, white[2000:] @ channels.T)
    assert found.detectability == pytest.approx(by_formula, abs=0.12)
    assert found.area == pytest.approx(norm.cdf(by_formula / np.sqrt(2)), abs=0.02)
    matched = signal[None] / np.linalg.norm(signal)
    assert by_formula < np.linalg.norm(signal)
    ideal = detect((white[:2000] + signal) @ matched.T, white[2000:] @ matched.T)
    assert ideal.detectability == pytest.approx(float(np.linalg.norm(signal)), abs=0.12)


def test_coloured_noise_is_whitened_and_none_is_guessing(white: Array) -> None:
    """Two channels whose noise is the same but for a tenth: their difference is what tells."""
    common = white[:, :1]
    noise = np.hstack([common, common + 0.1 * white[:, 1:2]])
    signal = np.array([0.0, 0.1])
    assert detect(noise[:2000] + signal, noise[2000:]).detectability == pytest.approx(1, abs=0.12)
    assert detect(white[:2000, :16], white[2000:, :16]).area == pytest.approx(0.5, abs=0.03)
    with pytest.raises(InputError, match="at least 64 places"):
        detect(white[:100, :16], white[:100, :16])


def test_the_interval_of_no_change_holds_nothing_and_that_of_a_real_one_does(white: Array) -> None:
    groups = np.repeat([0, 1], 200)
    noise, signal = white[:400, :16], np.array([1.0] + [0.0] * 15)
    weak, strong = (detect(white[400:800, :16] + signal * gain, noise).above for gain in (1, 2))
    assert change_interval([weak], [weak], groups) == (0, 0)
    low, high = change_interval([weak], [strong], groups)
    assert 0 < low < np.nanmean(strong) - np.nanmean(weak) < high


@pytest.fixture(scope="module")
def tissue() -> Volume:
    """Even tissue with a slow shading; seven slices bear findings."""
    array = np.full((22, 200, 200), 5.0, np.float32)
    array[:, 8:192, 8:192] = 500 + 60 * np.sin(np.arange(184) / 30)
    array[:, 0:4, 0:40] = 1000
    return Volume(array, np.eye(4))


def _noisy(volume: Volume, seed: int) -> Volume:
    noise = np.random.default_rng(seed).normal(0, 80, volume.shape)
    return volume.with_array(np.abs(volume.array + noise).astype(np.float32))


FOUND = (Finding("disc", 2, 0.2), Finding("line", 1, 0.15))


def test_psnr_up_and_detection_down_is_said_of_a_network_that_takes_small_things_away(tissue: Volume) -> None:
    def median(volume: Volume, seed: int) -> tuple[Volume, Volume]:
        noisy = _noisy(volume, seed)
        return noisy, volume.with_array(ndimage.median_filter(noisy.array, (1, 7, 7)))

    row = measure([tissue], median, findings=FOUND)
    assert row["psnr"][1] > row["psnr"][0] + 5
    assert row["area"][1] < row["area"][0] - 0.1
    assert "dB, but small findings are detected less well" in said(row)
    assert "Detected less well: disc, 2 pixels wide, 20 % of the range" in said(row)


def test_a_network_that_does_nothing_changes_nothing_and_a_perfect_one_is_better(tissue: Volume) -> None:
    def nothing(volume: Volume, seed: int) -> tuple[Volume, Volume]:
        return _noisy(volume, seed), _noisy(volume, seed)

    row = measure([tissue], nothing, findings=FOUND[:1])
    assert row["change"] == [0, 0]
    assert "no change in the detection of small findings was shown" in said(row)

    def perfect(volume: Volume, seed: int) -> tuple[Volume, Volume]:
        quiet = np.random.default_rng(seed).normal(0, 8, volume.shape)
        return _noisy(volume, seed), volume.with_array(volume.array + quiet)

    row = measure([tissue], perfect, findings=[Finding("disc", 2, 0.08)])
    assert "and small findings are detected better" in said(row)


def test_a_place_carries_each_finding_once_and_none_once(tissue: Volume) -> None:
    """What is planted differs from the truth where it should, and another grid is refused."""
    sums = []

    def watch(volume: Volume, seed: int) -> tuple[Volume, Volume]:
        added = volume.array - tissue.array
        assert added.min() >= 0
        sums.append(added)
        return _noisy(volume, seed), _noisy(volume, seed)

    measure([tissue], watch, findings=FOUND)
    once = sum(sums)
    assert [float(added.max()) > 0 for added in sums] == [True] * 3
    slices = np.flatnonzero(once.any(axis=(1, 2)))
    assert np.diff(slices).min() == 3
    place = np.unravel_index(int(once.argmax()), once.shape)
    bright = np.percentile(tissue.array, 99.9)
    assert once[place] == pytest.approx(bright * (0.2 + 0.15), rel=0.01)
    with pytest.raises(InputError, match="another grid"):
        measure([tissue], lambda volume, seed: (volume, Volume(volume.array[:2], np.eye(4))), findings=FOUND)
    with pytest.raises(InputError, match="room for findings"):
        measure([Volume(np.ones((3, 30, 30)), np.eye(4))], watch, findings=FOUND)


def test_what_was_found_stands_on_the_card_once_and_only_with_its_weights(tmp_path: Path) -> None:
    folder = tmp_path / "denoise"
    shutil.copytree(folder_of("denoise"), folder)
    finding = {"name": "disc", "area": [0.9, 0.8], "detectability": [1.8, None], "change": [-0.2, -0.05]}
    row = {"degradation": "noise of 5 %", "background": "phantoms", "places": 200, "volumes": 2}
    row |= {"psnr": [20.0, 25.0], "area": [0.9, 0.8], "change": [-0.2, -0.05], "findings": [finding]}
    before = (folder / "card.md").read_text()
    for _ in range(2):
        write(folder, [row])
    card = (folder / "card.md").read_text()
    assert card.count(detectability.HEADING) == 1
    assert "PSNR rises by 5.0 dB, but small findings are detected less well" in card
    assert "| disc | 0.900 | 0.800 | -0.200 to -0.050 | 1.80 | n/a |" in card
    assert (
        card.split(detectability.HEADING)[0].rstrip()
        == before.split(detectability.HEADING)[0].split("\n## Limits")[0].rstrip()
    )
    assert card.count("\n## Limits\n") == 1
    assert read_record(folder).detection["rows"] == [row]
    identity = json.loads((folder / "identity.json").read_text())
    for other in ({"sha256": "0" * 64}, {"version": "0.0"}):
        (folder / "identity.json").write_text(json.dumps(identity | other))
        assert read_record(folder).detection == {}
