"""A small residual U-Net for denoising, conditioned on the noise level; the network that is shipped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from processing.enhancement.networks.estimates import CHANNELS, MAPS

_ENDED = -1  # of the maps: how sharply k-space ends at its half
_WHOLE, _HALF = 0.4, 0.8  # orders of magnitude: at most if more was acquired, at least if not


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions around a ReLU, without normalisation: batch statistics would tie the output
    of one slice to its neighbours in the batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(functional.relu_(self.first(x))).add_(x)


def limited(x: Tensor) -> Tensor:
    """How surely half of k-space was not acquired, 0 to 1, (n, 1, 1, 1), from the maps that come last in x: only there
    a network that is shown estimates changes more than the ghost."""
    return ((x[:, _ENDED:, :1, :1] - _WHOLE) / (_HALF - _WHOLE)).clamp(0, 1)


class ResidualUNet(nn.Module):
    """Estimates the noise of a slice and takes it away.

    The slice and its neighbours are folded by 2 (pixel-unshuffle), joined by one constant map of the noise
    level, worked on at two scales of `channels[0]` and `channels[1]` channels with `blocks` residual blocks
    on the way down, at the bottom and on the way up, and unfolded. The last convolution starts at zero, so an
    untrained network changes nothing.
    """

    stride = 4  # rows and columns must be a multiple of this: pixel-unshuffle by 2, one scale down by 2

    def __init__(
        self,
        *,
        channels: Sequence[int] = (40, 80),
        blocks: Sequence[int] = (1, 2, 1),
        slices: int = 1,
        estimates: bool = False,
    ) -> None:
        """slices: how many the network sees at once, odd; it cleans the middle one. estimates: whether that one comes
        without its estimated ghost, and what the estimate was made of as well (networks.estimates)."""
        super().__init__()
        self.slices, self.estimates = slices, estimates
        fine, coarse = channels
        self.head = nn.Conv2d(4 * (slices + (CHANNELS - MAPS) * estimates) + 1, fine, 3, padding=1)
        self.encoder = nn.Sequential(*(ResidualBlock(fine) for _ in range(blocks[0])))
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.bottom = nn.Sequential(*(ResidualBlock(coarse) for _ in range(blocks[1])))
        self.up = nn.ConvTranspose2d(coarse, fine, 2, stride=2)
        self.decoder = nn.Sequential(*(ResidualBlock(fine) for _ in range(blocks[2])))
        self.tail = nn.Conv2d(fine, 4, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoise a batch.

        x: (n, slices, rows, columns), CHANNELS more if estimates; rows and columns multiples of `stride`, intensities
        about 0..1.
        sigma: (n, 1, 1, 1), standard deviation of the noise on the same scale.
        Returns the middle slices, (n, 1, rows, columns), in x's precision; only the residual is computed in a
        lower one (autocast).
        """
        folded = functional.pixel_unshuffle(x[:, :-MAPS] if self.estimates else x, 2)
        level = (10 * sigma).expand(-1, 1, folded.shape[2], folded.shape[3])  # 10 %, the largest, is 1
        fine = self.encoder(self.head(torch.cat([folded, level], dim=1)))
        out = self.tail(self.decoder(fine + self.up(self.bottom(self.down(fine)))))
        middle = self.slices // 2
        residual = functional.pixel_shuffle(out, 2).to(x.dtype)
        return x[:, middle : middle + 1] + (limited(x) * residual if self.estimates else residual)
