"""How close a test volume is to a reference: SSIM, MS-SSIM, PSNR, MSE, NRMSE, L1, each with its conventions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from processing.errors import InputError
from processing.volume import Volume

Range = Literal["volume", "slice"] | float
METRICS = ("ssim", "ms_ssim", "psnr", "mse", "nrmse", "l1")

SIGMA = 1.5
RADIUS = 5  # 11 × 11 window: σ 1.5 cut off at 3.5 σ
K1, K2 = 0.01, 0.03
# Wang, Simoncelli & Bovik 2003, finest scale first.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST_MS_SSIM = RADIUS * 2 * 2 ** (len(SCALE_WEIGHTS) - 1)  # 160 pixels; the image must be larger


@dataclass(frozen=True)
class Comparison:
    """Metrics of one test volume against one reference; None is undefined, its cause in `reasons`.

    volume, foreground: metric → value. slices: index (from 0) and metrics of each slice. conventions: how
    every number is made. reasons: "volume.psnr" or "slices.3.psnr" → why it is undefined.
    """

    conventions: dict[str, Any]
    volume: dict[str, float | None]
    foreground: dict[str, float | None]
    slices: list[dict[str, Any]]
    reasons: dict[str, str] = field(default_factory=dict)


def compare(
    reference: Volume,
    test: Volume,
    *,
    mask: np.ndarray | None = None,
    data_range: Range = "volume",
    within: np.ndarray | None = None,
) -> Comparison:
    """All metrics, for the volume, the foreground and each slice.

    mask: bool (slices, rows, columns), the foreground; by default `foreground` of the reference. data_range:
    "volume" is the maximum of the reference, "slice" that of each of its slices, or a number. within: bool, where
    the test has values (a registered one ends somewhere): nothing outside counts, nor does an SSIM whose window
    reaches outside, and slices without any such pixel are left out; MS-SSIM is then undefined.
    Raises InputError if the volumes differ in shape or place, or a mask in shape.
    """
    if reference.shape != test.shape:
        raise InputError(f"The volumes differ in shape, {reference.shape} and {test.shape}; they cannot be compared.")
    if np.abs(reference.affine - test.affine).max() > 0.05 * min(reference.spacing):
        raise InputError("The volumes lie at different places; register them first.")
    region = foreground(reference.array) if mask is None else np.asarray(mask).astype(bool)
    for name, given in (("mask", region), ("overlap", within)):
        if given is not None and given.shape != reference.shape:
            raise InputError(f"The {name} has shape {given.shape}, the volumes {reference.shape}.")
    there = np.ones(reference.shape, bool) if within is None else np.asarray(within).astype(bool)
    region &= there
    x, y = reference.array, test.array
    ranges = _ranges(x, data_range)
    collected = _Collected(partial=within is not None)
    maps, windows = [], []
    slices: list[dict[str, Any]] = []
    for n, (a, b) in enumerate(zip(x, y, strict=True)):
        terms = _ssim_terms(a, b, ranges[n])
        maps.append(terms[0] * terms[1])
        windows.append(there[n] if within is None else _windows_inside(there[n]))
        if not there[n].any():
            continue
        found = _pixelwise(a[there[n]], b[there[n]], ranges[n])
        found |= {"ssim": _inner_mean(maps[n], windows[n]), "ms_ssim": None}
        if within is None:
            found["ms_ssim"] = _ms_ssim(a, b, ranges[n], terms)
        slices.append({"index": n, **collected.checked(f"slices.{n}", found, a, b)})
    number = max(ranges)
    whole = _pixelwise(x[there], y[there], number) if there.any() else dict.fromkeys(METRICS)
    whole |= {"ssim": _mean([s["ssim"] for s in slices]), "ms_ssim": _mean([s["ms_ssim"] for s in slices])}
    inside = _pixelwise(x[region], y[region], number) if region.any() else dict.fromkeys(METRICS)
    inside |= {"ssim": _inner_mean(np.stack(maps), region & np.stack(windows)), "ms_ssim": None}
    result = Comparison(
        conventions=conventions(data_range, number, given_mask=mask is not None),
        volume=collected.checked("volume", whole, x, y),
        foreground=collected.checked("foreground", inside, x, y),
        slices=slices,
        reasons=collected.reasons,
    )
    return result


def _windows_inside(there: np.ndarray) -> np.ndarray:
    """Pixels of a slice whose whole SSIM window lies where the test has values."""
    return ndimage.binary_erosion(there, np.ones((2 * RADIUS + 1, 2 * RADIUS + 1)), border_value=1)


def conventions(data_range: Range, value: float, *, given_mask: bool) -> dict[str, Any]:
    """How the numbers of a comparison are made."""
    return {
        "ssim": "mean over 2-D slices; Gaussian weights, sigma 1.5, 11 x 11; population covariance; "
        "5-pixel border left out; K1 0.01, K2 0.03 (Wang et al. 2004)",
        "ms_ssim": "mean over 2-D slices; 5 scales of 2 x 2 means, weights of Wang et al. 2003, window as ssim, "
        "negative terms set to 0",
        "psnr": "dB, 10 log10(range^2 / MSE), MSE of the whole volume",
        "mse": "mean of (test - reference)^2, image units squared",
        "nrmse": "root of MSE / mean of reference^2",
        "l1": "mean of |test - reference|, image units",
        "range_rule": data_range if isinstance(data_range, str) else "number",
        "data_range": value,
        "foreground": "given mask" if given_mask else FOREGROUND_RULE,
        "registered": False,
    }


FOREGROUND_RULE = (
    "reference smoothed in plane (Gaussian, sigma 2 pixels) above its Otsu threshold over the volume, "
    "holes in slices filled"
)


def foreground(array: np.ndarray) -> np.ndarray:
    """Mask (bool) of the patient in a reference volume by FOREGROUND_RULE; empty if the volume is constant."""
    smooth = ndimage.gaussian_filter(array.astype(np.float32), (0, 2, 2))
    threshold = _otsu(smooth)
    if threshold is None:
        return np.zeros(array.shape, bool)
    return np.stack([ndimage.binary_fill_holes(image > threshold) for image in smooth])


def _otsu(values: np.ndarray) -> float | None:
    """Otsu's threshold on 256 bins; None if all values are the same."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return None
    counts, edges = np.histogram(values, bins=256, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.cumsum(counts * centres) / below
        upper = (np.cumsum((counts * centres)[::-1]) / np.cumsum(counts[::-1]))[::-1]
        between = below[:-1] * above[1:] * (means[:-1] - upper[1:]) ** 2
    return float(centres[int(np.nanargmax(between))])


def ssim_map(reference: np.ndarray, test: np.ndarray, *, data_range: float) -> np.ndarray:
    """Structural similarity at each pixel of one slice, float64 (rows, columns).

    Identical to scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True). NaN everywhere if the range is not positive.
    """
    luminance, structure = _ssim_terms(reference, test, data_range)
    return luminance * structure


def _ssim_terms(reference: np.ndarray, test: np.ndarray, data_range: float) -> tuple[np.ndarray, np.ndarray]:
    if not data_range > 0:
        nan = np.full(reference.shape, np.nan)
        return nan, nan
    x, y = reference.astype(np.float64), test.astype(np.float64)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_x, mean_y, xx, yy, xy = (_gaussian(image) for image in (x, y, x * x, y * y, x * y))
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance, (2 * cov + c2) / (var_x + var_y + c2)


def _gaussian(image: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(image, SIGMA, radius=RADIUS))


def ms_ssim(reference: np.ndarray, test: np.ndarray, *, data_range: float) -> float | None:
    """Multi-scale SSIM of one slice; None if a side has under 161 pixels or the range is not positive."""
    return _ms_ssim(reference, test, data_range, _ssim_terms(reference, test, data_range))


def _ms_ssim(
    reference: np.ndarray, test: np.ndarray, data_range: float, finest: tuple[np.ndarray, np.ndarray]
) -> float | None:
    """`ms_ssim` with the terms of the finest scale at hand."""
    if min(reference.shape) <= SMALLEST_MS_SSIM or not data_range > 0:
        return None
    x, y, product = reference.astype(np.float64), test.astype(np.float64), 1.0
    for n, weight in enumerate(SCALE_WEIGHTS):
        luminance, structure = _ssim_terms(x, y, data_range) if n else finest
        term = _inner_mean(luminance * structure if n == len(SCALE_WEIGHTS) - 1 else structure)
        product *= max(term or 0.0, 0.0) ** weight
        x, y = _halved(x), _halved(y)
    return float(product)


def _halved(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    return image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def _inner_mean(values: np.ndarray, region: np.ndarray | None = None) -> float | None:
    """Mean without the border of RADIUS pixels, over the region if given; None if nothing is left."""
    inner = (..., slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    chosen = values[inner] if region is None else values[inner][region[inner]]
    return float(chosen.mean()) if chosen.size and np.isfinite(chosen).all() else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _ranges(reference: np.ndarray, data_range: Range) -> list[float]:
    if data_range == "slice":
        return [float(image.max()) for image in reference]
    if data_range == "volume":
        return [float(reference.max())] * len(reference)
    if not isinstance(data_range, (int, float)) or not np.isfinite(data_range) or data_range <= 0:
        raise InputError('The range must be "volume", "slice" or a positive number.')
    return [float(data_range)] * len(reference)


def mse(reference: np.ndarray, test: np.ndarray) -> float:
    """Mean squared difference, image units squared."""
    return float(np.mean((test.astype(np.float64) - reference) ** 2))


def l1(reference: np.ndarray, test: np.ndarray) -> float:
    """Mean absolute difference, image units."""
    return float(np.mean(np.abs(test.astype(np.float64) - reference)))


def nrmse(reference: np.ndarray, test: np.ndarray) -> float | None:
    """Root mean squared difference over the root mean square of the reference; None if that is zero."""
    power = float(np.mean(reference.astype(np.float64) ** 2))
    return (mse(reference, test) / power) ** 0.5 if power > 0 else None


def psnr(reference: np.ndarray, test: np.ndarray, *, data_range: float) -> float | None:
    """Peak signal-to-noise ratio, dB; None if the arrays are identical or the range is not positive."""
    error = mse(reference, test)
    return float(10 * np.log10(data_range**2 / error)) if error > 0 and data_range > 0 else None


def percent_difference(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Percent difference map, |test − reference| / reference × 100 (Moummad et al. 2022, figure 3), float32.

    NaN where the reference is not positive: undefined there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.abs(test.astype(np.float32) - reference) / reference * np.float32(100)
    return np.where(reference > 0, percent, np.nan).astype(np.float32)


def difference_percent(reference: np.ndarray, test: np.ndarray, *, peak: float | None = None) -> np.ndarray:
    """Difference map, test − reference in percent of the reference's maximum, float32; shape as given.

    peak: that maximum, where the arrays are a part of the volume. Raises InputError if it is not positive.
    """
    peak = float(reference.max()) if peak is None else peak
    if peak <= 0:
        raise InputError("The reference has no positive value; a difference in percent is undefined.")
    return ((test.astype(np.float32) - reference) * np.float32(100 / peak)).astype(np.float32)


def _pixelwise(reference: np.ndarray, test: np.ndarray, data_range: float) -> dict[str, float | None]:
    return {
        "psnr": psnr(reference, test, data_range=data_range),
        "mse": mse(reference, test),
        "nrmse": nrmse(reference, test),
        "l1": l1(reference, test),
    }


class _Collected:
    """Brings metrics into their order and says why one is undefined."""

    def __init__(self, *, partial: bool = False) -> None:
        self.reasons: dict[str, str] = {}
        self.partial = partial

    def checked(
        self, where: str, found: dict[str, float | None], reference: np.ndarray, test: np.ndarray
    ) -> dict[str, float | None]:
        for name in METRICS:
            if found[name] is None:
                reason = _reason(where, name, found, reference)
                if self.partial and found["mse"] is not None and name in ("ssim", "ms_ssim"):
                    reason = "windows reach outside the part that both series cover"
                self.reasons[f"{where}.{name}"] = reason
        return {name: found[name] for name in METRICS}


def _reason(where: str, name: str, found: dict[str, float | None], reference: np.ndarray) -> str:
    if found["mse"] is None:
        return "the foreground is empty"
    if name == "psnr" and found["mse"] == 0:
        return "the images are identical: infinite"
    if name == "ms_ssim" and where == "foreground":
        return "scales mix foreground and background"
    if name == "ms_ssim" and min(reference.shape[-2:]) <= SMALLEST_MS_SSIM:
        return f"5 scales need over {SMALLEST_MS_SSIM} pixels in rows and columns"
    if name == "ssim" and min(reference.shape[-2:]) <= 2 * RADIUS:
        return "no pixel is left inside the 5-pixel border"
    if name == "nrmse":
        return "the reference is zero everywhere"
    return "the range is not positive"
