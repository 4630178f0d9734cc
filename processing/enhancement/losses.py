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


def psnr_40(output: Tensor, truth: Tensor) -> Tensor:
    """The same up to 40 dB, where samples differ that much: those that were hardly degraded would outweigh the rest."""
    return 10 * torch.log10(((output - truth) ** 2).mean(dim=(1, 2, 3)) + 1e-4).mean()


def charbonnier(output: Tensor, truth: Tensor) -> Tensor:
    """Mean of √(d² + ε²), ε = 10⁻³ (Charbonnier et al. 1994; Lai et al. 2017)."""
    return torch.sqrt((output - truth) ** 2 + 1e-6).mean()


def ssim(output: Tensor, truth: Tensor) -> Tensor:
    """1 − SSIM (Wang et al. 2004: Gaussian window, σ 1.5, 11 × 11), of the windows inside the image."""
    luminance, structure = _ssim_terms(output, truth)
    return 1 - (luminance * structure).mean()


def ms_ssim(output: Tensor, truth: Tensor) -> Tensor:
    """Mean over the samples of 1 − MS-SSIM (Wang et al. 2003) of as many of the five scales as there is room for.

    The weights of the scales that are used are scaled to a sum of 1; all five need at least 176 pixels.
    """
    scales = sum(min(output.shape[2:]) // 2**n > 10 for n in range(len(SCALE_WEIGHTS)))
    if scales == 0:
        raise InputError("The loss ms_ssim needs patches of 11 pixels at least.")
    weights = torch.tensor(SCALE_WEIGHTS[:scales])
    product = torch.ones(())
    for n, weight in enumerate(weights / weights.sum()):
        luminance, structure = _ssim_terms(output, truth)
        term = (luminance * structure if n == scales - 1 else structure).mean(dim=(1, 2, 3))
        product = product * term.clamp(min=1e-6) ** weight  # the gradient of a power of 0 is infinite
        output, truth = functional.avg_pool2d(output, 2), functional.avg_pool2d(truth, 2)
    return 1 - product.mean()


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


def perceptual(output: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of what simple cells of an eye would see: first derivatives of Gaussians of three widths
    in eight directions, rectified. Nothing is learnt or downloaded."""
    difference = torch.zeros((), dtype=output.dtype)
    for width in (1.0, 2.0, 4.0):
        difference = difference + functional.l1_loss(_edges(output, width), _edges(truth, width))
    return difference / 3


def mc_sure(network: Callable[[Tensor], Tensor], noisy: Tensor, sigma: Tensor, probe: Tensor) -> Tensor:
    """Stein's unbiased estimate of the mean squared error, without the truth (Ramani, Blu and Unser 2008, eq. 9).

    ‖f(y) − y‖² / N − σ² + 2 σ² / (ε N) bᵀ(f(y + ε b) − f(y)) with a random probe b of mean 0 and variance 1 and
    ε = 10⁻³. It assumes white Gaussian noise of known σ; Rician noise is that where the signal is well above it.

    network: from (n, slices, rows, columns) to the middle slices, (n, 1, rows, columns). sigma: (n, 1, 1, 1). probe: of
    the shape of the network's output.
    """
    middle = noisy.shape[1] // 2
    step = 1e-3
    moved = noisy.clone()
    moved[:, middle : middle + 1] += step * probe
    output, beside = network(noisy), network(moved)
    divergence = (probe * (beside - output)).mean(dim=(1, 2, 3)) / step
    residual = ((output - noisy[:, middle : middle + 1]) ** 2).mean(dim=(1, 2, 3))
    variance = sigma[:, 0, 0, 0] ** 2
    return (residual - variance + 2 * variance * divergence).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1,
    "l2": l2,
    "psnr": psnr,
    "psnr_40": psnr_40,
    "charbonnier": charbonnier,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "mix_e": mix_e,
    "gradient": gradient_magnitude_error,
    "perceptual": perceptual,
}
_OF_TWO_CHANNELS = ("l1", "l2", "psnr", "charbonnier")  # real and imaginary part
MC_SURE = "mc_sure"  # the one that takes the network instead of the truth


def check_loss(name: str, *, task_is_denoise: bool, images_are_complex: bool = False) -> None:
    """Raise InputError if there is no loss of that name, or it does not fit the task."""
    if name not in (*LOSSES, MC_SURE):
        raise InputError(f"There is no loss “{name}”; there are {', '.join((*LOSSES, MC_SURE))}.")
    if name == MC_SURE and not task_is_denoise:
        raise InputError("The loss mc_sure estimates the error that noise makes; it fits the task denoise only.")
    if images_are_complex and name not in _OF_TWO_CHANNELS:
        raise InputError(f"Complex images are compared by {', '.join(_OF_TWO_CHANNELS)}, not by {name}.")


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


def _edges(image: Tensor, width: float) -> Tensor:
    """Slopes of the image smoothed by a Gaussian in eight directions, those downhill 0; borders left out."""
    bank = _bank(width).to(image)
    return functional.relu(functional.conv2d(image, bank, stride=max(round(width / 2), 1)))


@lru_cache(maxsize=3)
def _bank(width: float) -> Tensor:
    reach = round(2.5 * width)
    place = torch.arange(-reach, reach + 1, dtype=torch.float64)
    bell = torch.exp(-(place**2) / (2 * width**2))
    bell = bell / bell.sum()
    slope = -place * bell / (place**2 * bell).sum()  # of a ramp of slope 1 it makes −1
    turns = [torch.tensor(n * torch.pi / 4) for n in range(8)]
    pair = torch.outer(bell, slope), torch.outer(slope, bell)
    return torch.stack([torch.cos(t) * pair[0] + torch.sin(t) * pair[1] for t in turns])[:, None] * width


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
