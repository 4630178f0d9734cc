"""Losses against scikit-image, SciPy and the formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from processing.enhancement import losses
from processing.errors import InputError
from processing.metrics.quality import ms_ssim


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    """Two smooth images of 176 x 180 that differ by noise; range 1."""
    rng = np.random.default_rng(0)
    truth = ndimage.gaussian_filter(rng.uniform(0, 1, (176, 180)), 3)
    truth = (truth - truth.min()) / np.ptp(truth)
    return truth, truth + rng.normal(0, 0.05, truth.shape)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image)[None, None]


def test_ssim_equals_scikit_image(images: tuple[np.ndarray, np.ndarray]) -> None:
    truth, test = images
    expected = structural_similarity(
        truth, test, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert float(losses.ssim(tensor(test), tensor(truth))) == pytest.approx(1 - expected, abs=1e-6)


def test_multi_scale_ssim_equals_the_metric_where_there_is_room_for_five_scales(
    images: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, test = images
    metric = ms_ssim(truth, test, data_range=1)
    assert metric is not None
    # The weights of Wang et al. sum to 1.0001; the loss scales them to 1.
    assert float(losses.ms_ssim(tensor(test), tensor(truth))) == pytest.approx(1 - metric, abs=1e-4)


def test_small_patches_use_the_scales_they_have_room_for(images: tuple[np.ndarray, np.ndarray]) -> None:
    truth, test = (tensor(image[:16, :16]) for image in images)
    assert float(losses.ms_ssim(test, truth)) > 0
    luminance_and_structure = losses.ssim(test, truth)
    assert float(losses.ms_ssim(test, truth)) == pytest.approx(float(luminance_and_structure), abs=1e-6)
    with pytest.raises(InputError, match="11 pixels"):
        losses.ms_ssim(test[..., :8, :8], truth[..., :8, :8])


def test_gradient_error_takes_proper_sobel_magnitudes(images: tuple[np.ndarray, np.ndarray]) -> None:
    magnitudes = [np.hypot(*(ndimage.sobel(image, axis) / 8 for axis in (0, 1)))[1:-1, 1:-1] for image in images]
    expected = np.mean((magnitudes[0] - magnitudes[1]) ** 2)
    truth, test = map(tensor, images)
    assert float(losses.gradient_magnitude_error(test, truth)) == pytest.approx(expected, rel=1e-4)


def test_mix_is_the_sum_that_the_paper_means(images: tuple[np.ndarray, np.ndarray]) -> None:
    truth, test = map(tensor, images)
    mean_square = float(np.mean((images[0] - images[1]) ** 2))
    gradient, similarity = losses.gradient_magnitude_error(test, truth), 1 - losses.ms_ssim(test, truth)
    expected = mean_square + 0.1 * float(gradient) + 0.1 * (1 - float(similarity))
    assert float(losses.mix_e(test, truth)) == pytest.approx(expected)
    assert float(losses.mix_e(truth, truth)) == pytest.approx(0, abs=1e-6)


def test_psnr_is_the_mean_over_the_samples(images: tuple[np.ndarray, np.ndarray]) -> None:
    truth, test = images
    better = (truth + test) / 2
    pair = torch.cat([tensor(test), tensor(better)]), torch.cat([tensor(truth)] * 2)
    expected = np.mean([peak_signal_noise_ratio(truth, image, data_range=1) for image in (test, better)])
    assert -float(losses.psnr(*pair)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_a_batch_counts_as_the_mean_of_its_samples(images: tuple[np.ndarray, np.ndarray], name: str) -> None:
    truth, test = images
    pairs = [(tensor(test), tensor(truth)), (tensor(0.1 * truth), tensor(truth))]
    loss = losses.loss_named(name)
    expected = np.mean([float(loss(*pair)) for pair in pairs])
    together = loss(*(torch.cat(part) for part in zip(*pairs, strict=True)))
    assert float(together) == pytest.approx(expected, rel=1e-6)


def test_charbonnier_lies_between_absolute_and_rounded_difference() -> None:
    zero, one = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    assert float(losses.charbonnier(zero, zero)) == pytest.approx(1e-3)
    assert float(losses.charbonnier(one, zero)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_every_loss_is_least_for_the_truth_and_pulls_towards_it(
    images: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    truth, test = (tensor(image[:64, :64]) for image in images)
    test = test.clone().requires_grad_()
    loss = losses.loss_named(name)
    worse = loss(test, truth)
    worse.backward()
    worse = worse.detach()
    assert test.grad is not None
    assert torch.isfinite(test.grad).all()
    nearer = (test - 1e-3 * test.grad / test.grad.abs().max()).detach()
    assert float(loss(truth, truth)) < float(loss(nearer, truth)) < float(worse)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(InputError, match="l1, l2"):
        losses.loss_named("l3")


@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    rng = torch.Generator().manual_seed(2)
    # Not symmetric, so that no kink of a magnitude or a rectifier lies within the step.
    output, truth = torch.rand(2, 1, 1, 23, 23, dtype=torch.float64, generator=rng)
    loss, step = losses.loss_named(name), 1e-6
    output.requires_grad_()
    (slope,) = torch.autograd.grad(loss(output, truth), output)
    direction = torch.randn(output.shape, dtype=torch.float64, generator=rng)
    with torch.no_grad():
        both = [float(loss(output + sign * step * direction, truth)) for sign in (1, -1)]
    assert (both[0] - both[1]) / (2 * step) == pytest.approx(float((slope * direction).sum()), rel=1e-4)


def test_steins_estimate_finds_the_error_of_a_filter_without_the_truth() -> None:
    rng = torch.Generator().manual_seed(0)
    clean = torch.nn.functional.interpolate(torch.rand(4, 3, 8, 8, generator=rng), size=256, mode="bicubic")
    sigma = torch.full((4, 1, 1, 1), 0.1)
    noisy = clean + sigma * torch.randn(clean.shape, generator=rng)

    def smooth(seen: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(seen[:, 1:2], 3, stride=1, padding=1, count_include_pad=False)

    probe = torch.randn(4, 1, 256, 256, generator=rng)
    truth = float(((smooth(noisy) - clean[:, 1:2]) ** 2).mean())
    assert float(losses.mc_sure(smooth, noisy, sigma, probe)) == pytest.approx(truth, rel=0.05)
    # Not the distance to the noisy image, which would praise a network that changes nothing.
    assert float(losses.mc_sure(lambda seen: seen[:, 1:2], noisy, sigma, probe)) == pytest.approx(0.01, rel=0.05)


def test_steins_estimate_is_for_noise_only() -> None:
    losses.check_loss("mc_sure", task_is_denoise=True)
    with pytest.raises(InputError, match="task denoise only"):
        losses.check_loss("mc_sure", task_is_denoise=False)
    with pytest.raises(InputError, match="no loss “l3”"):
        losses.check_loss("l3", task_is_denoise=True)


def test_the_perceptual_loss_looks_at_edges_not_at_brightness() -> None:
    edge = torch.zeros(1, 1, 48, 48)
    edge[..., 24:] = 1
    assert float(losses.perceptual(edge + 0.2, edge)) == pytest.approx(0, abs=1e-6)
    blurred = torch.from_numpy(ndimage.gaussian_filter(edge.numpy(), (0, 0, 0, 3)))
    assert float(losses.perceptual(blurred, edge)) > 0.005
