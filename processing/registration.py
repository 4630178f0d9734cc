"""Rigid alignment of two acquisitions of one case, in patient coordinates."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from processing.errors import InputError
from processing.metrics.quality import foreground
from processing.volume import Volume

BINS = 50
SAMPLES = 150_000  # voxels of the fixed volume that the metric looks at
LONGEST_SIDE = 256  # in-plane matrix of the finest level
SHRINKS = (4, 2, 1)
STEPS = {4: 1.0, 2: 0.3, 1: 0.1}  # mm of the first step at each level
STARTS = (-12.0, -6.0, 0.0, 6.0, 12.0)  # mm along x, y and z
LARGEST_ROTATION, LARGEST_TRANSLATION = 30.0, 50.0  # degrees, mm: more is no patient who was asked to lie still
LEAST_OVERLAP = 0.5  # of the fixed volume's foreground
LEAST_SLICES = 3
KEPT_DIGITS = (4, 4, 4, 2, 2, 2)  # radians, mm: SimpleITK's last digits depend on what ran in the process before
CONVENTIONS = {
    "transform": "rigid, six parameters (Euler), about the centre of the fixed volume; LPS, mm",
    "metric": f"Mattes mutual information, {BINS} bins, in the foreground of the fixed volume, at most {SAMPLES} "
    "voxels, regularly spaced with a fixed seed",
    "optimiser": "regular step gradient descent, three levels in plane (matrix / 4, / 2, / 1 of at most "
    f"{LONGEST_SIDE} pixels), all slices at each",
    "start": "patient coordinates, shifted by up to 12 mm along each axis where that gives more mutual information",
    "interpolation": "linear",
    "identity": "kept unless the alignment found has more mutual information, and the opposite one less: interpolation "
    "smooths noise, and any move gains by that",
    "kept": "angles to 0.0001 rad, shifts to 0.01 mm",
    "quality": "normalised mutual information (H(A) + H(B)) / H(A, B), 64 bins (Studholme et al. 1999), and "
    "Pearson's correlation, both over the foreground of the fixed volume that the moving one covers",
    "refused": f"over {LARGEST_ROTATION:g} degrees or {LARGEST_TRANSLATION:g} mm, or "
    f"covering less than {LEAST_OVERLAP:.0%} of the foreground",
}


@dataclass(frozen=True)
class Registration:
    """Where the fixed volume's points lie in the moving one.

    matrix: 4 × 4, takes a point of the fixed volume to the moving one (LPS, mm); the identity if refused. rotation:
    degrees about the centre; translation: mm of the centre (x, y, z). overlap: share of the fixed foreground that
    the moving volume covers. before, after: "nmi" and "correlation". used: False if the result was refused, with the
    reason. software: name and version.
    """

    matrix: np.ndarray
    rotation: float
    translation: tuple[float, float, float]
    overlap: float
    before: dict[str, float | None]
    after: dict[str, float | None]
    used: bool
    reason: str
    software: str


def register(fixed: Volume, moving: Volume, *, progress: Callable[[float], None] | None = None) -> Registration:
    """Rigidly align one volume to another, starting from their patient coordinates.

    Parameters
    ----------
    fixed : Volume
        Stays where it is; three slices or more.
    moving : Volume
        Is aligned to it; three slices or more.
    progress : callable, optional
        Called with the share done, 0 to 1.

    Returns
    -------
    Registration
        ``matrix`` from a point of the fixed volume to the moving one (LPS, mm), ``rotation`` in degrees,
        ``translation`` in mm, ``overlap`` 0 to 1, agreement ``before`` and ``after``; ``used`` is False with the
        ``reason`` where the result was refused, and the matrix then the identity.

    Raises
    ------
    InputError
        For volumes of under three slices, or without any contrast.

    Notes
    -----
    Conventions: ``CONVENTIONS``. Angles are kept to 0.0001 rad and shifts to 0.01 mm, far below what registration can
    tell, and SimpleITK runs on one thread: the same volumes give the same matrix.

    References
    ----------
    Studholme et al. 1999, for the normalised mutual information.

    Examples
    --------
    The same image 3 mm further to the left.

    >>> import numpy as np
    >>> from processing.registration import register
    >>> from processing.volume import Volume
    >>> array = np.zeros((5, 48, 48))
    >>> array[1:4, 12:36, 16:32] = 100
    >>> array[1:4, 18:24, 20:26] = 200
    >>> there = np.eye(4)
    >>> there[0, 3] = 3
    >>> found = register(Volume(array, np.eye(4)), Volume(array, there))
    >>> found.used, [round(shift) for shift in found.translation]
    (True, [3, 0, 0])
    """
    for volume in (fixed, moving):
        if volume.shape[0] < LEAST_SLICES:
            raise InputError(f"Registration needs at least {LEAST_SLICES} slices; a series has {volume.shape[0]}.")
        if np.ptp(volume.array) == 0:
            raise InputError("A series has the same value everywhere; it cannot be registered.")
    mask = foreground(fixed.array)
    if fixed.padding is not None:
        mask &= ~fixed.padding
    if not mask.any():
        raise InputError("The reference series has no foreground; it cannot be registered.")
    transform = sitk.Euler3DTransform()
    slices, rows, columns = fixed.shape
    centre = fixed.affine @ np.array([(columns - 1) / 2, (rows - 1) / 2, (slices - 1) / 2, 1.0])
    transform.SetCenter([float(value) for value in centre[:3]])
    transform.SetTranslation(_best_start(transform, fixed, moving, mask))
    best = _quality(_matrix(transform), fixed, moving, mask)[0]["nmi"] or 0.0
    for level, shrink in enumerate(SHRINKS):
        kept = transform.GetParameters()
        _refine(transform, fixed, moving, mask, shrink)
        # A level may leave the basin of the one before; then that one's result stays.
        found = _quality(_matrix(transform), fixed, moving, mask)[0]["nmi"] or 0.0
        if found < best:
            transform.SetParameters(kept)
        best = max(best, found)
        if progress is not None:
            progress((level + 1) / len(SHRINKS))
    transform.SetParameters(
        [round(value, digits) for value, digits in zip(transform.GetParameters(), KEPT_DIGITS, strict=True)]
    )
    return _judged(_matrix(transform), centre[:3], fixed, moving, mask)


def apply(matrix: np.ndarray, moving: Volume, *, like: Volume) -> tuple[Volume, np.ndarray]:
    """Bring a moving volume onto the grid of another, by linear interpolation.

    Parameters
    ----------
    matrix : ndarray, shape (4, 4)
        From a point of ``like`` to one of ``moving`` (LPS, mm).
    moving : Volume
        What is brought there.
    like : Volume
        Whose grid it gets.

    Returns
    -------
    placed : Volume
        On the grid of ``like``; what lies outside is 0.
    inside : ndarray of bool, shape (slices, rows, columns)
        Where it has values that no padding went into.

    Examples
    --------
    One pixel further: the last column has no values.

    >>> import numpy as np
    >>> from processing.registration import apply
    >>> from processing.volume import Volume
    >>> moving, matrix = Volume([[[1, 2, 3]]], np.eye(4)), np.eye(4)
    >>> matrix[0, 3] = 1
    >>> placed, inside = apply(matrix, moving, like=moving)
    >>> placed.array.tolist(), inside.tolist()
    ([[[2.0, 3.0, 0.0]]], [[[True, True, False]]])
    """
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(np.asarray(matrix)[:3, :3].ravel().tolist())
    transform.SetTranslation(np.asarray(matrix)[:3, 3].tolist())
    grid, image = itk_image(like), itk_image(moving)
    there = sitk.GetArrayFromImage(sitk.Resample(image, grid, transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32))
    whole = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    whole.CopyInformation(image)
    inside = sitk.GetArrayFromImage(sitk.Resample(whole, grid, transform, sitk.sitkNearestNeighbor, 0)) > 0
    mixed_in = None
    if moving.padding is not None:
        padding = sitk.GetImageFromArray(moving.padding.astype(np.float32))
        padding.CopyInformation(image)
        mixed_in = sitk.GetArrayFromImage(sitk.Resample(padding, grid, transform, sitk.sitkLinear, 0.0)) > 0
        inside &= ~mixed_in
    return replace(like, array=there, padding=mixed_in, cautions=moving.cautions), inside


def itk_image(volume: Volume) -> sitk.Image:
    """The volume as SimpleITK sees it: the same array and the same place (both LPS)."""
    image = sitk.GetImageFromArray(volume.array)
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetDirection((volume.affine[:3, :3] / spacing).ravel().tolist())
    return image


def _in_plane(image: sitk.Image, shrink: int) -> sitk.Image:
    """Fewer pixels, the same slices: thick slices cannot be spared."""
    factor = max(1, round(shrink * max(1.0, max(image.GetSize()[:2]) / LONGEST_SIDE)))
    return sitk.BinShrink(image, [factor, factor, 1]) if factor > 1 else image


def _method(fixed: Volume, moving: Volume, mask: np.ndarray, shrink: int) -> tuple:
    """The metric of one level, and the two images it compares."""
    region = sitk.GetImageFromArray(mask.astype(np.float32))
    region.CopyInformation(itk_image(fixed))
    target, image = _in_plane(itk_image(fixed), shrink), _in_plane(itk_image(moving), shrink)
    region = sitk.Cast(_in_plane(region, shrink) > 0, sitk.sitkUInt8)
    voxels = int(np.prod(target.GetSize()))
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(region)
    if voxels > SAMPLES:
        method.SetMetricSamplingStrategy(method.REGULAR)
        method.SetMetricSamplingPercentage(SAMPLES / voxels, 1)
    method.SetInterpolator(sitk.sitkLinear)
    return method, target, image


def _best_start(
    transform: sitk.Euler3DTransform, fixed: Volume, moving: Volume, mask: np.ndarray
) -> tuple[float, float, float]:
    """The shift on a coarse grid with the most mutual information; none if nothing overlaps."""
    method, target, image = _method(fixed, moving, mask, SHRINKS[0])
    found = []
    for shift in product(STARTS, STARTS, STARTS):
        trial = sitk.Euler3DTransform(transform)
        trial.SetTranslation(shift)
        method.SetInitialTransform(trial)
        with suppress(RuntimeError):  # SimpleITK's only word for "the volumes do not overlap there"
            found.append((method.MetricEvaluate(target, image), np.linalg.norm(shift), shift))
    return min(found)[2] if found else (0.0, 0.0, 0.0)


def _refine(transform: sitk.Euler3DTransform, fixed: Volume, moving: Volume, mask: np.ndarray, shrink: int) -> None:
    """One level; changes `transform`."""
    method, target, image = _method(fixed, moving, mask, shrink)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=STEPS[shrink],
        minStep=STEPS[shrink] / 1000,
        numberOfIterations=100,
        gradientMagnitudeTolerance=1e-6,
        relaxationFactor=0.6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    with suppress(RuntimeError):  # no overlap: `_judged` says so
        method.Execute(target, image)


def _matrix(transform: sitk.Euler3DTransform) -> np.ndarray:
    turn = np.array(transform.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, centre + shift - turn @ centre
    return np.round(matrix, 9)


def _judged(matrix: np.ndarray, centre: np.ndarray, fixed: Volume, moving: Volume, mask: np.ndarray) -> Registration:
    before, overlap_before = _quality(np.eye(4), fixed, moving, mask)
    if before["nmi"] is not None and _nothing_better(matrix, before["nmi"], fixed, moving, mask):
        matrix = np.eye(4)  # the patient did not move
    after, overlap = _quality(matrix, fixed, moving, mask)
    cosine = (np.trace(matrix[:3, :3]) - 1) / 2
    rotation = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    shift = matrix[:3, :3] @ centre + matrix[:3, 3] - centre
    reason = ""
    if after["nmi"] is None or overlap < LEAST_OVERLAP:
        reason = f"The two series share only {overlap:.0%} of the patient that the reference shows."
    elif rotation > LARGEST_ROTATION or np.linalg.norm(shift) > LARGEST_TRANSLATION:
        reason = (
            f"The best alignment found turns by {rotation:.0f}° and shifts by {np.linalg.norm(shift):.0f} mm, which is "
            "not plausible within one examination."
        )
    if reason:
        return refused(reason, overlap=overlap_before, before=before)
    x, y, z = (float(value) for value in shift)
    return Registration(matrix, rotation, (x, y, z), overlap, before, after, True, "", _software())


def refused(reason: str, *, overlap: float = 0.0, before: dict[str, float | None] | None = None) -> Registration:
    """No alignment, and why: the volumes stay where their patient coordinates put them."""
    before = before or {"nmi": None, "correlation": None}
    return Registration(np.eye(4), 0.0, (0.0, 0.0, 0.0), overlap, before, before, False, reason, _software())


def _software() -> str:
    return f"SimpleITK {sitk.Version.VersionString()}"


def _nothing_better(matrix: np.ndarray, nmi: float, fixed: Volume, moving: Volume, mask: np.ndarray) -> bool:
    """Whether the identity does as well. Interpolation smooths noise, and any move whatever gains by that: one that is
    true gains more, so that the opposite move does worse than none."""
    found = _quality(matrix, fixed, moving, mask)[0]["nmi"]
    if found is None or found <= nmi:
        return True
    opposite = _quality(np.linalg.inv(matrix), fixed, moving, mask)[0]["nmi"]
    return opposite is not None and opposite >= nmi


def _quality(
    matrix: np.ndarray, fixed: Volume, moving: Volume, mask: np.ndarray
) -> tuple[dict[str, float | None], float]:
    """Agreement over the part of the foreground that the moving volume covers, and the share of that part."""
    placed, inside = apply(matrix, moving, like=fixed)
    common = mask & inside
    share = float(common.sum() / mask.sum())
    a, b = fixed.array[common], placed.array[common]
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"nmi": None, "correlation": None}, share
    joint = np.histogram2d(a, b, bins=64)[0] / a.size
    entropies = [_entropy(joint.sum(1)), _entropy(joint.sum(0)), _entropy(joint.ravel())]
    return {
        "nmi": (entropies[0] + entropies[1]) / entropies[2],
        "correlation": float(np.corrcoef(a, b)[0, 1]),
    }, share


def _entropy(shares: np.ndarray) -> float:
    known = shares[shares > 0]
    return float(-(known * np.log(known)).sum())


def as_dict(alignment: Registration) -> dict[str, Any]:
    """The numbers of an alignment for JSON, without its matrix."""
    return {
        "rotation_degrees": alignment.rotation,
        "translation_mm": list(alignment.translation),
        "overlap": alignment.overlap,
        "before": alignment.before,
        "after": alignment.after,
        "used": alignment.used,
        "reason": alignment.reason,
        "software": alignment.software,
    }
