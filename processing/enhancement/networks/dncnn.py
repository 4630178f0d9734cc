"""DnCNN (Zhang et al. 2017), for comparison."""

from __future__ import annotations

from torch import Tensor, nn


class DnCNN(nn.Module):
    """Estimates the noise of a slice by a row of 3 × 3 convolutions and takes it away; blind to its level.

    `depth` layers of `channels` channels, batch normalisation in all but the first and the last (Zhang et
    al. 2017, section III; 17 × 64 there).
    """

    slices = 1
    estimates = False
    stride = 1

    def __init__(self, *, depth: int = 17, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoise a batch (n, 1, rows, columns); sigma is not used."""
        return x - self.body(x).to(x.dtype)
