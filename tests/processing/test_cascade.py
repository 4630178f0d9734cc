"""The deep cascade: data consistency by the paper's formula, gradients by finite differences, acquired lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from processing.enhancement.networks.cascade import data_consistency, phase_of_middle
from processing.enhancement.networks.kspace_samples import Undersampled, coarsened
from processing.enhancement.networks.registry import build
from processing.enhancement.networks.samples import Source, normalise
from processing.enhancement.training import train
from processing.errors import InputError
from processing.nifti import write_nifti
from processing.reconstruction import compressed_sensing
from processing.reconstruction.reconstruct import reconstruct
from processing.reconstruction.signal import simulated
from processing.volume import Volume

SAMPLED = torch.tensor([[1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1]], dtype=torch.bool)


def image(seed: int, rows: int = 12, columns: int = 10) -> torch.Tensor:
    return torch.randn(1, rows, columns, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def run(network: torch.nn.Module, lines: torch.Tensor, sampled: torch.Tensor, *trust: float) -> torch.Tensor:
    """Complex lines in, complex images out."""
    x = torch.view_as_real(lines).permute(0, 3, 1, 2)
    real, imaginary = network(x, sampled[:, None, :, None].to(x.dtype), *trust).unbind(1)
    return torch.complex(real, imaginary)


def lines_of(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft(x, dim=1, norm="ortho")


@pytest.mark.parametrize("trust", [0.0, 0.5, 7.0, None])
def test_data_consistency_is_schlempers_formula(trust: float | None) -> None:
    x, measured = image(0), lines_of(image(1)) * SAMPLED[..., None]
    found = lines_of(data_consistency(x, measured, SAMPLED, trust))
    for row, read in enumerate(SAMPLED[0]):
        own = lines_of(x)[0, row]
        if read:
            expected = measured[0, row] if trust is None else (own + trust * measured[0, row]) / (1 + trust)
        else:
            expected = own
        assert torch.allclose(found[0, row], expected)


def test_backwards_measured_lines_count_one_in_one_plus_lambda() -> None:
    x = image(0).requires_grad_()
    assert torch.autograd.gradcheck(lambda one: data_consistency(one, lines_of(image(1)), SAMPLED, 3.0), x)
    coming = image(2)
    data_consistency(x, lines_of(image(1)), SAMPLED, 3.0).backward(coming)
    share = torch.where(SAMPLED, 0.25, 1.0)[..., None]
    assert x.grad is not None
    assert torch.allclose(lines_of(x.grad), share * lines_of(coming))


def wakened(**settings: object) -> torch.nn.Module:
    """A small cascade whose last convolutions are not zero."""
    torch.manual_seed(0)
    network = build({"architecture": "cascade", "cascades": 2, "channels": [4, 4], "blocks": [1, 1, 1], **settings})
    for refiner in network.refiners:
        torch.nn.init.normal_(refiner.tail.weight, std=0.05)
    return network


def test_untrained_it_fills_with_zeros() -> None:
    measured = lines_of(image(1)).to(torch.complex64) * SAMPLED[..., None]
    found = run(build({"architecture": "cascade", "cascades": 2}), measured, SAMPLED)
    assert torch.allclose(found, torch.fft.ifft(measured, dim=1, norm="ortho"), atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(12, 10), (11, 7)])
def test_acquired_lines_are_unchanged_and_others_are_not(rows: int, columns: int) -> None:
    sampled = SAMPLED[:, :rows]
    measured = lines_of(image(1, rows, columns)).to(torch.complex64) * sampled[..., None]
    network = wakened()
    found = lines_of(run(network, measured, sampled)) - measured
    assert found[sampled].abs().max() < 1e-5
    assert found[~sampled].abs().max() > 1e-2
    assert (lines_of(run(network, measured, sampled, 5.0)) - measured)[sampled].abs().max() > 1e-3


def test_its_gradient_is_that_of_finite_differences() -> None:
    network = wakened().double()
    measured, truth = lines_of(image(1)) * SAMPLED[..., None], image(1)
    weights = network.refiners[0].head.weight

    def loss() -> torch.Tensor:
        return (run(network, measured, SAMPLED) - truth).abs().pow(2).mean()

    loss().backward()
    direction = torch.randn(weights.shape, dtype=weights.dtype, generator=torch.Generator().manual_seed(3))
    assert weights.grad is not None
    expected, step = float((weights.grad * direction).sum()), 1e-6
    with torch.no_grad():
        weights += step * direction
        above = float(loss())
        weights -= 2 * step * direction
        below = float(loss())
    assert (above - below) / (2 * step) == pytest.approx(expected, rel=1e-4)


def test_the_phase_is_that_of_the_unbroken_middle_alone() -> None:
    smooth = torch.polar(torch.ones(1, 12, 10), torch.linspace(0.3, 0.6, 12)[:, None].expand(1, 12, 10))
    lines = lines_of(smooth)
    turn = phase_of_middle(lines, SAMPLED)
    assert (turn / smooth).angle().abs().max() < 0.2
    changed = lines.clone()
    changed[:, [3, 4, 5, 6, 7, 8, 9]] = 100  # the run around zero frequency is 10, 11, 0, 1, 2
    assert torch.allclose(phase_of_middle(changed, SAMPLED), turn)


def test_compressed_sensing_takes_the_same_phase() -> None:
    lines = lines_of(image(3)) * SAMPLED[..., None]
    theirs = compressed_sensing.phase_of_middle(lines[0].numpy(), SAMPLED[0].numpy())
    assert np.abs(theirs - phase_of_middle(lines, SAMPLED)[0].numpy()).max() < 1e-6


def boxes(seed: int, slices: int = 3) -> np.ndarray:
    """Bright boxes on grey in front of nothing, about 0 to 1."""
    rng = np.random.default_rng(seed)
    array = np.zeros((slices, 96, 80), np.float32)
    array[:, 10:86, 10:70] = 0.3
    for slice_ in array:
        for row, column in rng.integers(12, 60, (15, 2)):
            slice_[row : row + rng.integers(3, 20), column : column + rng.integers(3, 12)] = rng.uniform(0.2, 1)
    return array


SETTINGS = {
    "seed": 1,
    "sampling": {"batch": 2, "patch": 24, "rows": [64, 96], "scale": [1.0, 1.0], "foreground": 0.2, "air": 0.1},
    "degradation": {"undersample": [4, 8]},
    "validation": {"slices": 1},
}


def test_a_batch_holds_the_sampled_lines_of_its_truth_and_depends_on_seed_and_step_alone() -> None:
    made = Undersampled([Source("a", "a", (boxes(0),))], {"a": 1.0}, SETTINGS, network=None)
    one, other, again = made.batch(1, 4), made.batch(1, 5), made.batch(1, 4)
    assert np.array_equal(one.noisy, again.noisy)
    assert one.noisy.shape != other.noisy.shape or not np.array_equal(one.noisy, other.noisy)
    rows = one.noisy.shape[2]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(rows), np.arange(rows)) / rows) / np.sqrt(rows)
    expected = waves @ (one.clean[:, 0] + 1j * one.clean[:, 1]) * one.sigma[:, 0]
    assert np.abs(one.noisy[:, 0] + 1j * one.noisy[:, 1] - expected).max() < 1e-4
    assert 0.05 < one.sigma.mean() < 0.5


@pytest.mark.parametrize("dimmed", [1.0, 0.5])
def test_samples_are_as_bright_as_reconstruct_has_them(dimmed: float) -> None:
    """Its images are divided by the 99.9th percentile of the zero-filled ones; here of a volume of one slice, and of a
    slice half as bright as its volume."""
    one = dimmed * normalise(boxes(0, 1)[:, :80])
    source = Source("a", "a", (one,))
    settings = SETTINGS | {"sampling": SETTINGS["sampling"] | {"patch": 80, "rows": [80]}}
    made = Undersampled([source], {"a": 1.0}, settings, network=None)
    batch = made.batch(1, 4)
    lines = [(batch.noisy[:, 0] + 1j * batch.noisy[:, 1])[n] for n in range(2)]
    cases = list(made.cases([source]))
    lines += [case.seen[0] + 1j * case.seen[1] for case in cases]
    bright = [np.percentile(np.abs(np.fft.ifft(these, axis=0, norm="ortho")), 99.9) for these in lines]
    assert bright == pytest.approx([dimmed] * 4, rel=1e-3)
    for case in cases:
        assert case.truth / case.truth.max() == pytest.approx(one[0] / one.max(), abs=1e-5)
        assert np.percentile(case.input, 99.9) == pytest.approx(dimmed, rel=1e-3)


def test_another_matrix_shows_a_slow_wave_where_it_is_and_no_fast_one() -> None:
    def wave(rows: int, columns: int) -> np.ndarray:
        return 2 + np.cos(2 * np.pi * 3 * np.arange(rows) / rows)[:, None] * np.ones(columns)

    fast = 0.5 * np.cos(2 * np.pi * 30 * np.arange(90) / 90)[:, None]
    assert coarsened(wave(90, 81) + fast, 45, 40) == pytest.approx(wave(45, 40), abs=1e-5)
    assert coarsened(wave(90, 81), 120, 82) == pytest.approx(wave(120, 82), abs=1e-5)


CONFIG = """
task = "reconstruct"
seed = 3
[model]
name = "tiny"
version = "0"
description = "For a test."
use = "Test."
licence = "None."
data = "Random boxes."
limits = "All."
[network]
architecture = "cascade"
cascades = 2
channels = [8, 8]
blocks = [1, 1, 1]
[schedule]
steps = 60
epoch = 30
log_every = 10
rate = 5e-3
warm_up = 5
average = 0.9
precision = "float32"
threads = 1
losses = [{ name = "psnr", until = 1.0 }]
[sampling]
batch = 2
patch = 24
rows = [64, 96]
scale = [0.8, 1.2]
foreground = 0.2
air = 0.1
[degradation]
undersample = [4]
[validation]
slices = 1
[data]
[[data.groups]]
name = "boxes"
weight = 1.0
subject = "(subject\\\\d)"
about = "boxes"
train = ["subject[12]*.nii.gz"]
validation = ["subject3*.nii.gz"]
"""


def test_it_is_trained_by_the_command_for_it_and_reconstructs(tmp_path: Path) -> None:
    for subject in (1, 2, 3):
        write_nifti(Volume(boxes(subject), np.diag([1, 1, 5, 1])), tmp_path / f"subject{subject}.nii.gz")
    config = tmp_path / "tiny.toml"
    config.write_text(CONFIG)
    out = train("reconstruct", config=config, data=tmp_path, out=tmp_path / "model", progress=lambda line: None)
    measured = json.loads((out / "metrics.json").read_text())["validation_psnr_db"]["boxes ×4"]
    assert measured["output"] > measured["input"] + 0.5
    assert "reconstructed" in (out / "card.md").read_text()
    truth = Volume(boxes(3), np.diag([1, 1, 5, 1]))
    error = {
        method: np.abs(
            reconstruct(simulated(truth, 0), method=method, undersample=4, model=out).volume.array - truth.array
        ).mean()
        for method in ("zero-filled", "cascade")
    }
    assert error["cascade"] < error["zero-filled"]


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [('name = "psnr"', 'name = "ssim"', "Complex images"), ("rows = [64, 96]\n", "", "sampling.rows")],
)
def test_a_configuration_that_does_not_fit_is_refused(written: str, instead: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(CONFIG.replace(written, instead))
    with pytest.raises(InputError, match=said):
        train("reconstruct", config=config, data=tmp_path, out=tmp_path / "model")
