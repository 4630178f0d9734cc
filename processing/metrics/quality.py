"""How close a test volume is to a reference: every metric of images, for the volume, regions and slices.

What the metrics are: `structural_similarity` (SSIM, MS-SSIM), `pixelwise` (PSNR, MSE, NRMSE, L1,
SNR, EPI, CoC), `dispersion` (coefficient of variation, entropy). Masks are compared by `overlap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from processing.errors import InputError
from processing.metrics import dispersion
from processing.metrics.pixelwise import (
    Sums,
    coc,
    difference_percent,
    epi,
    l1,
    laplacian,
    mse,
    nrmse,
    percent_difference,
    psnr,
    snr,
    sums,
)
from processing.metrics.structural_similarity import (
    RADIUS,
    SMALLEST_MS_SSIM,
    Bench,
    ms_ssim,
    over_slices,
    ssim,
    ssim_map,
)
from processing.volume import Volume

__all__ = [
    "METRICS",
    "ImageComparison",
    "Range",
    "coc",
    "compare",
    "conventions",
    "difference_percent",
    "epi",
    "foreground",
    "l1",
    "ms_ssim",
    "mse",
    "nrmse",
    "percent_difference",
    "psnr",
    "snr",
    "ssim",
    "ssim_map",
]

Range = Literal["volume", "slice"] | float
METRICS = ("ssim", "ms_ssim", "psnr", "mse", "nrmse", "l1", "snr", "epi", "coc")
IN_VOI = ("cv_reference", "cv_test", "entropy_reference", "entropy_test")


@dataclass(frozen=True)
class ImageComparison:
    """Metrics of one test volume against one reference; None is undefined, its cause in `reasons`.

    volume, foreground: metric → value. voi: the same with coefficient of variation and entropy of each volume; empty
    without a volume of interest. slices: index (from 0) and metrics of each slice. conventions: how every number is
    made. reasons: "volume.psnr" or "slices.3.psnr" → why it is undefined.
    """

    conventions: dict[str, Any]
    volume: dict[str, float | None]
    foreground: dict[str, float | None]
    slices: list[dict[str, Any]]
    reasons: dict[str, str] = field(default_factory=dict)
    voi: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """What a region of one or more slices adds to its metrics.

    pixels, edges: sums over its pixels, and over those of the high-passed slices. similarity: sum of SSIM over so many
    windows.
    """

    pixels: Sums = field(default_factory=Sums)
    edges: Sums = field(default_factory=Sums)
    similarity: float = 0.0
    windows: int = 0

    def __add__(self, other: _Part) -> _Part:
        return _Part(
            self.pixels + other.pixels,
            self.edges + other.edges,
            self.similarity + other.similarity,
            self.windows + other.windows,
        )

    def metrics(self, data_range: float) -> dict[str, float | None]:
        p = self.pixels
        defined = self.windows and np.isfinite(self.similarity)
        return {
            "ssim": self.similarity / self.windows if defined else None,
            "ms_ssim": None,
            "psnr": p.psnr(data_range),
            "mse": p.mse,
            "nrmse": p.nrmse,
            "l1": p.l1,
            "snr": p.snr,
            "epi": self.edges.correlation,
            "coc": p.correlation,
        }


def compare(
    reference: Volume,
    test: Volume,
    *,
    mask: np.ndarray | None = None,
    data_range: Range = "volume",
    within: np.ndarray | None = None,
    voi: np.ndarray | None = None,
    threads: int | None = None,
) -> ImageComparison:
    """All metrics of a test volume, for the volume, the foreground, a volume of interest and each slice.

    Parameters
    ----------
    reference, test : Volume
        On one grid; the test may be stored in another order.
    mask : ndarray of bool, shape (slices, rows, columns), optional
        The foreground, as masks are in the order of the reference; by default ``foreground`` of the reference.
    data_range : {"volume", "slice"} or float, default "volume"
        "volume" is the maximum of the reference, "slice" that of each of its slices, or a number.
    within : ndarray of bool, shape (slices, rows, columns), optional
        Where the test has values (a registered one ends somewhere): nothing outside counts, nor does an SSIM whose
        window reaches outside, and slices without any such pixel are left out; MS-SSIM is then undefined.
    voi : ndarray of bool, shape (slices, rows, columns), optional
        A volume of interest.
    threads : int, optional
        By default as many as the process has cores.

    Returns
    -------
    ImageComparison
        ``volume``, ``foreground`` and ``voi`` (metric → value), ``slices``, ``conventions``, and ``reasons`` for what
        is None. mse, l1 in image units (squared), psnr and snr in dB.

    Raises
    ------
    InputError
        If the volumes differ in shape or place, or a mask in shape.

    Notes
    -----
    How each metric is made stands in ``conventions``; psnr is of the MSE of the whole volume, ssim the mean over
    slices. Padding of either volume counts as the part outside ``within``.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.quality import compare
    >>> from processing.volume import Volume
    >>> array = np.zeros((2, 32, 32))
    >>> array[:, 8:24, 8:24] = 100
    >>> found = compare(Volume(array, np.eye(4)), Volume(array + 10, np.eye(4)))
    >>> found.volume["l1"], round(found.volume["psnr"], 4), found.volume["ms_ssim"], len(found.slices)
    (10.0, 20.0, None, 2)
    """
    test = test.in_order_of(reference)
    if reference.shape != test.shape:
        raise InputError(f"The volumes differ in shape, {reference.shape} and {test.shape}; they cannot be compared.")
    if not test.same_place(reference):
        raise InputError("The volumes lie at different places; register them first.")
    region = foreground(reference.array) if mask is None else np.asarray(mask).astype(bool)
    for name, given in (("mask", region), ("overlap", within), ("volume of interest", voi)):
        if given is not None and given.shape != reference.shape:
            raise InputError(f"The {name} has shape {given.shape}, the volumes {reference.shape}.")
    paddings = [one.padding for one in (reference, test) if one.padding is not None]
    padding = np.logical_or.reduce(paddings) if paddings else None
    counted = None if within is None else np.asarray(within).astype(bool)
    if padding is not None:
        counted = ~padding if counted is None else counted & ~padding
    inside = [region, *([] if voi is None else [np.asarray(voi).astype(bool)])]
    inside = [one if counted is None else one & counted for one in inside]
    x, y = reference.array, test.array
    ranges = _ranges(x, data_range)

    def worker() -> Callable[[int], tuple[list[_Part], float | None]]:
        bench = Bench()

        def one(n: int) -> tuple[list[_Part], float | None]:
            regions = [None if counted is None else counted[n], *(each[n] for each in inside)]
            return _slice_parts(bench, x[n], y[n], ranges[n], regions)

        return one

    per_slice = over_slices(worker, len(x), threads=threads)
    collected = _Collected(partial=counted is not None)
    slices: list[dict[str, Any]] = []
    for n, (parts, multiscale) in enumerate(per_slice):
        if counted is None or counted[n].any():
            values = parts[0].metrics(ranges[n]) | {"ms_ssim": multiscale}
            slices.append({"index": n, **collected.checked(f"slices.{n}", values, x)})
    number = max(ranges)
    totals = [sum((parts[k] for parts, _ in per_slice), _Part()) for k in range(1 + len(inside))]
    whole, patient, *rest = (total.metrics(number) for total in totals)
    whole |= {name: _mean([one[name] for one in slices]) for name in ("ssim", "ms_ssim")}
    result = ImageComparison(
        conventions=conventions(data_range, number, given_mask=mask is not None),
        volume=collected.checked("volume", whole, x),
        foreground=collected.checked("foreground", patient, x),
        slices=slices,
        reasons=collected.reasons,
    )
    if padding is not None:
        result.conventions["padding"] = "of either volume, left out of every number"
    if rest:
        result.conventions.update(VOI_CONVENTIONS)
        result.voi.update(collected.checked("voi", rest[0], x))
        result.voi.update(_dispersion(x[inside[1]], y[inside[1]], collected.reasons))
    return result


def _slice_parts(
    bench: Bench, x: np.ndarray, y: np.ndarray, data_range: float, regions: Sequence[np.ndarray | None]
) -> tuple[list[_Part], float | None]:
    """What each region of a slice adds, and MS-SSIM of the slice. The first region is all that may count; None: all."""
    whole, multiscale, similarity = regions[0], None, None
    if min(x.shape) > 2 * RADIUS:
        similarity = np.full([n - 2 * RADIUS for n in x.shape], np.nan)
        if data_range > 0:
            similarity, _, multiscale = bench.both(x, y, data_range)
    high = laplacian(x), laplacian(y)
    windows = None if whole is None else _eroded(whole, np.ones((2 * RADIUS + 1, 2 * RADIUS + 1)))
    crosses = None if whole is None else _eroded(whole, ndimage.generate_binary_structure(2, 1))
    parts = []
    for region in regions:
        values = (x, y) if region is None else (x[region], y[region])
        edges = high
        if region is not None:
            counted = (region if crosses is None else region & crosses)[1:-1, 1:-1]
            edges = high[0][counted], high[1][counted]
        total, count = 0.0, 0
        if similarity is not None:
            inner = similarity
            if region is not None:
                counted = region if windows is None else region & windows
                inner = similarity[counted[RADIUS:-RADIUS, RADIUS:-RADIUS]]
            total, count = float(inner.sum(axis=-1).sum(dtype=np.float64)), inner.size
        parts.append(_Part(sums(*values), sums(*edges), total, count))
    return parts, multiscale if whole is None else None


def _eroded(there: np.ndarray, structure: np.ndarray) -> np.ndarray:
    """Pixels of a slice whose whole window lies where the test has values."""
    return np.asarray(ndimage.binary_erosion(there, structure, border_value=1))


def _dispersion(x: np.ndarray, y: np.ndarray, reasons: dict[str, str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, values in (("reference", x), ("test", y)):
        found[f"cv_{name}"] = dispersion.coefficient_of_variation(values)
        several = values.size > 0 and np.ptp(values) > 0
        found[f"entropy_{name}"] = dispersion.entropy(values, bin_count=dispersion.BINS) if several else None
        why = {0: "the volume of interest is empty", 1: "one voxel only"}.get(values.size)
        if found[f"cv_{name}"] is None:
            reasons[f"voi.cv_{name}"] = why or "the mean is zero"
        if not several:
            reasons[f"voi.entropy_{name}"] = why or "all voxels have one value"
    return {name: found[name] for name in IN_VOI}


VOI_CONVENTIONS = {
    "cv": "standard deviation (n - 1) / |mean| of the voxels, a fraction",
    "entropy": f"bits; {dispersion.BINS} equal bins from the least to the greatest voxel of that volume",
}


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
        "snr": "dB, 10 log10(sum of reference^2 / sum of (test - reference)^2)",
        "epi": "correlation of the slices after a 3 x 3 Laplacian in plane, 1-pixel border left out "
        "(Sattar et al. 1997)",
        "coc": "Pearson correlation of the pixels",
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
    """Mask of the patient in a reference volume.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Magnitude, any units.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns)
        Empty if the volume is constant.

    Notes
    -----
    By ``FOREGROUND_RULE``: Otsu's threshold of the smoothed volume, holes of each slice filled.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.quality import foreground
    >>> array = np.zeros((1, 64, 64))
    >>> array[0, 16:48, 16:48] = 100
    >>> found = foreground(array)
    >>> bool(found[0, 32, 32]), bool(found[0, 4, 4])
    (True, False)
    """
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


class _Collected:
    """Brings metrics into their order and says why one is undefined."""

    def __init__(self, *, partial: bool = False) -> None:
        self.reasons: dict[str, str] = {}
        self.partial = partial

    def checked(self, where: str, found: dict[str, float | None], reference: np.ndarray) -> dict[str, float | None]:
        for name in METRICS:
            if found[name] is None:
                reason = _reason(where, name, found, reference)
                if self.partial and found["mse"] is not None and name in ("ssim", "ms_ssim"):
                    reason = "windows reach outside the part where both series have intensities"
                self.reasons[f"{where}.{name}"] = reason
        return {name: found[name] for name in METRICS}


def _reason(where: str, name: str, found: dict[str, float | None], reference: np.ndarray) -> str:
    if found["mse"] is None:
        return {"voi": "the volume of interest is empty"}.get(where, "the foreground is empty")
    if name in ("psnr", "snr") and found["mse"] == 0:
        return "the images are identical: infinite"
    if name == "ms_ssim" and where in ("foreground", "voi"):
        return (
            "scales mix pixels inside and outside the region"
            if where == "voi"
            else "scales mix foreground and background"
        )
    if name == "ms_ssim" and min(reference.shape[-2:]) < SMALLEST_MS_SSIM:
        return f"5 scales need at least {SMALLEST_MS_SSIM} rows and columns"
    if name == "ssim" and min(reference.shape[-2:]) <= 2 * RADIUS:
        return "no pixel is left inside the 5-pixel border"
    if name in ("nrmse", "snr"):
        return "the reference is zero everywhere"
    if name == "coc":
        return "the reference or the test is constant"
    if name == "epi":
        return "the reference or the test has no edge there"
    return "the range is not positive"
