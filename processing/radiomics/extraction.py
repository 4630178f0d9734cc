"""Radiomic features of a volume of interest: pyradiomics' own, computed on its bounding box.

pyradiomics spends most of its time on hashes and label statistics of the whole image. Here image and mask are cut to
the bounding box of the volume of interest first, and pyradiomics' feature classes see what they would have seen:
values are the same. Where a setting needs more than the box, pyradiomics' own functions work on the whole image
before the cut: normalisation, resampling, mask correction and every filter (wavelet, LoG, …).

Reference: van Griethuysen et al., Cancer Res 2017;77:e104, pyradiomics 3.0.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import SimpleITK
from radiomics import getFeatureClasses, imageoperations
from radiomics.featureextractor import RadiomicsFeatureExtractor

from processing.errors import InputError
from processing.radiomics.bias import corrected
from processing.radiomics.image_quality import wavelet_ratios
from processing.radiomics.intensity import intensity
from processing.radiomics.quiet import quiet
from processing.radiomics.settings import OWN_CLASSES, Settings, read_settings
from processing.radiomics.shape import Shape
from processing.volume import Array


@dataclass(frozen=True)
class Row:
    """One feature. `feature` carries its class (glcm_Contrast); value is None unless status is ok."""

    image_type: str
    feature_class: str
    feature: str
    value: float | None
    status: Literal["ok", "undefined", "failed"] = "ok"
    reason: str = ""


@dataclass(frozen=True)
class Features:
    """The features of one volume of interest, with how they were made. voxels: of the mask as given."""

    rows: tuple[Row, ...]
    voxels: int
    settings: dict[str, Any]
    settings_hash: str
    versions: dict[str, str]


def extract(
    image: SimpleITK.Image, mask: SimpleITK.Image, *, label: int = 1, settings: Settings | None = None
) -> Features:
    """The features of the voxels of a mask that have one label.

    Parameters
    ----------
    image : SimpleITK.Image
        Three-dimensional.
    mask : SimpleITK.Image
        On the same grid (settings with correctMask or resampling allow others).
    label : int, default 1
        Which voxels of ``mask`` count.
    settings : Settings, optional
        Of ``read_settings``; by default pyradiomics' own, 107 features of the unfiltered image.

    Returns
    -------
    Features
        ``rows``, one per feature; ``voxels`` of the mask as given; ``settings`` with ``settings_hash``; ``versions``. A
        feature that has no number, or every feature of a volume that is too small, is a row with its reason.

    Raises
    ------
    InputError
        If the mask lies on another grid, or has no such label.

    Notes
    -----
    Values are those of ``RadiomicsFeatureExtractor.execute``, conventions for flat regions included.

    References
    ----------
    van Griethuysen et al., Cancer Res 2017;77:e104, pyradiomics 3.0.1.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics.extraction import extract
    >>> from processing.radiomics.images import itk_image, itk_mask
    >>> from processing.radiomics.settings import read_settings
    >>> from processing.volume import Volume
    >>> image = itk_image(Volume(np.arange(27).reshape(3, 3, 3), np.eye(4)))
    >>> settings = read_settings("featureClass: {firstorder: [Mean]}")
    >>> found = extract(image, itk_mask(np.ones((3, 3, 3)), np.eye(4)), settings=settings)
    >>> [(row.feature, row.value) for row in found.rows], found.voxels
    ([('firstorder_Mean', 13.0)], 27)
    """
    settings = settings or read_settings()
    with quiet(settings.setting["geometryTolerance"]):
        rows, voxels = _rows(image, mask, label, settings)
    wavelets = "Wavelet" in settings.image_types or "IQwavelet" in settings.classes
    packages = ["pyradiomics", "SimpleITK", "numpy", *(["PyWavelets"] if wavelets else [])]
    return Features(
        tuple(rows), voxels, settings.as_dict(), settings.sha256, {name: _version(name) for name in packages}
    )


_version = cache(version)


def _rows(image: SimpleITK.Image, mask: SimpleITK.Image, label: int, settings: Settings) -> tuple[list[Row], int]:
    setting = {**settings.setting, "label": label, "additionalInfo": False}
    if image.GetDimension() != 3 or mask.GetDimension() != 3:
        raise InputError("Image and mask must be three-dimensional.")
    if image.GetNumberOfComponentsPerPixel() != 1 or mask.GetNumberOfComponentsPerPixel() != 1:
        raise InputError("Image and mask must have one value per voxel.")
    mask = _whole_numbers(mask)
    box, voxels = _box(mask, label)
    resampled = setting["resampledPixelSpacing"] is not None and setting["interpolator"] is not None
    if not resampled and not _same_grid(image, mask):
        if not setting["correctMask"]:
            raise InputError(_difference(image, mask))
        try:
            _, mask = imageoperations.checkMask(image, SimpleITK.Cast(mask, SimpleITK.sitkUInt32), **setting)
        except ValueError:
            raise InputError("The mask reaches outside the image, or nothing of it is left on its grid.") from None
        box, _ = _box(mask, label)
    if setting.get("n4"):
        image = corrected(image)
    if setting["normalize"]:
        image = imageoperations.normalizeImage(image, **setting)
    own = list(_own_features(image, mask, label, settings))  # of the voxels as acquired, and of what is around them
    if resampled:
        try:
            image, mask = imageoperations.resampleImage(image, SimpleITK.Cast(mask, SimpleITK.sitkUInt32), **setting)
        except ValueError:
            raise InputError("The mask reaches outside the image.") from None
    elif setting["preCrop"]:
        image, mask = imageoperations.cropToTumorMask(image, mask, box, **setting)
    elif set(settings.image_types) == {"Original"}:
        low, high = box[::2].tolist(), (box[1::2] + 1).tolist()
        place = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        image, mask = _part(image, place), _part(mask, place)
    mask = SimpleITK.Cast(mask, SimpleITK.sitkUInt32)
    return [*_computed(image, mask, setting, settings), *own], voxels


def _part(image: SimpleITK.Image, place: tuple[slice, ...]) -> SimpleITK.Image:
    """`image[place]`, of which ITK's own filter takes longer than a feature class."""
    part = SimpleITK.GetImageFromArray(SimpleITK.GetArrayViewFromImage(image)[place[::-1]])
    part.SetSpacing(image.GetSpacing())
    part.SetDirection(image.GetDirection())
    part.SetOrigin(image.TransformIndexToPhysicalPoint([one.start for one in place]))
    return part


