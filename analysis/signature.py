"""Radiomic signatures: the value of a published or own model per lesion and arm, and whether an arm keeps it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import plain_yaml, stability, tables
from analysis.errors import InputError
from analysis.feature_array import FeatureArray, pivot
from analysis.statistics.correlation import concordance
from analysis.statistics.equivalence import subject_means
from analysis.statistics.paired import paired_t
from analysis.statistics.proportions import proportion
from analysis.statistics.result import undefined
from analysis.statistics.values import differences

EXAMPLES = Path(__file__).parent / "signatures"
LARGEST_MODEL = 1 << 16
LINKS = ("identity", "logistic", "exponential")
NORMALISATIONS = ("none", "given", "reference")
_KEYS = {"name", "source", "made_up", "link", "normalisation", "intercept", "limit", "features"}


@dataclass(frozen=True)
class Input:
    """One feature of a signature; mean and sd where its normalisation is given with it."""

    feature: str
    coefficient: float
    mean: float = 0.0
    sd: float = 1.0


@dataclass(frozen=True)
class Signature:
    """A model: link of intercept + Σ coefficient × feature. limit: the difference that still counts as equal."""

    name: str
    source: str
    made_up: bool
    link: str
    normalisation: str
    intercept: float
    inputs: tuple[Input, ...]
    limit: float | None

    def of(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of inputs × volumes, normalised already."""
        linear = self.intercept + np.array([one.coefficient for one in self.inputs]) @ features
        with np.errstate(over="ignore"):
            if self.link == "logistic":
                return np.asarray(1 / (1 + np.exp(-linear)))
            return np.asarray(np.exp(linear) if self.link == "exponential" else linear)


def examples() -> dict[str, str]:
    """The models that come with it, name → text of the file; their coefficients are made up."""
    return {path.stem: path.read_text("utf-8") for path in sorted(EXAMPLES.glob("*.yaml"))}


def read_signature(source: Path | str) -> Signature:
    """A signature from its YAML.

    Parameters
    ----------
    source : Path or str
        A file, or its text: ``name``, ``source``, ``features`` (each with ``feature`` and ``coefficient``),
        and if wanted ``intercept`` (0), ``link`` (identity, logistic, exponential), ``normalisation`` (none; given:
        each feature has ``mean`` and ``sd``; reference: z score over the reference arm), ``limit``, ``made_up``.

    Returns
    -------
    Signature
        The model, checked.

    Raises
    ------
    InputError
        If the file is no such model.

    Examples
    --------
    >>> from analysis.signature import read_signature
    >>> model = read_signature(
    ...     "{name: Twice, source: made up, features: [{feature: firstorder_Mean, coefficient: 2}]}"
    ... )
    >>> model.link, model.inputs[0].coefficient
    ('identity', 2.0)
    """
    try:
        text = source.read_text("utf-8") if isinstance(source, Path) else source
    except UnicodeDecodeError:
        raise InputError("The signature is no YAML.") from None
    content = plain_yaml.load(text, "The signature") if len(text) <= LARGEST_MODEL else None
    if not isinstance(content, dict) or not {"name", "source", "features"} <= set(content) or not set(content) <= _KEYS:
        raise InputError(f"A signature has name, source and features, and may have {', '.join(sorted(_KEYS))}.")
    link, normalisation = content.get("link", "identity"), content.get("normalisation", "none")
    if link not in LINKS or normalisation not in NORMALISATIONS:
        raise InputError(f"link is one of {', '.join(LINKS)}; normalisation one of {', '.join(NORMALISATIONS)}.")
    features = content["features"]
    if not isinstance(features, list) or not features:
        raise InputError("A signature has at least one feature.")
    inputs = tuple(_input(one, given=normalisation == "given") for one in features)
    if len({one.feature for one in inputs}) < len(inputs):
        raise InputError("A signature names each feature once.")
    limit = content.get("limit")
    if limit is not None and _number(limit, "limit") <= 0:
        raise InputError("limit is above 0.")
    return Signature(
        name=str(content["name"]),
        source=str(content["source"]),
        made_up=content.get("made_up", False) is True,
        link=link,
        normalisation=normalisation,
        intercept=_number(content.get("intercept", 0), "intercept"),
        inputs=inputs,
        limit=None if limit is None else float(limit),
    )


