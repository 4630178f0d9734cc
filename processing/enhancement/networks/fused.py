"""The residual U-Net as it runs fastest on CPUs with bfloat16: same weights, same result, fewer passes over memory.

At 64 channels a convolution takes as long as three or four passes over its output, so adding the bias, the ReLU
and the sum of a residual block are done by oneDNN while the values are still in the processor. torch offers this
through the operators that its own compiler emits; unlike torch.compile they need no C++ compiler at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from processing.enhancement.networks.estimates import MAPS
from processing.enhancement.networks.unet import ResidualBlock, ResidualUNet, limited

_OPERATORS = ("_convolution_pointwise", "_reorder_convolution_weight")


def can_fuse(network: nn.Module) -> bool:
    """Whether this torch has what FusedResidualUNet needs, and the network is one that it knows."""
    return isinstance(network, ResidualUNet) and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)


class FusedResidualUNet:
    """A trained ResidualUNet for inference on a CPU, one slice at a time.

    Weights and what lies between two layers are bfloat16, sums inside a layer float32; the residual is added to x
    in float32, as under autocast.
    """

    def __init__(self, network: ResidualUNet) -> None:
        self.slices, self.estimates, self.stride = network.slices, network.estimates, network.stride
        self._head = Convolution(network.head)
        self._encoder = _blocks(network.encoder)
        self._down = Convolution(network.down)
        self._bottom = _blocks(network.bottom)
        self._up = Convolution(as_convolution(network.up))
        self._decoder = _blocks(network.decoder)
        self._tail = Convolution(network.tail)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """As ResidualUNet.forward, for one sample: x (1, slices, rows, columns), float32."""
        fine = run_blocks(self._encoder, self._head(folded(x[:, :-MAPS] if self.estimates else x, sigma)))
        coarse = run_blocks(self._bottom, self._down(fine))
        out = self._tail(run_blocks(self._decoder, unfolded(self._up(coarse), add=fine)))
        middle = self.slices // 2
        residual = unfolded(out).to(x.dtype)
        return x[:, middle : middle + 1] + (limited(x) * residual if self.estimates else residual)


class Convolution:
    """A convolution with its weights laid out for oneDNN, and what is done to its output on the way."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self._geometry = [list(n) for n in (layer.padding, layer.stride, layer.dilation)]
        weight = layer.weight.detach().bfloat16().contiguous(memory_format=torch.channels_last)
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._geometry, 1, [])
        assert layer.bias is not None
        self._bias = layer.bias.detach().bfloat16()

    def __call__(self, x: Tensor, *, then: str = "none") -> Tensor:
        """then: "none" or "relu"."""
        operator = torch.ops.mkldnn._convolution_pointwise
        return operator(x, self._weight, self._bias, *self._geometry, 1, then, [], "")

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        operator = torch.ops.mkldnn._convolution_pointwise
        return operator(x, other, self._weight, self._bias, *self._geometry, 1, "add", 1.0, None, [], None)


def _blocks(sequence: Iterable[nn.Module]) -> list[tuple[Convolution, Convolution]]:
    blocks = (block for block in sequence if isinstance(block, ResidualBlock))
    return [(Convolution(block.first), Convolution(block.second)) for block in blocks]


def run_blocks(blocks: Iterable[tuple[Any, Any]], x: Tensor) -> Tensor:
    """x through residual blocks, each the two convolutions of a ResidualBlock in this module's or int8's form."""
    for first, second in blocks:
        x = second.plus(first(x, then="relu"), x)
    return x


def as_convolution(layer: nn.ConvTranspose2d) -> nn.Conv2d:
    """A transposed convolution of 2 × 2 with stride 2 as one of 1 × 1 whose channels are (row, column, channel)."""
    coarse, fine = layer.weight.shape[:2]
    same = nn.Conv2d(coarse, 4 * fine, 1)
    assert layer.bias is not None
    same.weight.data = layer.weight.detach().permute(2, 3, 1, 0).reshape(4 * fine, coarse, 1, 1)
    same.bias = nn.Parameter(layer.bias.detach().repeat(4))
    return same


def folded(x: Tensor, sigma: Tensor) -> Tensor:
    """Pixel-unshuffle by 2 and the map of the noise level, (1, 4 slices + 1, rows / 2, columns / 2)."""
    _, slices, rows, columns = x.shape
    out = torch.empty((1, 4 * slices + 1, rows // 2, columns // 2), dtype=torch.bfloat16)
    for row in range(2):
        for column in range(2):
            out[0, 2 * row + column : -1 : 4] = x[0, :, row::2, column::2]
    out[:, -1] = 10 * sigma[0, 0, 0, 0]
    return out.contiguous(memory_format=torch.channels_last)


def unfolded(x: Tensor, *, add: Tensor | None = None) -> Tensor:
    """Channels (row, column, channel) of a channels-last x to pixels, two by two; `add` is of the result's shape."""
    _, channels, rows, columns = x.shape
    pixels = x.permute(0, 2, 3, 1).view(rows, columns, 2, 2, channels // 4).permute(0, 2, 1, 3, 4)
    out = torch.empty((1, 2 * rows, 2 * columns, channels // 4), dtype=x.dtype)
    view = out.view(rows, 2, columns, 2, channels // 4)
    if add is None:
        view.copy_(pixels)
    else:
        torch.add(pixels, add.permute(0, 2, 3, 1).view(view.shape), out=view)
    return out.permute(0, 3, 1, 2)
