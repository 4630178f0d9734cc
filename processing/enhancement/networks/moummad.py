"""The U-Net of Moummad et al. (2022), for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def _convolutions(inside: int, outside: int) -> nn.Sequential:
    """Two 3 × 3 convolutions, each followed by a ReLU; no batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.ReLU(),
    )


class MoummadUNet(nn.Module):
    """Maps a slice to a clean one: three scales, a bottleneck, three stride-2 transposed convolutions with
    skips, one output channel, nothing added to the input, the noise level not given (Moummad et al. 2022)."""

    slices = 1
    estimates = False

    def __init__(self, *, channels: Sequence[int] = (64, 128, 256), bottleneck: int = 512) -> None:
        super().__init__()
        self.stride = 2 ** len(channels)
        widths = (1, *channels)
        self.encoders = nn.ModuleList(_convolutions(a, b) for a, b in pairwise(widths))
        self.bottom = _convolutions(channels[-1], bottleneck)
        deep = (bottleneck, *reversed(channels))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairwise(deep))
        self.decoders = nn.ModuleList(_convolutions(2 * width, width) for width in reversed(channels))
        self.tail = nn.Conv2d(channels[0], 1, 1)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoise a batch (n, 1, rows, columns), sides multiples of `stride`; sigma is not used."""
        out, skips = x, []
        for encoder in self.encoders:
            out = encoder(out)
            skips.append(out)
            out = nn.functional.max_pool2d(out, 2)
        out = self.bottom(out)
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(skips), strict=True):
            out = decoder(torch.cat([up(out), skip], dim=1))
        return self.tail(out).to(x.dtype)
