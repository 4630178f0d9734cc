"""Losses for training, by the name that a configuration gives.

Each takes output and truth, float32 (n, 1, rows, columns) with intensities about 0..1 (range 1), and returns a
scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from processing.errors import InputError
from processing.metrics.structural_similarity import K1, K2, SCALE_WEIGHTS

_C1, _C2 = K1**2, K2**2  # of range 1


def l1(output: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference."""
    return functional.l1_loss(output, truth)


def l2(output: Tensor, truth: Tensor) -> Tensor:
    """Mean squared difference."""
    return functional.mse_loss(output, truth)


def psnr(output: Tensor, truth: Tensor) -> Tensor:
    """Mean over the samples of −PSNR in dB (range 1), up to 60 dB: a dB counts the same at each noise level, where
    l1 and l2 look mostly at the noisiest samples."""
    return 10 * torch.log10(((output - truth) ** 2).mean(dim=(1, 2, 3)) + 1e-6).mean()


def charbonnier(output: Tensor, truth: Tensor) -> Tensor:
    """Mean of √(d² + ε²), ε = 10⁻³ (Charbonnier et al. 1994; Lai et al. 2017)."""
    return torch.sqrt((output - truth) ** 2 + 1e-6).mean()


def ssim(output: Tensor, truth: Tensor) -> Tensor:
    """1 − SSIM (Wang et al. 2004: Gaussian window, σ 1.5, 11 × 11), of the windows inside the image."""
    luminance, structure = _ssim_terms(output, truth)
    return 1 - (luminance * structure).mean()


def ms_ssim(output: Tensor, truth: Tensor) -> Tensor:
    """1 − MS-SSIM (Wang et al. 2003) of as many of the five scales as the image has room for.

    The weights of the scales that are used are scaled to a sum of 1; all five need at least 176 pixels.
    """
    scales = sum(min(output.shape[2:]) // 2**n > 10 for n in range(len(SCALE_WEIGHTS)))
    if scales == 0:
        raise InputError("The loss ms_ssim needs patches of 11 pixels at least.")
    weights = torch.tensor(SCALE_WEIGHTS[:scales])
    product = torch.ones(())
    for n, weight in enumerate(weights / weights.sum()):
        luminance, structure = _ssim_terms(output, truth)
        term = (luminance * structure if n == scales - 1 else structure).mean()
        product = product * term.clamp(min=1e-6) ** weight  # the gradient of a power of 0 is infinite
        output, truth = functional.avg_pool2d(output, 2), functional.avg_pool2d(truth, 2)
    return 1 - product


def gradient_magnitude_error(output: Tensor, truth: Tensor) -> Tensor:
    """MGE: mean squared difference of the Sobel gradient magnitudes √(Gx² + Gy²).

    Moummad et al. (2022) print the magnitude without its squares, which would let opposite slopes cancel;
    the squares are meant.
    """
    return functional.mse_loss(_magnitude(output), _magnitude(truth))


def mix_e(output: Tensor, truth: Tensor) -> Tensor:
    """MixE = MSE + 0.1 MGE + 0.1 (1 − MS-SSIM) (Moummad et al. 2022).

    Printed with + 0.1 MS-SSIM, which would reward dissimilar images; 1 − MS-SSIM is meant.
    """
    return l2(output, truth) + 0.1 * gradient_magnitude_error(output, truth) + 0.1 * ms_ssim(output, truth)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1,
    "l2": l2,
    "psnr": psnr,
    "charbonnier": charbonnier,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "mix_e": mix_e,
}


def loss_named(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of that name; InputError if there is none."""
    if name not in LOSSES:
        raise InputError(f"There is no loss “{name}”; there are {', '.join(LOSSES)}.")
    return LOSSES[name]


def _magnitude(image: Tensor) -> Tensor:
    sobel = torch.tensor([[1.0, 2.0, 1.0]]).T @ torch.tensor([[-1.0, 0.0, 1.0]]) / 8
    kernels = torch.stack([sobel, sobel.T])[:, None].to(image)
    slopes = functional.conv2d(image, kernels)
    return torch.sqrt((slopes**2).sum(dim=1) + 1e-12)  # the slope of a root is infinite at 0


@lru_cache(maxsize=1)
def _window() -> Tensor:
    place = torch.arange(11, dtype=torch.float64) - 5
    weights = torch.exp(-(place**2) / (2 * 1.5**2))
    return (weights / weights.sum())[None, None, None]


def _mean(image: Tensor) -> Tensor:
    window = _window().to(image)
    return functional.conv2d(functional.conv2d(image, window), window.transpose(2, 3))


def _ssim_terms(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure terms at every pixel whose window lies inside."""
    mean_x, mean_y = _mean(x), _mean(y)
    var_x, var_y = _mean(x * x) - mean_x**2, _mean(y * y) - mean_y**2
    covariance = _mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return luminance, (2 * covariance + _C2) / (var_x + var_y + _C2)