def _whole_numbers(mask: SimpleITK.Image) -> SimpleITK.Image:
    whole = "integer" in mask.GetPixelIDTypeAsString()
    return mask if whole else SimpleITK.Cast(mask, SimpleITK.sitkUInt32)


def _box(mask: SimpleITK.Image, label: int) -> tuple[Array, int]:
    """First and last index per axis (x, x, y, y, z, z) of the voxels with this label, and their number."""
    array = SimpleITK.GetArrayViewFromImage(mask)
    box, voxels = _bounds(array == label)
    if not voxels:
        found = np.unique(array)
        names = ", ".join(str(int(one)) for one in found[found != 0][:20])
        raise InputError(f"The mask has no label {label}; it has {names or 'none, it is empty'}.")
    return box, voxels


def _bounds(inside: Array) -> tuple[Array, int]:
    voxels = int(np.count_nonzero(inside))
    if not voxels:
        return np.zeros(6, int), 0
    bounds = []
    slices = inside.any(axis=(1, 2))
    first, last = np.flatnonzero(slices)[[0, -1]]
    plane: Array = np.any(inside[first : last + 1], axis=0)
    for line in (plane.any(axis=0), plane.any(axis=1)):
        bounds += np.flatnonzero(line)[[0, -1]].tolist()
    return np.array([*bounds, first, last]), voxels


def _large_enough_box(mask: SimpleITK.Image, setting: dict[str, Any]) -> Array:
    """The box of the volume; ValueError where pyradiomics' checkMask has one, which also measures intensities."""
    box, voxels = _bounds(SimpleITK.GetArrayViewFromImage(mask) == setting["label"])
    extent = np.count_nonzero(box[1::2] > box[::2])
    least = setting["minimumROISize"]
    if not extent or extent < setting["minimumROIDimensions"] or (least is not None and voxels <= least):
        raise ValueError("too small")
    return box


