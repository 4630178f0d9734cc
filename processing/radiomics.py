"""Radiomic features of a volume of interest: pyradiomics' own, computed on its bounding box.

pyradiomics spends most of its time on hashes and label statistics of the whole image. Here image and mask are cut to
the bounding box of the volume of interest first, and pyradiomics' feature classes see what they would have seen:
values are the same. Where a setting needs more than the box, pyradiomics' own functions work on the whole image
before the cut: normalisation, resampling, mask correction and every filter (wavelet, LoG, …).

Reference: van Griethuysen et al., Cancer Res 2017;77:e104, pyradiomics 3.0.1.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK
from radiomics import getFeatureClasses, imageoperations
from radiomics.featureextractor import RadiomicsFeatureExtractor

from processing.errors import InputError
from processing.volume import Array, Volume

CLASSES = ("shape", "shape2D", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")
LARGEST_SETTINGS = 1 << 16
# What pyradiomics takes where a setting is not given; it states only some of these itself.
_DEFAULTS: dict[str, Any] = {
    "binWidth": 25,
    "binCount": None,
    "symmetricalGLCM": True,
    "weightingNorm": None,
    "gldm_a": 0,
    "voxelArrayShift": 0,
    "correctMask": False,
    "geometryTolerance": None,
    "resegmentMode": "absolute",
    "resegmentShape": False,
}
_FILTER_DEFAULTS: dict[str, dict[str, Any]] = {
    "Wavelet": {"start_level": 0, "level": 1, "wavelet": "coif1"},
    "Gradient": {"gradientUseSpacing": True},
    "LBP2D": {"lbp2DRadius": 1, "lbp2DSamples": 8, "lbp2DMethod": "uniform"},
    "LBP3D": {"lbp3DLevels": 2, "lbp3DIcosphereRadius": 1, "lbp3DIcosphereSubdivision": 1},
}
# Which label, and what of the result is printed: no part of how a feature is defined.
_NOT_SETTINGS = ("label", "label_channel", "additionalInfo")


@dataclass(frozen=True)
class Settings:
    """How features are defined: pyradiomics' settings with every default written out.

    setting: name → value. image_types: filter → its own settings. classes: class → names of its features.
    """

    setting: dict[str, Any]
    image_types: dict[str, dict[str, Any]]
    classes: dict[str, list[str]]

    def as_dict(self) -> dict[str, Any]:
        """In the shape of a pyradiomics parameter file; `read_settings` takes it back."""
        return {"setting": self.setting, "imageType": self.image_types, "featureClass": self.classes}

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON of `as_dict`."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


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


def read_settings(source: Path | str | Mapping[str, Any] | None = None) -> Settings:
    """Settings of radiomic features, with every default written out.

    Parameters
    ----------
    source : Path or str or mapping, optional
        A pyradiomics parameter file (YAML or JSON), its content as text or dictionary; by default pyradiomics' own
        settings.

    Returns
    -------
    Settings
        ``setting``, ``image_types`` and ``classes``; ``sha256`` names them.

    Raises
    ------
    InputError
        If pyradiomics would not take them.

    Examples
    --------
    >>> from processing.radiomics import read_settings
    >>> found = read_settings("featureClass: {firstorder: [Mean]}")
    >>> found.classes, found.setting["binWidth"], list(found.image_types)
    ({'firstorder': ['Mean']}, 25, ['Original'])
    """
    import pykwalify.errors

    given = _loaded(source)
    extractor = RadiomicsFeatureExtractor
    try:
        with _quiet():
            made = extractor(given) if given else extractor()
    except (pykwalify.errors.PyKwalifyException, TypeError, ValueError, AttributeError) as error:
        said = str(getattr(error, "msg", error)).split("\n")
        detail = " ".join(line.strip(" -.") for line in said if line.strip())[:300]
        raise InputError(f"pyradiomics does not take these settings: {detail}.") from None
    setting = {**_DEFAULTS, **made.settings}
    for name in _NOT_SETTINGS:
        setting.pop(name, None)
    types = {name: {**_FILTER_DEFAULTS.get(name, {}), **(own or {})} for name, own in made.enabledImagetypes.items()}
    if "LoG" in types and not types["LoG"].get("sigma"):
        raise InputError("The settings name the filter LoG without a sigma in mm.")
    if "LBP3D" in types:
        raise InputError("The filter LBP3D needs a package that does not work here; take it out of the settings.")
    known, classes = getFeatureClasses(), {}
    for name in CLASSES:
        # A file without classes asks for all, but pyradiomics only computes shape2D where it says force2D.
        named = given.get("featureClass") or {}
        unasked = name == "shape2D" and name not in named and not made.settings.get("force2D")
        if name in made.enabledFeatures and not unasked:
            all_names = [one for one, deprecated in known[name].getFeatureNames().items() if not deprecated]
            classes[name] = sorted(made.enabledFeatures[name] or all_names)
    return Settings(setting, types, classes)


def _loaded(source: Path | str | Mapping[str, Any] | None) -> dict[str, Any]:
    from ruamel.yaml import YAML, YAMLError

    if source is None:
        return {}
    if isinstance(source, Mapping):
        content: Any = source
    else:
        try:
            text = source.read_text("utf-8") if isinstance(source, Path) else source
        except (OSError, UnicodeDecodeError):
            raise InputError("The file of radiomic settings cannot be read.") from None
        if len(text) > LARGEST_SETTINGS:
            raise InputError("The file of radiomic settings is larger than 64 kB.")
        try:
            content = YAML(typ="safe", pure=True).load(text)
        except YAMLError:
            raise InputError("The radiomic settings are neither YAML nor JSON.") from None
    if not isinstance(content, Mapping) or not set(content) <= {"setting", "imageType", "featureClass", "voxelSetting"}:
        raise InputError("Radiomic settings have the parts setting, imageType and featureClass, and no others.")
    parts = {name: dict(part) if isinstance(part, Mapping) else part for name, part in content.items() if part}
    if isinstance(parts.get("setting"), dict):
        parts["setting"] = {name: value for name, value in parts["setting"].items() if value is not None}
    return parts


def itk_image(volume: Volume) -> SimpleITK.Image:
    """The volume for SimpleITK, in double precision.

    Parameters
    ----------
    volume : Volume
        Any volume.

    Returns
    -------
    SimpleITK.Image
        Of float64, because bin edges are computed in the precision of the image; place in LPS, mm.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics import itk_image
    >>> from processing.volume import Volume
    >>> image = itk_image(Volume(np.zeros((2, 3, 4)), np.diag([0.5, 0.5, 4.0, 1.0])))
    >>> image.GetSize(), image.GetSpacing()
    ((4, 3, 2), (0.5, 0.5, 4.0))
    """
    return _itk(volume.array.astype(np.float64), volume.affine)


def measured_part(mask: Array, volume: Volume) -> Array:
    """The part of a mask where the volume has intensities.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        On the grid of the volume.
    volume : Volume
        With padding or without.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns)
        The mask without the voxels that are padding.

    Raises
    ------
    InputError
        If nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics import measured_part
    >>> from processing.volume import Volume
    >>> volume = Volume([[[5, 5, 9]]], np.eye(4), padding=np.array([[[True, False, False]]]))
    >>> measured_part(np.array([[[True, True, False]]]), volume).tolist()
    [[[False, True, False]]]
    """
    if volume.padding is None:
        return mask
    left = mask & ~volume.padding
    if mask.any() and not left.any():
        raise InputError("The volume of interest lies on padding alone: there is no intensity in it.")
    return left


def itk_mask(mask: Array, affine: Array) -> SimpleITK.Image:
    """A mask for SimpleITK, as label 1.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        True inside.
    affine : ndarray, shape (4, 4)
        Its place in patient coordinates (LPS, mm).

    Returns
    -------
    SimpleITK.Image
        Of uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics import itk_mask
    >>> itk_mask(np.ones((2, 3, 4), bool), np.eye(4)).GetSize()
    (4, 3, 2)
    """
    return _itk(mask.astype(np.uint8), affine)


def _itk(array: Array, affine: Array) -> SimpleITK.Image:
    return placed(SimpleITK.GetImageFromArray(array), affine)


def placed(image: SimpleITK.Image, affine: Array) -> SimpleITK.Image:
    """The image itself, put where the affine (of column, row, slice; LPS, mm) says."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


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
    >>> from processing.radiomics import extract, itk_image, itk_mask, read_settings
    >>> from processing.volume import Volume
    >>> image = itk_image(Volume(np.arange(27).reshape(3, 3, 3), np.eye(4)))
    >>> settings = read_settings("featureClass: {firstorder: [Mean]}")
    >>> found = extract(image, itk_mask(np.ones((3, 3, 3)), np.eye(4)), settings=settings)
    >>> [(row.feature, row.value) for row in found.rows], found.voxels
    ([('firstorder_Mean', 13.0)], 27)
    """
    settings = settings or read_settings()
    with _quiet(settings.setting["geometryTolerance"]):
        rows, voxels = _rows(image, mask, label, settings)
    packages = ["pyradiomics", "SimpleITK", "numpy", *(["PyWavelets"] if "Wavelet" in settings.image_types else [])]
    versions = {name: version(name) for name in packages}
    return Features(tuple(rows), voxels, settings.as_dict(), settings.sha256, versions)


@contextmanager
def _quiet(tolerance: float | None = None) -> Iterator[None]:
    """pyradiomics without its log, and without its leaving a geometric tolerance behind for the whole process."""
    loggers, process = [logging.getLogger(name) for name in ("radiomics", "pykwalify")], SimpleITK.ProcessObject
    levels = [logger.level for logger in loggers]
    before = process.GetGlobalDefaultCoordinateTolerance(), process.GetGlobalDefaultDirectionTolerance()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    if tolerance is not None:
        process.SetGlobalDefaultCoordinateTolerance(tolerance)
        process.SetGlobalDefaultDirectionTolerance(tolerance)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        process.SetGlobalDefaultCoordinateTolerance(before[0])
        process.SetGlobalDefaultDirectionTolerance(before[1])


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
    if setting["normalize"]:
        image = imageoperations.normalizeImage(image, **setting)
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
        image, mask = image[place], mask[place]
    mask = SimpleITK.Cast(mask, SimpleITK.sitkUInt32)
    return list(_computed(image, mask, setting, settings)), voxels


def _whole_numbers(mask: SimpleITK.Image) -> SimpleITK.Image:
    whole = "integer" in mask.GetPixelIDTypeAsString()
    return mask if whole else SimpleITK.Cast(mask, SimpleITK.sitkUInt32)


def _box(mask: SimpleITK.Image, label: int) -> tuple[Array, int]:
    """First and last index per axis (x, x, y, y, z, z) of the voxels with this label, and their number."""
    array = SimpleITK.GetArrayViewFromImage(mask)
    inside = array == label
    voxels = int(np.count_nonzero(inside))
    if not voxels:
        found = np.unique(array)
        names = ", ".join(str(int(one)) for one in found[found != 0][:20])
        raise InputError(f"The mask has no label {label}; it has {names or 'none, it is empty'}.")
    bounds = []
    slices = inside.any(axis=(1, 2))
    first, last = np.flatnonzero(slices)[[0, -1]]
    plane = inside[first : last + 1].any(axis=0)
    for line in (plane.any(axis=0), plane.any(axis=1)):
        bounds += np.flatnonzero(line)[[0, -1]].tolist()
    return np.array([*bounds, first, last]), voxels


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
    extractor = RadiomicsFeatureExtractor()
    problem, shape_mask = "", mask
    box = np.zeros(6, int)
    try:
        box, _ = imageoperations.checkMask(image, mask, **setting)
        if setting["resegmentRange"] is not None:
            mask = imageoperations.resegmentMask(image, mask, **setting)
            box, _ = imageoperations.checkMask(image, mask, **setting)
            shape_mask = mask if setting["resegmentShape"] else shape_mask
    except ValueError as error:
        problem = _too_small(mask, setting, error)
    for name in ("shape", "shape2D"):
        if name in settings.classes:
            names = settings.classes[name]
            if problem:
                yield from _without("original", name, names, "undefined", problem)
            else:
                extractor.enabledFeatures = {name: names}
                yield from _one_class(
                    lambda: extractor.computeShape(image, shape_mask, box, **setting), "original", name, names
                )
    for image_type, filtered, own in _filtered(image, mask, setting, settings):
        inside, inside_mask = None, None
        if filtered is not None and not problem:
            inside, inside_mask = imageoperations.cropToTumorMask(filtered, mask, box)
        for name, names in settings.classes.items():
            if name.startswith("shape"):
                continue
            if inside is None:
                why = problem or "The series is too small for this filter."
                yield from _without(image_type, name, names, "undefined", why)
                continue
            extractor.enabledFeatures = {name: names}
            yield from _one_class(
                lambda a=inside, b=inside_mask, kind=image_type, own=own: extractor.computeFeatures(a, b, kind, **own),
                image_type,
                name,
                names,
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


def _one_class(compute: Any, image_type: str, name: str, names: list[str]) -> Iterator[Row]:
    try:
        values = compute()
    except Exception as error:  # whatever a feature class makes of an odd volume: the others go on
        reason = f"pyradiomics could not compute this class: {type(error).__name__}."
        yield from _without(image_type, name, names, "failed", reason)
        return
    for one in names:
        value = values.get(f"{image_type}_{name}_{one}")
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
