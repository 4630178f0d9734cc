"""The residual U-Net in 8-bit integers, for CPUs with AMX: twice the rate of bfloat16 and half the memory traffic.

Weights have one scale per output channel; what passes between two layers has one grid of 256 values. The grids of
the fine sums, which carry the image from block to block, leave out the outermost 0.01 % of the values of training at
either end: finer steps are worth more than the rarest values. Channels are first levelled so that one grid suits them
all. The first convolution, which sees the image, and the sum of image and residual keep their precision.
Quantisation as in Jacob et al. 2018 (arXiv:1712.05877), levelling as in Nagel et al. 2019 (arXiv:1906.04721).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from processing.enhancement.networks.fused import (
    Convolution,
    FusedResidualUNet,
    as_convolution,
    can_fuse,
    folded,
    run_blocks,
    unfolded,
)
from processing.enhancement.networks.unet import ResidualBlock, ResidualUNet

Ranges = dict[str, Tensor]  # by the layer that gives the values: lower and upper end of each channel, (2, channels)

PREFIX = "ranges."  # of the ranges among the tensors of a model
INTENSITIES = (-0.02, 1.5)  # slices beyond would leave the grids, so they are computed in bfloat16
LEAST_NOISE = 0.026  # standard deviation; beside fainter noise the steps of the grids count, 0.15 % of the range
_PARTS = {"encoder": "fine", "bottom": "coarse", "decoder": "fine"}
_SUMS = {"head": "fine", "down": "coarse", "up": "fine"}  # where the sums of a scale come from, besides its blocks
_OUTSIDE = 1e-4  # share of the values of the fine sums beyond either end
_MARGIN = 1.25  # how far the other grids reach beyond what was seen
_SAMPLES = 2_500  # pixels of a batch that are looked at in each place
_FAINTEST = 0.02  # of the widest channel; levelling fainter ones would only blow up the error of their weights


def can_use_int8(network: nn.Module, ranges: Ranges) -> bool:
    """Whether torch and the processor have what Int8ResidualUNet needs, and the ranges are there for each place."""
    return (
        isinstance(network, ResidualUNet)
        and not network.estimates
        and set(ranges) == set(_SUMS) | {place for name, _, _ in _blocks(network) for place in (name, f"{name}.first")}
        and can_fuse(network)
        and all(hasattr(torch.ops.onednn, name) for name in ("qconv_prepack", "qconv2d_pointwise"))
        and hasattr(torch, "quantize_per_tensor")
        and bool(torch.cpu.get_capabilities().get("amx_int8"))
    )


@torch.no_grad()
def measure_ranges(network: ResidualUNet, batches: Iterable[tuple[Tensor, Tensor]]) -> Ranges:
    """Ends of the grids of each channel, from batches (x, sigma) as ResidualUNet.forward takes them.

    "up" is what the decoder begins with, the sum of both scales. Memory: some MB for each batch.
    """
    seen: dict[str, list[Tensor]] = {}

    def see(place: str, values: Tensor) -> None:
        pixels = values.transpose(0, 1).flatten(1)
        seen.setdefault(place, []).append(pixels[:, :: max(1, pixels.shape[1] // _SAMPLES)].clone())

    hooks = [
        network.head.register_forward_hook(lambda _, __, out: see("head", out)),
        network.down.register_forward_hook(lambda _, __, out: see("down", out)),
        network.decoder.register_forward_pre_hook(lambda _, inputs: see("up", inputs[0])),
    ]
    for name, _, block in _blocks(network):
        # ReLU and sum are done in place, so the values are taken where they are done.
        hooks += [
            block.second.register_forward_pre_hook(lambda _, inputs, name=name: see(f"{name}.first", inputs[0])),
            block.register_forward_hook(lambda _, __, out, name=name: see(name, out)),
        ]
    try:
        for x, sigma in batches:
            network(x, sigma)
    finally:
        for hook in hooks:
            hook.remove()
    scales = _scales(network)
    return {place: _ends(torch.cat(values, 1), fine=scales.get(place) == "fine") for place, values in seen.items()}


def _ends(values: Tensor, *, fine: bool) -> Tensor:
    if fine:
        ends = np.quantile(values.numpy(), (_OUTSIDE, 1 - _OUTSIDE), axis=1)
        return torch.from_numpy(ends.astype(np.float32))
    return _MARGIN * torch.stack([values.amin(1), values.amax(1)])


class Int8ResidualUNet:
    """A trained ResidualUNet for inference on a CPU, one slice at a time; in bfloat16 where integers do not do."""

    def __init__(self, network: ResidualUNet, ranges: Ranges) -> None:
        self._bfloat16 = FusedResidualUNet(network)
        network, ranges = _levelled(network, ranges)
        grids = {place: _Grid.over(*ends) for place, ends in ranges.items()}
        self.slices, self.estimates, self.stride = network.slices, network.estimates, network.stride
        self._head, self._image = Convolution(network.head), grids["head"]
        self._parts: dict[str, list[tuple[_Convolution, _Convolution]]] = {part: [] for part in _PARTS}
        before = {"encoder": grids["head"], "bottom": grids["down"], "decoder": grids["up"]}
        for name, _, block in _blocks(network):
            part = name.split(".")[0]
            first = _Convolution(block.first, before[part], grids[f"{name}.first"])
            second = _Convolution(block.second, grids[f"{name}.first"], grids[name], onto=before[part])
            self._parts[part].append((first, second))
            before[part] = grids[name]
        self._down = _Convolution(network.down, before["encoder"], grids["down"])
        self._up = _Convolution(as_convolution(network.up), before["bottom"], grids["up"], onto=before["encoder"])
        self._tail = _Convolution(network.tail, before["decoder"], None)
        with warnings.catch_warnings():  # torch says once that its quantised types will go; can_use_int8 sees it then
            warnings.simplefilter("ignore", UserWarning)
            self._image.round(torch.zeros(1))

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """As ResidualUNet.forward, for one sample: x (1, slices, rows, columns), float32."""
        least, most = (float(end) for end in x.aminmax())
        if least < INTENSITIES[0] or most > INTENSITIES[1]:
            return self._bfloat16(x, sigma)
        fine = run_blocks(self._parts["encoder"], self._image.round(self._head(folded(x, sigma))))
        coarse = run_blocks(self._parts["bottom"], self._down(fine))
        out = self._tail(run_blocks(self._parts["decoder"], unfolded(self._up.plus(coarse, _gathered(fine)))))
        middle = self.slices // 2
        return x[:, middle : middle + 1] + unfolded(out)


@dataclass(frozen=True)
class _Grid:
    """The values that 8 bits stand for: scale × (0 … 255 − zero)."""

    scale: float
    zero: int

    @classmethod
    def over(cls, low: Tensor, high: Tensor) -> _Grid:
        """One grid for all channels of a place; it has a 0, with which images are padded."""
        least, most = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
        scale = (most - least) / 255 or 1.0
        return cls(scale, round(-least / scale))

    def round(self, x: Tensor) -> Tensor:
        """x in uint8; beyond the ends the nearest."""
        rounded = torch.quantize_per_tensor(x.float(), self.scale, self.zero, torch.quint8)
        plain = torch.empty(0, dtype=torch.uint8)
        return plain.set_(rounded.untyped_storage(), 0, rounded.shape, rounded.stride())  # the same bytes, not copied


class _Convolution:
    """A convolution of uint8 with weights of int8 and sums of int32.

    source: grid of what it takes; result: of what it gives, None for bfloat16; onto: of what `plus` adds to.
    """

    def __init__(self, layer: nn.Conv2d, source: _Grid, result: _Grid | None, *, onto: _Grid | None = None) -> None:
        geometry = [list(n) for n in (layer.stride, layer.padding, layer.dilation)]
        weight = layer.weight.detach()
        scales = weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127
        rounded = (weight / scales.view(-1, 1, 1, 1)).round().to(torch.int8)
        rounded = rounded.contiguous(memory_format=torch.channels_last)
        self._source = source.scale, source.zero
        packed = torch.ops.onednn.qconv_prepack(rounded, scales, *self._source, *geometry, 1, None)
        assert layer.bias is not None
        self._weights = packed, scales, torch.zeros(len(weight), dtype=torch.int8)
        self._bias, self._geometry = layer.bias.detach(), (*geometry, 1)
        self._result: tuple[Any, ...] = (result.scale, result.zero, torch.uint8) if result else (1.0, 0, torch.bfloat16)
        self._onto = (onto.scale, onto.zero) if onto else ()

    def __call__(self, x: Tensor, *, then: str = "none") -> Tensor:
        """then: "none" or "relu"."""
        layer = (*self._weights, self._bias, *self._geometry, *self._result)
        return torch.ops.onednn.qconv2d_pointwise(x, *self._source, *layer, then, [], "")

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """The result and `other`, in its place."""
        layer = (*self._weights, other, self._bias, *self._geometry, *self._result, *self._onto)
        return torch.ops.onednn.qconv2d_pointwise.binary(x, *self._source, *layer, "sum", 1.0, "none", [], "")


def _gathered(x: Tensor) -> Tensor:
    """Pixels two by two to channels (row, column, channel) of a channels-last x: the reverse of `unfolded`."""
    _, channels, rows, columns = x.shape
    pixels = x.permute(0, 2, 3, 1).view(rows // 2, 2, columns // 2, 2, channels).permute(0, 2, 1, 3, 4)
    return pixels.reshape(1, rows // 2, columns // 2, 4 * channels).permute(0, 3, 1, 2)


def _blocks(network: ResidualUNet) -> list[tuple[str, str, ResidualBlock]]:
    """(name, scale, block) in the order in which they run."""
    return [
        (f"{part}.{index}", scale, block)
        for part, scale in _PARTS.items()
        for index, block in enumerate(getattr(network, part))
    ]


def _scales(network: ResidualUNet) -> dict[str, str]:
    """Where the sums of the two scales come from."""
    return _SUMS | {name: scale for name, scale, _ in _blocks(network)}


def _levelled(network: ResidualUNet, ranges: Ranges) -> tuple[ResidualUNet, Ranges]:
    """The same function with weights such that all channels of a place are about as wide, so that one grid does.

    The sums of a scale are levelled alike, as they are added to each other.
    """
    network = copy.deepcopy(network)
    scales = _scales(network)
    fine, coarse = (_widths([ranges[name] for name, of in scales.items() if of == at]) for at in ("fine", "coarse"))
    widths = {"fine": fine, "coarse": coarse}
    _scale(network.head, None, fine)
    _scale(network.down, fine, coarse)
    _scale(network.up, coarse, fine)
    _scale(network.tail, fine, None)
    for name, scale, block in _blocks(network):
        inside = _widths([ranges[f"{name}.first"]])
        _scale(block.first, widths[scale], inside)
        _scale(block.second, inside, widths[scale])
        widths[f"{name}.first"] = inside
    return network, {place: ends / widths[scales.get(place, place)] for place, ends in ranges.items()}


def _widths(ranges: list[Tensor]) -> Tensor:
    width = torch.cat(ranges).abs().amax(0)
    return width.clamp(min=max(_FAINTEST * float(width.max()), 1e-12))


@torch.no_grad()
def _scale(layer: nn.Conv2d | nn.ConvTranspose2d, source: Tensor | None, result: Tensor | None) -> None:
    """Let the layer take channels divided by `source` and give them divided by `result`."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    inputs, outputs = ((-1, 1, 1, 1), (1, -1, 1, 1)) if transposed else ((1, -1, 1, 1), (-1, 1, 1, 1))
    assert layer.bias is not None
    if source is not None:
        layer.weight *= source.view(inputs)
    if result is not None:
        layer.weight /= result.view(outputs)
        layer.bias /= result
