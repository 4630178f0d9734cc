"""Nine intensity features of Moummad et al. 2022 (Cancers 14:36), beside pyradiomics' own of similar names.

What the published workbook settles, and does: Min, Max and Mean are the plain ones; Skewness and Kurtosis (excess) are
moments over the sample SD (n - 1); CV is that SD over the mean, a fraction though its column says %; Median is the
middle of a bin of ITK's histogram, 256 bins over the range of the whole image. What it leaves open: Peak and
MaxOnMeanRing depend on voxels that are not published. Peak here is IBSI's global intensity peak (0F91), the highest
mean within 1 ml, as the SUVpeak of the group's earlier paper; the published values are whole numbers and cannot be
that. The ring is what lies within `ringWidth` mm around the volume of interest; the paper names no width.
"""

from __future__ import annotations

import math

import numpy as np
import SimpleITK
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve

from processing.volume import Array

_PEAK_RADIUS = (3000 / (4 * math.pi)) ** (1 / 3)  # mm, of a sphere of 1 ml


def intensity(image: SimpleITK.Image, inside: Array, *, names: list[str], ring: float) -> dict[str, float]:
    """The features by name, NaN where one has no number. `inside`: of two voxels or more, on the grid of `image`."""
    array = SimpleITK.GetArrayViewFromImage(image)
    spacing = np.array(image.GetSpacing()[::-1])
    values = array[inside].astype(np.float64)
    mean, sd = values.mean(), values.std(ddof=1)
    centred = values - mean
    made = {
        "Min": lambda: values.min(),
        "Max": lambda: values.max(),
        "Mean": lambda: mean,
        "Median": lambda: histogram_median(values, float(array.min()), float(array.max())),
        "Skewness": lambda: (centred**3).mean() / sd**3,
        "Kurtosis": lambda: (centred**4).mean() / sd**4 - 3,
        "CV": lambda: sd / mean,
        "Peak": lambda: global_peak(array, inside, spacing),
        "MaxOnMeanRing": lambda: values.max() / _ring_mean(array, inside, spacing, ring),
    }
    return {name: float(made[name]()) for name in names}


def histogram_median(values: Array, lowest: float, highest: float) -> float:
    """ITK's median: the middle of the first of 256 bins from lowest to highest at which half the values are passed."""
    if lowest == highest:
        return lowest
    width = (highest - lowest) / 256
    bins = np.clip(((values - lowest) / width).astype(np.intp), 0, 255)
    passed = np.cumsum(np.bincount(bins, minlength=256))
    return lowest + (int(np.argmax(passed > values.size / 2)) + 0.5) * width


def global_peak(array: Array, inside: Array, spacing: Array) -> float:
    """The highest mean within a sphere of 1 ml around a voxel of the volume; voxels around the volume count too."""
    reach = np.floor(_PEAK_RADIUS / spacing).astype(int)
    part = _around(inside, reach)
    steps = np.meshgrid(
        *(np.arange(-one, one + 1) * size for one, size in zip(reach, spacing, strict=True)), indexing="ij"
    )
    sphere = (sum(step**2 for step in steps) <= _PEAK_RADIUS**2).astype(np.float64)
    near = array[part].astype(np.float64)
    # Counted from the middle of the values, so that the transform does not lose digits.
    middle = near.mean()
    total = fftconvolve(near - middle, sphere, mode="same")
    count = np.rint(fftconvolve(np.ones_like(near), sphere, mode="same"))
    return float((total / count)[inside[part]].max() + middle)


def _ring_mean(array: Array, inside: Array, spacing: Array, width: float) -> float:
    """Mean of what lies outside the volume and within `width` mm of its nearest voxel; NaN if nothing does."""
    part = _around(inside, np.ceil(width / spacing).astype(int))
    away = distance_transform_edt(~inside[part], sampling=spacing)
    ring = array[part][(away > 0) & (away <= width)]
    return float(ring.mean()) if ring.size else math.nan


def _around(inside: Array, reach: Array) -> tuple[slice, ...]:
    """The bounding box of the mask, wider by `reach` voxels where the image goes on."""
    box = [np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    return tuple(slice(max(line[0] - wider, 0), line[-1] + wider + 1) for line, wider in zip(box, reach, strict=True))
