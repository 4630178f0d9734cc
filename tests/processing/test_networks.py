"""The architectures of the registry: sizes as published, shapes, and what each promises."""

from __future__ import annotations

import pytest
import torch

from processing.enhancement.enhance import fast_precision
from processing.enhancement.networks.estimates import CHANNELS, MAPS
from processing.enhancement.networks.fused import FusedResidualUNet, can_fuse
from processing.enhancement.networks.int8 import Int8ResidualUNet, Ranges, can_use_int8, measure_ranges
from processing.enhancement.networks.registry import build
from processing.enhancement.networks.slices import neighbours
from processing.enhancement.networks.unet import ResidualUNet
from processing.errors import InputError


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_shipped_network_fits_into_four_megabytes_and_starts_as_identity() -> None:
    network = build({"channels": [64, 128], "blocks": [2, 2, 2], "slices": 3})
    assert 4 * parameters(network) < 4e6
    x = torch.rand(2, 3, 16, 20)
    assert torch.equal(network(x, torch.full((2, 1, 1, 1), 0.05)), x[:, 1:2])


@pytest.mark.skipif(fast_precision("cpu") != "bfloat16", reason="this processor does not compute in bfloat16")
@pytest.mark.parametrize(("slices", "rows", "columns"), [(1, 16, 24), (3, 40, 28)])
def test_fused_it_gives_what_it_gives_under_autocast(slices: int, rows: int, columns: int) -> None:
    torch.manual_seed(0)
    estimates = slices == 1
    network = build({"channels": [16, 32], "blocks": [2, 1, 1], "slices": slices, "estimates": estimates}).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    x, sigma = torch.rand(1, slices + CHANNELS * estimates, rows, columns), torch.full((1, 1, 1, 1), 0.05)
    x[:, slices + CHANNELS - MAPS :] = 0.7  # as where half of k-space is missing
    assert can_fuse(network)
    with torch.inference_mode():
        exact, fused = network(x, sigma), FusedResidualUNet(network)(x, sigma)
        with torch.autocast("cpu", torch.bfloat16):
            plain = network(x, sigma)
    assert fused.shape == exact.shape
    assert (exact - x[:, slices // 2]).std() > 0.02
    assert (fused - exact).std() < 1.2 * (plain - exact).std() < 0.01


def test_a_network_that_is_shown_estimates_changes_nothing_where_k_space_is_whole() -> None:
    network = build({"channels": [16, 32], "estimates": True}).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    x, sigma = torch.rand(2, 1 + CHANNELS, 16, 16), torch.zeros(2, 1, 1, 1)
    x[:, -MAPS:] = torch.tensor([0.3, 0.7])[:, None, None, None]
    changed = (network(x, sigma) - x[:, :1]).abs().amax(dim=(1, 2, 3))
    assert changed[0] == 0
    assert changed[1] > 0.02


def test_only_the_residual_network_is_fused() -> None:
    assert not can_fuse(build({"architecture": "dncnn"}))
    assert not can_use_int8(build({"architecture": "dncnn"}), {})


@pytest.fixture
def trained() -> tuple[ResidualUNet, Ranges]:
    """A network with channels of very different width, and its ranges on pictures like `picture`."""
    torch.manual_seed(0)
    network = build({"channels": [16, 32], "blocks": [2, 2, 1], "slices": 3}).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d) and len(layer.weight) > 4:
                layer.weight *= torch.logspace(-1, 0.3, len(layer.weight)).view(-1, 1, 1, 1)
    return network, measure_ranges(network, [picture(seed) for seed in range(8)])


def picture(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, scale_factor=8), torch.full((1, 1, 1, 1), 0.05)


def test_ranges_are_those_of_each_layer(trained: tuple[ResidualUNet, Ranges]) -> None:
    network, ranges = trained
    assert set(ranges) == {"head", "down", "up"} | {
        f"{part}.{index}{inside}"
        for part, count in (("encoder", 2), ("bottom", 2), ("decoder", 1))
        for index in range(count)
        for inside in ("", ".first")
    }
    x, sigma = picture(0)
    folded = torch.nn.functional.pixel_unshuffle(x, 2)
    with torch.no_grad():
        head = network.head(torch.cat([folded, (10 * sigma).expand(-1, 1, 24, 32)], 1))
        inside = torch.relu(network.encoder[0].first(head))
        fine = network.encoder(head)
        up = fine + network.up(network.bottom(network.down(fine)))
    for place, values in (("head", head), ("encoder.0.first", inside), ("encoder.1", fine), ("up", up)):
        low, high = (ends.view(1, -1, 1, 1) for ends in ranges[place])
        assert ((values >= low) & (values <= high)).float().mean() > 0.99, place
        assert ((high - low) < 2 * (values.amax((2, 3)) - values.amin((2, 3)) + 0.1)[..., None, None]).all(), place


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("amx_int8"), reason="this processor has no AMX for int8")
def test_in_integers_it_gives_nearly_the_same(trained: tuple[ResidualUNet, Ranges]) -> None:
    network, ranges = trained
    assert can_use_int8(network, ranges)
    assert not can_use_int8(network, {})
    x, sigma = picture(100)
    with torch.inference_mode():
        integers, exact = Int8ResidualUNet(network, ranges)(x, sigma), network(x, sigma)
    residual = exact - x[:, 1:2]
    assert (integers - exact).std() < 0.03 * residual.std()
    border = torch.ones_like(residual, dtype=torch.bool)
    border[..., 4:-4, 4:-4] = False  # where the padding must be a true zero
    assert (integers - exact)[border].std() < 0.03 * residual.std()


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("amx_int8"), reason="this processor has no AMX for int8")
@pytest.mark.parametrize("intensity", [3.0, -0.1])
def test_what_the_integers_do_not_suit_is_computed_in_bfloat16(
    trained: tuple[ResidualUNet, Ranges], intensity: float
) -> None:
    network, ranges = trained
    x, sigma = picture(100)
    x[0, 1, 20:30, 20:30] = intensity
    with torch.inference_mode():
        assert torch.equal(Int8ResidualUNet(network, ranges)(x, sigma), FusedResidualUNet(network)(x, sigma))


