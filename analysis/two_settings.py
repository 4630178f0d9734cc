"""The same volumes under two radiomic settings: what a setting, such as normalisation, changes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import stability, tables
from analysis.errors import InputError
from analysis.feature_array import FeatureArray, pivot
from analysis.statistics.correlation import concordance

CONVENTIONS = {
    "values": "mean over the volumes of the reference arm that have the feature under both settings",
    "relative_difference": "median over these volumes of (second − first) / |first|",
    "ccc": "Lin's CCC of first and second over these volumes, moments with n; far from 1 where the unit changes",
    "stable": "CCC of each arm with the reference, under each of the settings; null where it has none, and for a shape "
    "that a carried mask makes equal",
}


def analyse(
    first: pd.DataFrame, second: pd.DataFrame, *, reference: str, criteria: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Every feature under two settings, and which are stable under one of them only, as JSON-able data.

    Parameters
    ----------
    first, second : DataFrame
        Features tables of the same volumes of interest and arms, each under its own settings.
    reference : str
        The arm on which values are compared, and against which the others are judged.
    criteria : mapping of str to float, optional
        As of ``analysis.stability.analyse``; the threshold of ``ccc`` decides.

    Returns
    -------
    dict
        ``conventions``, ``reference``, ``threshold``, ``n_rois``, ``features`` (``first``, ``second``,
        ``relative_difference``, ``ccc``, and per arm the CCC and ``stable`` under both) and ``arms`` (how many became
        stable or unstable from the first settings to the second).

    Raises
    ------
    InputError
        If they share no volume or no feature, or an arm is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.two_settings import analyse
    >>> rows = [("A", 1.0, 1.1), ("B", 2.0, 1.9), ("C", 3.0, 3.2), ("D", 4.0, 4.0)]
    >>> def table(scale):
    ...     return pd.DataFrame(
    ...         {"subject": name, "roi": "cord", "arm": arm, "feature": "firstorder_Mean", "value": scale * value}
    ...         for name, *values in rows
    ...         for arm, value in zip(("SOC", "FAST"), values)
    ...     )
    >>> feature = analyse(table(1), table(2), reference="SOC")["features"][0]
    >>> feature["first"], feature["second"], feature["relative_difference"]
    (2.5, 5.0, 1.0)
    """
    frames = [tables.check(one, "features") for one in (first, second)]
    rois = _shared([_keys(pivot(one)) for one in frames])
    frames = [_of(one, rois) for one in frames]
    if not rois or not (names := _shared([pivot(one).names for one in frames])):
        raise InputError("The two tables share no volume of interest or no feature: compute both for the same volumes.")
    both = [pivot(one) for one in frames]
    for one in both:
        one.ensure_arm(reference)
    verdicts = [
        {arm["arm"]: {row["feature"]: row for row in arm["features"]} for arm in made["arms"]}
        for made in (stability.analyse(frame, reference=reference, criteria=criteria) for frame in frames)
    ]
    arms = [arm for arm in both[0].arms if arm in verdicts[0] and arm in verdicts[1]]
    features = []
    for name in names:
        judged = {arm: [of_arm[arm][name] for of_arm in verdicts] for arm in arms}
        features.append(_feature(name, both, rois, reference, judged))
    return {
        "conventions": CONVENTIONS,
        "reference": reference,
        "threshold": {**stability.THRESHOLDS, **(criteria or {})}["ccc"],
        "n_rois": len(rois),
        "features": features,
        "arms": [{"arm": arm, **_changes(features, arm)} for arm in arms],
    }


def _shared(lists: list[list[Any]]) -> list[Any]:
    return [one for one in lists[0] if one in set(lists[1])]


def _keys(table: FeatureArray) -> list[tuple[str, ...]]:
    return [tuple(volume.values()) for volume in table.volumes]


def _of(frame: pd.DataFrame, rois: list[tuple[str, ...]]) -> pd.DataFrame:
    """The rows of these volumes."""
    columns = [key for key in ("subject", "case", "roi") if key in frame]
    own = pd.MultiIndex.from_frame(frame[columns].astype(str))
    return frame[own.isin(rois)]


def _values(table: FeatureArray, name: str, rois: list[tuple[str, ...]], arm: str) -> NDArray[np.float64]:
    places = {key: number for number, key in enumerate(_keys(table))}
    return table.of(arm)[table.names.index(name)][[places[roi] for roi in rois]]


def _feature(
    name: str,
    both: list[FeatureArray],
    rois: list[tuple[str, ...]],
    reference: str,
    verdicts: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    x, y = (_values(one, name, rois, reference) for one in both)
    there = ~(np.isnan(x) | np.isnan(y))
    x, y = x[there], y[there]
    scaled = x != 0
    return {
        "feature": name,
        "class": both[0].classes[both[0].names.index(name)],
        "n": int(x.size),
        "first": float(x.mean()) if x.size else None,
        "second": float(y.mean()) if x.size else None,
        "relative_difference": float(np.median((y - x)[scaled] / np.abs(x[scaled]))) if scaled.any() else None,
        "ccc": concordance(x, y).as_estimate(),
        "arms": [
            {"arm": arm, **{key: _verdict(row) for key, row in zip(("first", "second"), rows, strict=True)}}
            for arm, rows in verdicts.items()
        ],
    }


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    return {"ccc": row["ccc"]["estimate"], "stable": row["stable"]["ccc"] if row["counted"] else None}


def _changes(features: list[dict[str, Any]], arm: str) -> dict[str, int]:
    rows = [one for feature in features for one in feature["arms"] if one["arm"] == arm]
    pairs = [(one["first"]["stable"], one["second"]["stable"]) for one in rows]
    return {
        "judged": sum(None not in pair for pair in pairs),
        "became_stable": pairs.count((False, True)),
        "became_unstable": pairs.count((True, False)),
    }
