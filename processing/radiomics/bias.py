"""Correction of a slowly varying bias field, before anything is measured."""

from __future__ import annotations

import hashlib
from threading import Timer

import SimpleITK

_SHRINK = 4  # in plane; the field is smooth, and estimated on the smaller image
_ITERATIONS = (50, 50, 50, 50)
KEPT_SECONDS = 60.0  # then the pixels of a subject that was withdrawn have left every process
_kept: dict[str, SimpleITK.Image] = {}  # of the last series: its volumes of interest come one after the other


def corrected(image: SimpleITK.Image) -> SimpleITK.Image:
    """The image without its bias field: N4 (Tustison et al. 2010) on the voxels above Otsu's threshold.

    The field is estimated on every fourth voxel in plane, four levels of 50 iterations, and taken off the whole image.
    What was made of the last image is kept for a minute. Nobody may change it.
    """
    array = SimpleITK.GetArrayViewFromImage(image)
    place = f"{array.dtype} {image.GetSize()} {image.GetSpacing()} {image.GetOrigin()} {image.GetDirection()}"
    key = hashlib.sha256(place.encode() + array.tobytes()).hexdigest()
    found = _kept.get(key)
    if found is None:
        found = _corrected(image)
        _kept.clear()
        _kept[key] = found
        clock = Timer(KEPT_SECONDS, _kept.pop, (key, None))
        clock.daemon = True
        clock.start()
    return found


def _corrected(image: SimpleITK.Image) -> SimpleITK.Image:
    whole = SimpleITK.Cast(image, SimpleITK.sitkFloat64)
    least = [_SHRINK if length >= 8 * _SHRINK else 1 for length in whole.GetSize()[:2]]
    # Shorter stacks than the spline's support have fewer levels.
    levels = _ITERATIONS if min(whole.GetSize()) >= 8 else _ITERATIONS[:1]
    small = SimpleITK.Shrink(SimpleITK.Cast(whole, SimpleITK.sitkFloat32), [*least, 1])
    head = SimpleITK.OtsuThreshold(small, 0, 1)
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(levels))
    n4.Execute(small, head)
    field = SimpleITK.Cast(n4.GetLogBiasFieldAsImage(whole), SimpleITK.sitkFloat64)
    return whole / SimpleITK.Exp(field)
