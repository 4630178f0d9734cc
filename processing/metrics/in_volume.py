"""What a volume of interest holds in one arm, and how far that is from the reference arm (Moummad et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from processing.errors import InputError
from processing.metrics import dispersion
from processing.metrics.pixelwise import percent_difference
from processing.metrics.quality import compare
from processing.metrics.structural_similarity import RADIUS
from processing.volume import Volume

Array = np.ndarray
ALONE = ("mean", "cv", "entropy")
BESIDE = ("psnr", "ssim", "l1", "percent_difference")
CONVENTIONS = {
    "mean": "mean of the voxels, image units",
    "cv": "SD (n − 1) / |mean| of the voxels, a fraction",
    "entropy": f"bits; {dispersion.BINS} equal bins from the least to the greatest voxel",
    "psnr": "dB, MSE of the voxels, range: maximum of the reference volume",
    "ssim": "mean of the SSIM map over the voxels; Gaussian, sigma 1.5, 11 x 11; range as psnr",
    "l1": "mean of |arm − reference|, image units",
    "percent_difference": "mean of |arm − reference| / reference × 100 over voxels with a positive reference",
}
_MARGIN = 2 * RADIUS  # of the box that is compared: all that the windows of its voxels reach


@dataclass(frozen=True)
class InVolume:
    """Measures of one volume of interest: name → value, None where undefined, its cause in `reasons`."""

    values: dict[str, float | None]
    reasons: dict[str, str] = field(default_factory=dict)
    data_range: float | None = None


def alone(volume: Volume, inside: Array) -> InVolume:
    """Mean, coefficient of variation and entropy of the voxels of a mask.

    Parameters
    ----------
    volume : Volume
        One arm, on its own grid.
    inside : ndarray of bool, shape (slices, rows, columns)
        The volume of interest.

    Returns
    -------
    InVolume
        ``ALONE``, as ``CONVENTIONS`` says. Padding counts as outside.

    Raises
    ------
    InputError
        If the mask has another shape.

    Notes
    -----
    Entropy does not change with the unit of the images. It is at most log2 of the number of voxels.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.in_volume import alone
    >>> from processing.volume import Volume
    >>> found = alone(Volume(np.array([[[1.0, 2.0, 3.0, 90.0]]]), np.eye(4)), np.array([[[1, 1, 1, 0]]], bool))
    >>> found.values
    {'mean': 2.0, 'cv': 0.5, 'entropy': 1.584962500721156}
    """
    if inside.shape != volume.shape:
        raise InputError(f"The volume of interest has shape {inside.shape}, the series {volume.shape}.")
    counted = inside.astype(bool)
    if volume.padding is not None:
        counted = counted & ~volume.padding
    voxels = volume.array[counted].astype(np.float64)
    several = voxels.size > 0 and np.ptp(voxels) > 0
    values = {
        "mean": float(voxels.mean()) if voxels.size else None,
        "cv": dispersion.coefficient_of_variation(voxels),
        "entropy": dispersion.entropy(voxels, bin_count=dispersion.BINS) if several else None,
    }
    of_several = {"cv": "the mean is zero", "entropy": "all voxels have one value"}
    why = {0: "the volume of interest is empty", 1: "one voxel only"}.get(voxels.size)
    return InVolume(values, {name: why or of_several[name] for name, value in values.items() if value is None})


def beside(reference: Volume, test: Volume, inside: Array, *, within: Array | None = None) -> InVolume:
    """PSNR, SSIM, L1 and percent difference of an arm in a volume of interest.

    Parameters
    ----------
    reference, test : Volume
        On one grid.
    inside : ndarray of bool, shape (slices, rows, columns)
        The volume of interest, in the order of the reference.
    within : ndarray of bool, optional
        Where the test has values, if it was registered.

    Returns
    -------
    InVolume
        ``BESIDE``, as ``CONVENTIONS`` says; ``data_range`` is the maximum of the reference. Padding of either counts
        as outside.

    Raises
    ------
    InputError
        If the volumes or the mask differ in shape or place.

    Notes
    -----
    Only the box of the volume and what the windows of SSIM reach is compared: the values are those of the whole.

    References
    ----------
    Moummad et al. 2022, figures 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.in_volume import beside
    >>> from processing.volume import Volume
    >>> array = np.full((1, 32, 32), 100.0)
    >>> inside = np.zeros(array.shape, bool)
    >>> inside[0, 12:20, 12:20] = True
    >>> found = beside(Volume(array, np.eye(4)), Volume(array + 10, np.eye(4)), inside)
    >>> round(found.values["psnr"], 6), found.values["l1"], round(found.values["percent_difference"], 4)
    (20.0, 10.0, 10.0)
    """
    if inside.shape != reference.shape:
        raise InputError(f"The volume of interest has shape {inside.shape}, the series {reference.shape}.")
    test = test.in_order_of(reference)
    places = np.argwhere(inside)
    if not len(places):
        return InVolume(dict.fromkeys(BESIDE), dict.fromkeys(BESIDE, "the volume of interest is empty"))
    low, high = places.min(axis=0), places.max(axis=0) + 1
    margin = np.array([0, _MARGIN, _MARGIN])
    box = tuple(
        slice(int(a), int(b))
        for a, b in zip(np.maximum(low - margin, 0), np.minimum(high + margin, inside.shape), strict=True)
    )
    known = reference.array if reference.padding is None else reference.array[~reference.padding]
    largest = float(np.nanmax(known)) if known.size else 0.0
    if not largest > 0:
        return InVolume(dict.fromkeys(BESIDE), dict.fromkeys(BESIDE, "the reference has no positive value"))
    mine = inside[box].astype(bool)
    found = compare(
        _part(reference, box),
        _part(test, box),
        mask=mine,
        voi=mine,
        data_range=largest,
        within=None if within is None else within[box],
        threads=1,
    )
    counted = mine if within is None else mine & within[box]
    for one in (reference, test):
        if one.padding is not None:
            counted = counted & ~one.padding[box]
    percent = percent_difference(reference.array[box], test.array[box])[counted]
    percent = percent[np.isfinite(percent)]
    values: dict[str, Any] = {name: found.voi[name] for name in BESIDE[:3]}
    values["percent_difference"] = float(percent.mean(dtype=np.float64)) if percent.size else None
    reasons = {name: found.reasons[f"voi.{name}"] for name in BESIDE[:3] if values[name] is None}
    if not percent.size:
        reasons["percent_difference"] = "no voxel with a positive reference"
    return InVolume(values, reasons, largest)


def _part(volume: Volume, box: tuple[slice, ...]) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] += volume.affine[:3, :3] @ [box[2].start, box[1].start, box[0].start]
    return Volume(volume.array[box], affine, padding=None if volume.padding is None else volume.padding[box])
