"""How radiomic features are defined: pyradiomics' settings with every default written out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykwalify.errors
import pywt
from radiomics import getFeatureClasses
from radiomics.featureextractor import RadiomicsFeatureExtractor

from processing.errors import InputError
from processing.radiomics.quiet import quiet

CLASSES = ("shape", "shape2D", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")
# Classes that are not pyradiomics': see intensity.py and image_quality.py.
OWN_CLASSES = {
    "intensity": ["CV", "Kurtosis", "Max", "MaxOnMeanRing", "Mean", "Median", "Min", "Peak", "Skewness"],
    "IQwavelet": ["global", "local"],
}
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


def read_settings(source: Path | str | Mapping[str, Any] | None = None) -> Settings:
    """Settings of radiomic features, with every default written out.

    Parameters
    ----------
    source : Path or str or mapping, optional
        A pyradiomics parameter file (YAML or JSON), its content as text or dictionary; by default pyradiomics' own
        settings. Beside pyradiomics' it may name the classes ``intensity`` and ``IQwavelet`` and the settings
        ``n4`` (true: N4 bias correction before everything else), ``ringWidth`` (mm) and ``iqWavelet``.

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
    >>> from processing.radiomics.settings import read_settings
    >>> found = read_settings("featureClass: {firstorder: [Mean]}")
    >>> found.classes, found.setting["binWidth"], list(found.image_types)
    ({'firstorder': ['Mean']}, 25, ['Original'])
    """
    given = _loaded(source)
    own_setting, own_classes, theirs_asked = _own(given)
    extractor = RadiomicsFeatureExtractor
    try:
        with quiet():
            made = extractor(given) if given else extractor()
    except (pykwalify.errors.PyKwalifyException, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        said = str(getattr(error, "msg", error)).split("\n")
        detail = " ".join(line.strip(" -.") for line in said if line.strip())[:300]
        raise InputError(f"pyradiomics does not take these settings: {detail}.") from None
    setting = {**_DEFAULTS, **made.settings, **own_setting}
    for name in _NOT_SETTINGS:
        setting.pop(name, None)
    types = {name: {**_FILTER_DEFAULTS.get(name, {}), **(own or {})} for name, own in made.enabledImagetypes.items()}
    if "LoG" in types and not types["LoG"].get("sigma"):
        raise InputError("The settings name the filter LoG without a sigma in mm.")
    if "LBP3D" in types:
        raise InputError("The filter LBP3D needs a package that does not work here; take it out of the settings.")
    known, classes = getFeatureClasses(), {}
    for name in CLASSES if theirs_asked else ():
        # A file without classes asks for all, but pyradiomics only computes shape2D where it says force2D.
        named = given.get("featureClass") or {}
        unasked = name == "shape2D" and name not in named and not made.settings.get("force2D")
        if name in made.enabledFeatures and not unasked:
            all_names = [one for one, deprecated in known[name].getFeatureNames().items() if not deprecated]
            classes[name] = sorted(made.enabledFeatures[name] or all_names)
    return Settings(setting, types, classes | own_classes)


def _own(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]], bool]:
    """Take what is not pyradiomics' out of `given`: settings, classes; and whether classes of pyradiomics are left."""
    setting, classes = given.get("setting"), given.get("featureClass")
    own_classes: dict[str, list[str]] = {}
    if isinstance(classes, dict):
        for name in [one for one in OWN_CLASSES if one in classes]:
            asked = classes.pop(name) or OWN_CLASSES[name]
            if not isinstance(asked, list) or any(one not in OWN_CLASSES[name] for one in asked):
                raise InputError(f"The class {name} has the features {', '.join(OWN_CLASSES[name])}.")
            own_classes[name] = sorted(asked)
    taken = {}
    if isinstance(setting, dict):
        taken = {name: setting.pop(name) for name in ("n4", "ringWidth", "iqWavelet") if name in setting}
    ring, wavelet = taken.get("ringWidth", 2.6), taken.get("iqWavelet", "coif1")
    if isinstance(ring, bool) or not isinstance(ring, int | float) or not 0 < ring < 100:
        raise InputError("ringWidth is a number of mm above 0.")
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise InputError("iqWavelet is the name of a discrete wavelet, such as coif1.")
    if taken.get("n4", False) not in (True, False):
        raise InputError("n4 is true or false.")
    for part in ("setting", "featureClass"):
        if not given.get(part):
            given.pop(part, None)
    # A setting that changes nothing stays out, so that it does not change the hash.
    own_setting: dict[str, Any] = {"n4": True} if taken.get("n4") else {}
    if "MaxOnMeanRing" in own_classes.get("intensity", ()):
        own_setting["ringWidth"] = float(ring)
    if "IQwavelet" in own_classes:
        own_setting["iqWavelet"] = wavelet
    return own_setting, own_classes, bool(classes) or not own_classes


def _loaded(source: Path | str | Mapping[str, Any] | None) -> dict[str, Any]:
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
        content = _read(text)
    if not isinstance(content, Mapping) or not set(content) <= {"setting", "imageType", "featureClass", "voxelSetting"}:
        raise InputError("Radiomic settings have the parts setting, imageType and featureClass, and no others.")
    parts = {name: dict(part) if isinstance(part, Mapping) else part for name, part in content.items() if part}
    if isinstance(parts.get("setting"), dict):
        parts["setting"] = {name: value for name, value in parts["setting"].items() if value is not None}
    return parts


def _read(text: str) -> Any:
    """The values of YAML or JSON without aliases: half a page of them can stand for more than any memory holds."""
    from ruamel.yaml import YAML, YAMLError
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.events import AliasEvent

    class WithoutAliases(Composer):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.parser.check_event(AliasEvent):
                raise InputError("The radiomic settings repeat a part by an alias (*): write it out.")
            return super().compose_node(parent, index)

    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = WithoutAliases
    try:
        return yaml.load(text)
    except InputError:
        raise
    except (YAMLError, RecursionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise InputError("The radiomic settings are neither YAML nor JSON.") from None
