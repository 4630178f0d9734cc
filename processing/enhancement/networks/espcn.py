"""ESPCN (Shi et al. 2016), for comparison."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ESPCN(nn.Module):
    """Convolutions at half the matrix, and the last one's channels laid out as pixels (Shi et al. 2016: 5 × 5 × 64,
    3 × 3 × 32, tanh).

    The paper's input is the small image; here it is the small image in a full matrix, which is halved again by the mean
    of two by two pixels, so that all networks are given the same.
    """

    slices = 1
    estimates = False
    stride = 2

    def __init__(self, *, channels: tuple[int, int] = (64, 32)) -> None:
        super().__init__()
        first, second = channels
        self.body = nn.Sequential(
            nn.Conv2d(1, first, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(first, second, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(second, 4, 3, padding=1),
        )

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The full matrix of a batch (n, 1, rows, columns), sides even; sigma is not used."""
        return functional.pixel_shuffle(self.body(functional.avg_pool2d(x, 2)), 2).to(x.dtype)
