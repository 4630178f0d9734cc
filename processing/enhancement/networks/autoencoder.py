"""A denoising autoencoder (Vincent et al. 2010, convolutional), for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class DenoisingAutoencoder(nn.Module):
    """Down by convolutions of stride 2 to a narrow code and up again by transposed ones, without skips: what does not
    fit through the code is lost."""

    slices = 1
    estimates = False

    def __init__(self, *, channels: Sequence[int] = (32, 64, 64)) -> None:
        super().__init__()
        self.stride = 2 ** len(channels)
        widths = (1, *channels)
        down: list[nn.Module] = []
        for inside, outside in pairwise(widths):
            down += [nn.Conv2d(inside, outside, 3, stride=2, padding=1), nn.ReLU()]
        up: list[nn.Module] = []
        for inside, outside in pairwise(reversed(widths)):
            up += [nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*down, *up[:-1])  # the last without ReLU

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """A batch (n, 1, rows, columns) through the code, sides multiples of `stride`; sigma is not used."""
        return self.body(x).to(x.dtype)