def _same_grid(image: SimpleITK.Image, mask: SimpleITK.Image) -> bool:
    """ITK's own rule: tolerances relative to the voxel size, 1e-6 unless the settings say otherwise."""
    if image.GetSize() != mask.GetSize():
        return False
    process = SimpleITK.ProcessObject
    near = process.GetGlobalDefaultCoordinateTolerance() * image.GetSpacing()[0]
    turned = process.GetGlobalDefaultDirectionTolerance()
    return (
        np.allclose(image.GetOrigin(), mask.GetOrigin(), rtol=0, atol=near)
        and np.allclose(image.GetSpacing(), mask.GetSpacing(), rtol=0, atol=near)
        and np.allclose(image.GetDirection(), mask.GetDirection(), rtol=0, atol=turned)
    )


def _difference(image: SimpleITK.Image, mask: SimpleITK.Image) -> str:
    if image.GetSize() != mask.GetSize():
        sizes = (" × ".join(map(str, one.GetSize())) for one in (image, mask))
        what = "The image has {} voxels, the mask {}".format(*sizes)
    else:
        what = "Image and mask have the same size, but not the same place, voxel size or orientation"
    return f"{what}: draw the mask on this image, or allow its resampling with correctMask in the settings."


def _computed(
    image: SimpleITK.Image, mask: SimpleITK.Image, setting: dict[str, Any], settings: Settings
) -> Iterator[Row]:
    """The rest of `execute`, class by class."""
    classes = {name: names for name, names in settings.classes.items() if name not in OWN_CLASSES}
    problem, shape_mask = "", mask
    box = np.zeros(6, int)
    try:
        box = _large_enough_box(mask, setting)
        if setting["resegmentRange"] is not None:
            mask = imageoperations.resegmentMask(image, mask, **setting)
            box = _large_enough_box(mask, setting)
            shape_mask = mask if setting["resegmentShape"] else shape_mask
    except ValueError as error:
        problem = _too_small(mask, setting, error)
    for name in ("shape", "shape2D"):
        if name in classes and problem:
            yield from _without("original", name, classes[name], "undefined", problem)
        elif name == "shape" and name in classes:
            compute = partial(_values, Shape, *_cut(image, shape_mask, box), classes[name], setting)
            yield from _one_class(compute, "original", name, classes[name])
        elif name in classes:
            compute = partial(_shape_2d, image, shape_mask, box, classes[name], setting)
            yield from _one_class(compute, "original", name, classes[name])
    known = getFeatureClasses()
    for image_type, filtered, own in _filtered(image, mask, setting, settings):
        inside, why = None, problem
        if not why:
            inside = None if filtered is None else _cut(filtered, mask, box)
            why = "The series is too small for this filter." if inside is None else _without_numbers(*inside, setting)
        for name, names in classes.items():
            if name.startswith("shape"):
                continue
            if why or inside is None:
                yield from _without(image_type, name, names, "undefined", why)
                continue
            yield from _one_class(partial(_values, known[name], *inside, names, own), image_type, name, names)


def _cut(image: SimpleITK.Image, mask: SimpleITK.Image, box: Array) -> tuple[SimpleITK.Image, SimpleITK.Image]:
    """Both cut to the box, unless it is all there is."""
    if (box[::2] == 0).all() and (box[1::2] == np.array(mask.GetSize()) - 1).all():
        return image, mask
    return imageoperations.cropToTumorMask(image, mask, box)


def _without_numbers(image: SimpleITK.Image, mask: SimpleITK.Image, setting: dict[str, Any]) -> str:
    """Why there are no features: voxels of the volume that are not a number; empty if there are none."""
    values = SimpleITK.GetArrayViewFromImage(image)[SimpleITK.GetArrayViewFromImage(mask) == setting["label"]]
    if lacking := int(np.count_nonzero(~np.isfinite(values))):
        return f"{lacking} of {values.size} voxels of the volume of interest are not a number in this image."
    return ""


def _values(
    kind: Any, image: SimpleITK.Image, mask: SimpleITK.Image, names: list[str], setting: dict[str, Any]
) -> Mapping[str, Any]:
    """The features of one of pyradiomics' classes."""
    made = kind(image, mask, **setting)
    for name in names:
        made.enableFeatureByName(name)
    return made.execute()


def _shape_2d(
    image: SimpleITK.Image, mask: SimpleITK.Image, box: Array, names: list[str], setting: dict[str, Any]
) -> Mapping[str, Any]:
    extractor = RadiomicsFeatureExtractor()
    extractor.enabledFeatures = {"shape2D": names}
    return {
        name.rpartition("_")[2]: value for name, value in extractor.computeShape(image, mask, box, **setting).items()
    }


