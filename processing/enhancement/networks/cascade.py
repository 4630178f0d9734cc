"""A deep cascade of small networks with data consistency, for undersampled k-space (Schlemper et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from processing.enhancement.networks.unet import ResidualBlock


def data_consistency(image: Tensor, lines: Tensor, sampled: Tensor, trust: float | None = None) -> Tensor:
    """Bring an image into line with what was measured (Schlemper et al. 2017, eq. 5 and 8).

    image: complex (n, rows, columns). lines: its measured k-space, orthonormal Fourier transform along the rows' axis,
    zero frequency first. sampled: bool (n, rows), which of the lines were measured. trust: λ; None for noiseless lines,
    which then stand unchanged. Linear in the image, so that autograd's backward rule is the paper's: 1 / (1 + λ) of the
    gradient on measured lines, all of it on the others.
    """
    weight = 1.0 if trust is None else trust / (1 + trust)
    found = torch.fft.fft(image, dim=1, norm="ortho")
    return torch.fft.ifft(found + weight * sampled[:, :, None] * (lines - found), dim=1, norm="ortho")


class Refiner(nn.Module):
    """A small U-Net that adds a correction to a complex image, folded by 2 (pixel-unshuffle); starts at zero."""

    def __init__(self, channels: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        fine, coarse = channels
        self.head = nn.Conv2d(8, fine, 3, padding=1)
        self.encoder = nn.Sequential(*(ResidualBlock(fine) for _ in range(blocks[0])))
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.bottom = nn.Sequential(*(ResidualBlock(coarse) for _ in range(blocks[1])))
        self.up = nn.ConvTranspose2d(coarse, fine, 2, stride=2)
        self.decoder = nn.Sequential(*(ResidualBlock(fine) for _ in range(blocks[2])))
        self.tail = nn.Conv2d(fine, 8, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, image: Tensor) -> Tensor:
        """The correction; real and imaginary part are channels within."""
        rows, columns = image.shape[1:]
        x = torch.view_as_real(image).permute(0, 3, 1, 2)
        x = functional.pad(x, (0, -columns % 4, 0, -rows % 4), mode="replicate")
        fine = self.encoder(self.head(functional.pixel_unshuffle(x, 2)))
        out = self.tail(self.decoder(fine + self.up(self.bottom(self.down(fine)))))
        out = functional.pixel_shuffle(out, 2)[:, :, :rows, :columns].to(x.dtype)
        return torch.view_as_complex(out.permute(0, 2, 3, 1).contiguous())


class Cascade(nn.Module):
    """Refiners in a row, each followed by data consistency.

    Works on the image turned by the phase that the sampled middle of k-space shows, so that it is nearly real.
    """

    slices = 1
    estimates = False
    stride = 1  # of rows and columns: any number will do

    def __init__(
        self, *, cascades: int = 5, channels: Sequence[int] = (32, 64), blocks: Sequence[int] = (1, 2, 1)
    ) -> None:
        super().__init__()
        self.refiners = nn.ModuleList(Refiner(channels, blocks) for _ in range(cascades))

    def forward(self, x: Tensor, sigma: Tensor, trust: float | None = None) -> Tensor:
        """Reconstruct a batch.

        x: (n, 2, rows, columns), real and imaginary part of the orthonormal Fourier transform of the images along the
        rows' axis, zero frequency first, 0 where not sampled; magnitudes of the images about 0..1. sigma: (n, 1, rows,
        1), 1 for the lines that are sampled, else 0; other networks are told the noise in its place. trust: as in
        `data_consistency`. Returns the images, (n, 2, rows, columns).
        """
        lines, sampled = torch.complex(x[:, 0], x[:, 1]), sigma[:, 0, :, 0] > 0
        turn = phase_of_middle(lines, sampled)
        image = torch.fft.ifft(lines, dim=1, norm="ortho")
        for refiner in self.refiners:
            image = image + refiner(image * turn.conj()) * turn
            image = data_consistency(image, lines, sampled, trust)
        return torch.view_as_real(image).permute(0, 3, 1, 2)


def phase_of_middle(lines: Tensor, sampled: Tensor) -> Tensor:
    """Complex numbers of length 1 with the phase of the image that the unbroken run of sampled lines around zero
    frequency gives, under a Hann window."""
    rows = sampled.shape[1]
    runs = torch.stack([sampled, sampled.roll(-1, 1).flip(1)])  # the second: from zero frequency downwards
    reach = runs.long().cumprod(2).sum(2).amin(0).clamp(min=1)
    frequency = torch.fft.fftfreq(rows, 1 / rows, device=lines.device).abs()
    window = torch.cos(torch.pi / 2 * (frequency / reach[:, None]).clamp(max=1)) ** 2
    low = torch.fft.ifft(lines * window[:, :, None], dim=1, norm="ortho")
    size = low.abs()
    return torch.where(size > 0, low / size.clamp(min=1e-12), torch.ones((), dtype=low.dtype, device=low.device))
