"""The shipped networks do what their cards say, and are those of the configurations beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from processing.enhancement import detectability, figures
from processing.enhancement.enhance import enhance
from processing.enhancement.networks import store
from processing.enhancement.networks.model_record import read_record
from processing.enhancement.training_config import digest
from processing.noise import add_complex_noise
from processing.reconstruction.reconstruct import reconstruct
from processing.reconstruction.signal import simulated
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.thickness import interpolated
from processing.volume import Array, Volume
from tests.processing.heads import synthetic_head

RANGE = 300.0  # intensities are in any unit


@pytest.fixture(scope="module")
def head() -> Volume:
    noisy, _ = add_complex_noise(synthetic_head(), 0.01, np.random.default_rng(0))
    return Volume(RANGE * noisy[None], np.eye(4))


def psnr(truth: Array, found: Array) -> float:
    return float(-10 * np.log10(np.mean((found - truth) ** 2))) + 20 * float(np.log10(RANGE))


@pytest.mark.parametrize("name", ["restore", "inpaint", "thin-slices", "cascade"])
def test_the_weights_are_of_the_configuration_beside_them(name: str) -> None:
    folder = store.folder_of(name)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["configuration_sha256"] == digest(store.read_config(folder))
    assert len(store.read_weights(folder, store.read_identity(folder).sha256)) < 4e6


@pytest.mark.parametrize("name", [one.name for one in store.shipped_models()])
def test_what_was_measured_is_of_the_version_that_ships_and_a_new_one_needs_new_figures(
    name: str, tmp_path: Path
) -> None:
    record = read_record(name)
    assert record.detection["rows"]
    assert record.measured("shipped") or record.measured("test")
    folder = shutil.copytree(record.folder, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors"))
    identity = json.loads((folder / "identity.json").read_text()) | {"version": "99.0"}
    (folder / "identity.json").write_text(json.dumps(identity))
    bumped = read_record(folder)
    assert bumped.detection == {}
    assert [bumped.measured(part) for part in ("shipped", "test", "validation")] == [[], [], []]


@pytest.mark.parametrize("name", [one.name for one in store.shipped_models()])
def test_the_card_shows_the_figures_that_were_kept(name: str) -> None:
    record = read_record(name)
    assert detectability.markdown(record.detection["rows"]) in record.card
    if record.figures:
        shown = figures.markdown(record.measured("shipped"), record.identity.version, record.figures["command"])
        assert record.card.count(figures.HEADING + "\n") == 1
        assert shown in record.card


def test_restore_takes_ghosts_out_and_raises_a_half_matrix(head: Volume) -> None:
    for how, gain in ((Degradation(ghosting=0.4, ghosting_phase=40.0), 10), (Degradation(half_matrix="kspace"), 0.5)):
        bad = degrade(head, how)
        found = enhance(bad, model="restore", precision="float32").volume
        assert psnr(head.array, found.array) > psnr(head.array, bad.array) + gain
    bad = degrade(head, Degradation(motion=2.0))
    assert enhance(bad, model="restore", precision="float32").volume.array == pytest.approx(
        bad.array, rel=1e-5, abs=1e-3
    )


def test_the_network_of_inpaint_takes_a_bar_away(head: Volume) -> None:
    """The network alone: it also takes rings of this drawn head for bars, among which the bar is not found again."""
    bad = degrade(head, Degradation(patches=True, seed=7))
    there = np.abs(bad.array - head.array) > 0.01 * RANGE
    found = enhance(bad, model="inpaint", precision="float32", only_bars=False).volume.array
    assert psnr(head.array[there], found[there]) > psnr(head.array[there], bad.array[there]) + 5


def test_thin_slices_are_nearer_to_the_truth_than_a_spline(head: Volume) -> None:
    turned = Volume(np.repeat(head.array[0][:, None], 8, axis=1), np.eye(4))
    thick = degrade(turned, Degradation(thick=2))
    found = enhance(thick, model="thin-slices", parts=2, precision="float32").volume.array
    assert psnr(turned.array, found) > psnr(turned.array, interpolated(thick.array, 2)) + 1


def test_the_cascade_fills_what_zeros_leave_out(head: Volume) -> None:
    zeros, filled = (
        reconstruct(simulated(head, 0), method=name, undersample=4).volume.array for name in ("zero-filled", "cascade")
    )
    assert psnr(head.array, filled) > psnr(head.array, zeros) + 4
