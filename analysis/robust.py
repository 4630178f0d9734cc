"""Robust features: those that stay stable in every arm, as a list and as settings that compute them alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis import plain_yaml
from analysis.errors import InputError

# What may call a feature robust: a t test that finds no shift is no proof of agreement.
AGREEMENT = ("ccc", "icc")
# What a file of settings may have beside what pyradiomics knows.
OWN_CLASSES = ("intensity", "IQwavelet")
OWN_SETTINGS = ("n4", "ringWidth", "iqWavelet")


def robust_features(
    results: Mapping[str, Any], *, criterion: str = "ccc", arms: Sequence[str] = (), by_subject: bool = False
) -> list[str]:
    """Features that agree by CCC or ICC in each of ``arms`` (all of them), of ``analysis.stability.analyse``.

    What has no verdict in an arm, or is equal by construction there, is not said to be robust. Raises InputError for an
    arm that is not there, and for another criterion.
    """
    if criterion not in AGREEMENT:
        raise InputError(f"Robust features are those that agree, by {' or '.join(AGREEMENT)}.")
    rows = [row for row in results["arms"] if not arms or row["arm"] in arms]
    if len(rows) < max(len(arms), 1):
        raise InputError(f"There are the arms {', '.join(row['arm'] for row in results['arms'])}.")
    key = "stable_by_subject" if by_subject else "stable"
    kept = [
        {one["feature"] for one in row["features"] if one["counted"] and (one[key] or {}).get(criterion)}
        for row in rows
    ]
    return [row["feature"] for row in results["dispersion"] if all(row["feature"] in names for names in kept)]


def as_settings(names: Sequence[str], settings: Mapping[str, Any] | None = None, *, plain: bool = False) -> str:
    """YAML that computes these features alone, for ``processing radiomics --settings``; ``plain``: for pyradiomics.

    ``settings`` are those that the features were computed under; without them only classes and features are named. A
    filter computes all features that one of its images needs. Raises InputError where nothing is left, a feature is of
    a filter that the settings do not have, or pyradiomics cannot correct the field as they ask for.
    """
    known, setting = ((settings or {}).get(part) or {} for part in ("imageType", "setting"))
    if plain and setting.get("n4"):
        raise InputError("pyradiomics has no N4 correction, under which these features were computed.")
    classes: dict[str, set[str]] = {}
    kinds: dict[str, Any] = {}
    for image, group, feature in map(_parts, names):
        if plain and group in OWN_CLASSES:
            continue
        filters = [one for one in known if image.lower().startswith(one.lower())]
        if not filters and image != "original":
            raise InputError(f"Give the settings under which features of {image} were computed.")
        kind = max(filters, key=len, default="Original")
        kinds[kind] = known.get(kind, {})
        classes.setdefault(group, set()).add(feature)
    if not classes:
        raise InputError("No feature is robust by this criterion, so there is nothing to compute.")
    left_out = OWN_SETTINGS if plain else ()
    kept = {name: value for name, value in setting.items() if value is not None and name not in left_out}
    made = {
        **({"setting": kept} if kept else {}),
        "imageType": kinds,
        "featureClass": {group: sorted(own) for group, own in sorted(classes.items())},
    }
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True)


def read_settings(path: Path) -> dict[str, Any]:
    """A file of settings, YAML or JSON, as it stands; `processing radiomics` checks it. Raises InputError."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is no YAML.") from None
    content = plain_yaml.load(text, path.name)
    if not isinstance(content, dict) or not all(part is None or isinstance(part, dict) for part in content.values()):
        raise InputError(f"{path.name} holds no settings of radiomic features.")
    return content


def _parts(name: str) -> tuple[str, str, str]:
    """Image, class and feature of a name: wavelet-LLH_glcm_Contrast, or glcm_Contrast of the unfiltered image."""
    rest, _, feature = name.rpartition("_")
    image, _, group = rest.rpartition("_")
    return image or "original", group or "other", feature