def test_the_network_of_moummad_has_the_widths_of_the_paper() -> None:
    network = build({"architecture": "moummad_unet"})
    widths = [layer.out_channels for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [64, 64, 128, 128, 256, 256, 512, 512, 256, 256, 128, 128, 64, 64, 1]
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())
    assert network(torch.rand(1, 1, 16, 24), torch.zeros(1, 1, 1, 1)).shape == (1, 1, 16, 24)


def test_dncnn_has_the_published_size() -> None:
    # 17 layers of 64 channels for grey images: 555,200 weights (Zhang et al. 2017), plus two biases per norm and end.
    weights = sum(
        layer.weight.numel()
        for layer in build({"architecture": "dncnn"}).modules()
        if isinstance(layer, torch.nn.Conv2d)
    )
    assert weights == 9 * 64 + 15 * 9 * 64 * 64 + 9 * 64


def test_the_networks_for_comparison_have_the_published_layers() -> None:
    # 64 × 5² + 64, 32 × 64 × 3² + 32, 4 × 32 × 3² + 4 (Shi et al. 2016, for twice the matrix)
    espcn, coder = build({"architecture": "espcn"}), build({"architecture": "autoencoder"})
    assert parameters(espcn) == 1664 + 18464 + 1156
    x, sigma = torch.rand(1, 1, 24, 32), torch.zeros(1, 1, 1, 1)
    for network in (espcn, coder):
        assert network(x, sigma).shape == x.shape
    # ESPCN sees the means of two by two pixels and nothing finer; of the coder 64 × 3 × 4 numbers are left.
    checks = torch.ones(1, 1, 24, 32)
    checks[..., ::2, ::2] = checks[..., 1::2, 1::2] = -1
    assert torch.allclose(espcn(x + 0.1 * checks, sigma), espcn(x, sigma), atol=1e-6)
    down = [layer for layer in coder.body if isinstance(layer, torch.nn.Conv2d)]
    assert torch.nn.Sequential(*down)(x).shape == (1, 64, 3, 4)


def test_unknown_architectures_and_settings_are_refused() -> None:
    with pytest.raises(InputError, match="residual_unet, moummad_unet, dncnn"):
        build({"architecture": "vgg"})
    with pytest.raises(InputError, match="dncnn"):
        build({"architecture": "dncnn", "width": 3})


def test_beyond_the_ends_a_slice_stands_in_for_its_neighbour() -> None:
    assert neighbours(0, 5, 1) == [0, 0, 1]
    assert neighbours(2, 5, 1) == [1, 2, 3]
    assert neighbours(4, 5, 1) == [3, 4, 4]
    assert neighbours(2, 5, 1, step=3) == [2, 2, 2]