def _own_features(image: SimpleITK.Image, mask: SimpleITK.Image, label: int, settings: Settings) -> Iterator[Row]:
    """The features that are not pyradiomics', of the image before it is resampled or cut."""
    asked = {name: names for name, names in settings.classes.items() if name in OWN_CLASSES}
    if not asked:
        return
    if not _same_grid(image, mask):
        why = "The mask lies on another grid than the image: this feature is computed on the voxels as acquired."
        for name, names in asked.items():
            yield from _without("original", name, names, "undefined", why)
        return
    inside = SimpleITK.GetArrayViewFromImage(mask) == label
    array = SimpleITK.GetArrayViewFromImage(image)
    voxels, lacking = int(inside.sum()), int(np.count_nonzero(~np.isfinite(array)))
    why = ""
    if voxels < 2:
        why = "The volume of interest has 1 voxel here."
    elif lacking:
        why = f"{lacking} voxels of the image are not a number, and this feature looks beyond the volume of interest."
    ring, wavelet = settings.setting.get("ringWidth", math.nan), settings.setting.get("iqWavelet", "")
    for name, names in asked.items():
        if why:
            yield from _without("original", name, names, "undefined", why)
        elif name == "intensity":
            yield from _one_class(partial(intensity, image, inside, names=names, ring=ring), "original", name, names)
        else:
            yield from _one_class(
                partial(wavelet_ratios, image, inside, names=names, wavelet=wavelet), "original", name, names
            )


def _filtered(
    image: SimpleITK.Image, mask: SimpleITK.Image, setting: dict[str, Any], settings: Settings
) -> Iterator[tuple[str, SimpleITK.Image | None, dict[str, Any]]]:
    """Name, image and settings of every filtered image; no image where pyradiomics makes none."""
    for name, own in settings.image_types.items():
        expected = [name.lower()]
        if name == "LoG":
            expected = [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in own["sigma"]]
        made = set()
        for filtered, kind, used in getattr(imageoperations, f"get{name}Image")(image, mask, **{**setting, **own}):
            made.add(kind)
            yield kind, filtered, used
        if not made or name == "LoG":
            yield from ((kind, None, {}) for kind in expected if kind not in made)


def _one_class(compute: Callable[[], Mapping[str, Any]], image_type: str, name: str, names: list[str]) -> Iterator[Row]:
    try:
        values = compute()
    except Exception as error:  # whatever a feature class makes of an odd volume: the others go on
        reason = f"This class could not be computed: {type(error).__name__}."
        yield from _without(image_type, name, names, "failed", reason)
        return
    for one in names:
        value = values.get(one)
        number = math.nan if value is None else complex(np.asarray(value).item())
        if isinstance(number, complex):
            number = number.real if number.imag == 0 else math.nan
        if math.isfinite(number):
            yield Row(image_type, name, f"{name}_{one}", number)
        else:
            why = "Not a number: the definition divides by zero or takes the root of a negative number here."
            if value is None:
                why = "pyradiomics does not compute it for this volume and these settings."
            yield Row(image_type, name, f"{name}_{one}", None, "undefined", why)


def _without(
    image_type: str, name: str, names: list[str], status: Literal["undefined", "failed"], reason: str
) -> Iterator[Row]:
    for one in names:
        yield Row(image_type, name, f"{name}_{one}", None, status, reason)


def _too_small(mask: SimpleITK.Image, setting: dict[str, Any], error: ValueError) -> str:
    inside = SimpleITK.GetArrayViewFromImage(mask) == setting["label"]
    voxels = int(np.count_nonzero(inside))
    if "Resegmentation" in str(error):
        return "Fewer than two voxels have intensities in the range of the settings."
    if voxels < 2:
        return f"The volume of interest has {voxels or 'no'} voxel{'' if voxels else 's'} here."
    extent = sum(len(np.unique(axis)) > 1 for axis in np.nonzero(inside))
    if extent < setting["minimumROIDimensions"]:
        return f"The volume of interest extends in {extent} dimensions; the settings ask for more."
    return f"The volume of interest has {voxels} voxels; the settings ask for more than {setting['minimumROISize']}."