def _input(one: Any, *, given: bool) -> Input:
    wanted = {"feature", "coefficient"} | ({"mean", "sd"} if given else set())
    if not isinstance(one, dict) or set(one) != wanted:
        raise InputError(f"Each feature of this signature has {', '.join(sorted(wanted))}.")
    numbers = {name: _number(one[name], name) for name in wanted - {"feature"}}
    if numbers.get("sd", 1.0) <= 0:
        raise InputError("sd is above 0.")
    return Input(feature=str(one["feature"]), **numbers)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} is a number.")
    return float(value)


def analyse(
    features: pd.DataFrame, model: Signature, *, reference: str, criteria: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """A signature in every arm against a reference, as JSON-able data.

    Parameters
    ----------
    features : DataFrame
        The features table (docs/tables/features.json), computed as the signature's source did.
    model : Signature
        Of ``read_signature``.
    reference : str
        The arm that the others are compared with.
    criteria : mapping of str to float, optional
        Thresholds of unstable inputs, as of ``analysis.stability.analyse``.

    Returns
    -------
    dict
        ``conventions``, ``signature``, ``reference``, ``reference_values`` and ``arms``, each with the value of every
        volume, Bland–Altman, the paired t test, the CCC, the share within the limits and the inputs that are unstable
        or have no verdict.

    Raises
    ------
    InputError
        If the table cannot be used, or the reference or a feature of the signature is not there.

    Notes
    -----
    Differences are arm − reference, of volumes with a value in both. A volume that lacks one input has no value.
    An input is unstable where its CCC lies below the threshold.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.signature import analyse, read_signature
    >>> rows = [("A", 1.0, 1.5), ("B", 2.0, 2.5), ("C", 3.0, 4.5)]
    >>> long = [
    ...     {"subject": name, "roi": "lesion", "arm": arm, "feature": "firstorder_Mean", "value": value}
    ...     for name, *values in rows
    ...     for arm, value in zip(("SOC", "FAST"), values)
    ... ]
    >>> model = read_signature(
    ...     "{name: Twice, source: made up, features: [{feature: firstorder_Mean, coefficient: 2}]}"
    ... )
    >>> arm = analyse(pd.DataFrame(long), model, reference="SOC")["arms"][0]
    >>> [one["value"] for one in arm["values"]], round(arm["bland_altman"]["bias"]["estimate"], 3)
    ([3.0, 5.0, 9.0], 1.667)
    """
    checked = tables.check(features, "features")
    table = pivot(checked)
    table.ensure_arm(reference)
    lacking = [one.feature for one in model.inputs if one.feature not in table.names]
    if lacking:
        raise InputError(f"The features table lacks {', '.join(lacking)}, which the signature needs.")
    values = _values(table, model, reference)
    used = checked[_named(checked).isin([one.feature for one in model.inputs])]
    inputs = {arm["arm"]: arm for arm in stability.analyse(used, reference=reference, criteria=criteria)["arms"]}
    return {
        "conventions": _conventions(model, table, {**stability.CRITERIA, **(criteria or {})}["ccc"]),
        "signature": {
            "name": model.name,
            "source": model.source,
            "made_up": model.made_up,
            "features": [one.feature for one in model.inputs],
        },
        "reference": reference,
        "reference_values": _listed(table, values[reference]),
        "arms": [
            _arm(table, model, arm, values[arm], values[reference], inputs[arm])
            for arm in table.arms
            if arm != reference
        ],
    }


def _named(table: pd.DataFrame) -> pd.Series:
    names = table["feature"].astype(str)
    if "image_type" not in table:
        return names
    kind = table["image_type"].astype(object).fillna("original").astype(str)
    return names.where(kind == "original", kind + "_" + names)


def _values(table: FeatureArray, model: Signature, reference: str) -> dict[str, NDArray[np.float64]]:
    places = [table.names.index(one.feature) for one in model.inputs]
    centre = np.array([one.mean for one in model.inputs])
    spread = np.array([one.sd for one in model.inputs])
    if model.normalisation == "reference":
        known = table.of(reference)[places]
        for row, one in zip(known, model.inputs, strict=True):
            there = row[~np.isnan(row)]
            if there.size < 2 or np.ptp(there) == 0:
                raise InputError(f"{one.feature} does not vary in {reference}, so that it has no z score.")
        centre, spread = np.nanmean(known, axis=1), np.nanstd(known, axis=1, ddof=1)
    return {arm: model.of((table.of(arm)[places] - centre[:, None]) / spread[:, None]) for arm in table.arms}


def _listed(table: FeatureArray, values: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [
        {**volume, "value": float(value) if np.isfinite(value) else None}
        for volume, value in zip(table.volumes, values, strict=True)
    ]


def _arm(
    table: FeatureArray,
    model: Signature,
    arm: str,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    x, y = (np.where(np.isfinite(one), one, np.nan) for one in (x, y))
    clusters = table.clusters
    found = stability.limits_of_agreement(x, y, clusters)
    by_subject = None
    if clusters is not None:
        missing = np.isnan(x + y)
        means = [subject_means(np.where(missing, np.nan, one), clusters) for one in (x, y)]
        by_subject = paired_t(*means).as_test()
    difference = differences(x, y)
    difference = difference[~np.isnan(difference)]
    return {
        "arm": arm,
        "n": int(difference.size),
        "values": _listed(table, x),
        "bland_altman": found,
        "paired_t": paired_t(x, y).as_test(),
        "by_subject": by_subject,
        "ccc": concordance(x, y).as_estimate(),
        "share_within_limits": _share(difference, model.limit, found),
        "unstable_inputs": [row["feature"] for row in inputs["features"] if row["stable"]["ccc"] is False],
        "unjudged_inputs": [
            {"feature": row["feature"], "reason": row["ccc"]["reason"]}
            for row in inputs["features"]
            if row["stable"]["ccc"] is None
        ],
    }


def _share(difference: NDArray[np.float64], limit: float | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """The share of volumes whose difference lies within the model's limit, else within the limits of agreement."""
    method = "Clopper–Pearson, volumes as independent"
    if limit is not None:
        return proportion(int((np.abs(difference) <= limit).sum()), difference.size).as_estimate() | {
            "method": f"difference of at most {limit:g}; {method}"
        }
    lower, upper = ((found[name] or {}).get("estimate") for name in ("lower", "upper"))
    if lower is None or upper is None:
        return undefined("no limits of agreement", n=difference.size, method=method).as_estimate()
    within = int(((difference >= lower) & (difference <= upper)).sum())
    return proportion(within, difference.size).as_estimate() | {
        "method": f"within this arm's own limits of agreement, which hold about 95 % by definition; {method}"
    }


def _conventions(model: Signature, table: FeatureArray, ccc: float) -> dict[str, str]:
    normalised = {
        "none": "features as they are",
        "given": "features minus the mean over the SD that the signature gives",
        "reference": "z score of each feature over the volumes of the reference arm, SD (n − 1)",
    }[model.normalisation]
    volumes = "each volume is a subject, or all are of one"
    if table.clusters is not None:
        volumes = (
            "taken as independent by paired_t, ccc and share_within_limits, as published; not by by_subject and "
            "bland_altman"
        )
    return {
        "value": f"{model.link} of intercept + Σ coefficient × feature; {normalised}",
        "coefficients": "made up, to try the page out: the values mean nothing" if model.made_up else model.source,
        "difference": "arm − reference, of volumes with a value in both; a volume that lacks an input has none",
        "volumes": volumes,
        "unstable_inputs": f"features of the signature with a CCC below {ccc:g}; unjudged_inputs: those without a CCC",
    }
