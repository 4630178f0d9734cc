"""The deep cascade: data consistency by the paper's formula, gradients by finite differences, acquired lines."""

from __future__ import annotations

import pytest
import torch

from processing.enhancement.networks.cascade import data_consistency, phase_of_middle
from processing.enhancement.networks.registry import build

SAMPLED = torch.tensor([[1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1]], dtype=torch.bool)


def image(seed: int, rows: int = 12, columns: int = 10) -> torch.Tensor:
    return torch.randn(1, rows, columns, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


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
    found = build({"architecture": "cascade", "cascades": 2})(measured, SAMPLED)
    assert torch.allclose(found, torch.fft.ifft(measured, dim=1, norm="ortho"), atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(12, 10), (11, 7)])
def test_acquired_lines_are_unchanged_and_others_are_not(rows: int, columns: int) -> None:
    sampled = SAMPLED[:, :rows]
    measured = lines_of(image(1, rows, columns)).to(torch.complex64) * sampled[..., None]
    network = wakened()
    found = lines_of(network(measured, sampled)) - measured
    assert found[sampled].abs().max() < 1e-5
    assert found[~sampled].abs().max() > 1e-2
    assert (lines_of(network(measured, sampled, 5.0)) - measured)[sampled].abs().max() > 1e-3


def test_its_gradient_is_that_of_finite_differences() -> None:
    network = wakened().double()
    measured, truth = lines_of(image(1)) * SAMPLED[..., None], image(1)
    weights = network.refiners[0].head.weight

    def loss() -> torch.Tensor:
        return (network(measured, SAMPLED) - truth).abs().pow(2).mean()

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
