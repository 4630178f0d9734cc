"""Stability of radiomic features between arms: which features change, and which a network restores."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import tables
from analysis.errors import InputError
from analysis.feature_array import FeatureArray, pivot
from analysis.statistics.correlation import IntraclassCorrelations, concordance, icc
from analysis.statistics.equivalence import subject_means
from analysis.statistics.limits import bland_altman
from analysis.statistics.multiplicity import benjamini_hochberg, holm
from analysis.statistics.paired import (
    coefficient_of_variation,
    median_interval,
    paired_t,
    pearson,
    quartile_dispersion,
)
from analysis.statistics.preference import signed_rank
from analysis.statistics.result import Result
from analysis.statistics.values import differences

__all__ = [
    "CRITERIA",
    "PRESETS",
    "THRESHOLDS",
    "analyse",
    "bland_altman",
    "coefficient_of_variation",
    "paired_t",
    "pairs",
    "quartile_dispersion",
]

CRITERIA = {"paired_t": 0.05, "ccc": 0.85, "icc": 0.90}
ACCEPTABLE_DISPERSION = 0.10
THRESHOLDS = {**CRITERIA, "dispersion": ACCEPTABLE_DISPERSION}
# What each paper calls stable; where it names no threshold that above holds.
PRESETS = {"moummad": THRESHOLDS | {"paired_t": 0.05, "ccc": 0.85}, "zhong": THRESHOLDS | {"ccc": 0.90, "icc": 0.90}}
EQUAL = 1e-9  # relative difference up to which a feature of shape is the same
NAMELESS = re.compile(r"VOI\d+")  # the site's name of a volume that came without one


def analyse(
    features: pd.DataFrame,
    *,
    reference: str,
    restores: Sequence[tuple[str, str]] = (),
    criteria: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Stability of every feature in every arm against a reference, as JSON-able data.

    Parameters
    ----------
    features : DataFrame
        The features table (docs/tables/features.json); a volume of interest is subject × case (where given) × roi.
    reference : str
        The arm that the others are compared with.
    restores : sequence of (str, str), default ()
        Pairs of arms: the fast one, and the DL one made from it.
    criteria : mapping of str to float, optional
        Override ``THRESHOLDS``: paired_t 0.05, ccc 0.85, icc 0.90, and dispersion 0.10, below which CV and QCD are
        acceptable.

    Returns
    -------
    dict
        ``conventions``, ``reference``, ``criteria`` (the thresholds), ``arms`` (every feature with its tests, and
        classes of features), ``restores``, ``dispersion``, ``summary`` and ``groups`` (unstable features by place, the
        name of a volume, and by sequence, where a name belongs to several subjects).

    Raises
    ------
    InputError
        If the table cannot be used, an arm or a criterion is not there, or the reference is to be restored.

    Notes
    -----
    Unstable is an unadjusted p of the paired t test below, a CCC or an ICC(A,1) below the threshold; undefined is
    neither stable nor unstable, and ``judged`` leaves it out. Differences are arm − reference. A feature of shape that
    is the same in both arms of every volume follows from a carried mask: it is in no count. ``stable_by_subject``
    judges subject means.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.stability import analyse
    >>> rows = [("A", 1.0, 1.1), ("B", 2.0, 1.9), ("C", 3.0, 3.2), ("D", 4.0, 4.0)]
    >>> long = [
    ...     {"subject": name, "roi": "cord", "arm": arm, "feature": "firstorder_Mean", "value": value}
    ...     for name, *values in rows
    ...     for arm, value in zip(("SOC", "FAST"), values)
    ... ]
    >>> feature = analyse(pd.DataFrame(long), reference="SOC")["arms"][0]["features"][0]
    >>> round(feature["ccc"]["estimate"], 3), feature["stable"]
    (0.994, {'paired_t': True, 'ccc': True, 'icc': True})
    """
    thresholds = {**THRESHOLDS, **(criteria or {})}
    unknown = set(thresholds) - set(THRESHOLDS)
    if unknown:
        raise InputError(f"There is no criterion {min(unknown)}; there are {', '.join(THRESHOLDS)}.")
    table = pivot(tables.check(features, "features"))
    for arm in [reference, *(arm for pair in restores for arm in pair)]:
        table.ensure_arm(arm)
    arms = [_arm(table, reference, arm, thresholds) for arm in table.arms if arm != reference]
    judged = {
        arm["arm"]: [row["stable"] if row["counted"] else dict.fromkeys(CRITERIA) for row in arm["features"]]
        for arm in arms
    }
    for pair in restores:
        if reference in pair:
            raise InputError(f"The reference {reference} cannot be restored or restore.")
    dispersion = _dispersion(table)
    return {
        "conventions": _conventions(thresholds, table),
        "reference": reference,
        "arms": arms,
        "restores": [
            _restored(table, fast, dl, judged[fast], judged[dl], criterion)
            for fast, dl in restores
            for criterion in CRITERIA
        ],
        "dispersion": dispersion,
        "summary": _summary(arms, dispersion, thresholds),
        "criteria": thresholds,
        "groups": _groups(table, reference, thresholds),
    }


def _conventions(thresholds: Mapping[str, float], table: FeatureArray) -> dict[str, str]:
    volumes = "each volume is a subject, or all are of one"
    if table.clusters is not None:
        volumes = (
            f"{table.subject.size} volumes of {np.unique(table.subject).size} subjects: taken as independent by "
            "paired_t, wilcoxon, pearson, ccc and icc, as published; not by by_subject and bland_altman"
        )
    return {
        "volumes": volumes,
        "paired_t": f"arm − reference; unstable: unadjusted two-sided p < {thresholds['paired_t']:g}",
        "ccc": f"Lin's CCC, moments with n; unstable: estimate < {thresholds['ccc']:g}",
        "icc": f"ICC2 = ICC(A,1), two-way random, absolute agreement; unstable: estimate < {thresholds['icc']:g}",
        "stable": "null where the statistic is undefined; such features count as neither",
        "counted": "false for a feature of shape that is the same in both arms of every volume: the mask was carried, "
        "and the feature is equal by construction; such features are in no count",
        "judged": "features in the counts that have a verdict; where none has one, reasons says why",
        "stable_by_subject": "the same criteria on the means of each subject; null where volumes count as independent",
        "wilcoxon": "signed rank of arm − reference, zeros dropped, normal approximation, no continuity correction",
        "by_subject": "paired t test of the subject means of arm − reference; null where volumes count as independent",
        "bland_altman": "arm − reference, bias ± 1.96 SD (n − 1); intervals of 1999, or of several volumes per subject",
        "adjusted": "Holm and Benjamini–Hochberg over the counted features of one arm, of the paired t test",
        "dispersion": f"over the arms {', '.join(table.arms)} of each volume, then the median over volumes; "
        "CV: SD (n − 1) / |mean|; QCD: (Q3 − Q1) / |Q3 + Q1|, quantiles of type 7",
    }


def _signed_rank(difference: NDArray[np.float64]) -> dict[str, Any]:
    """The signed rank test of measurements, in their words where it is undefined."""
    found = signed_rank(difference).as_test()
    words = {
        "no ratings": "no measurements",
        "every answer is 'no difference'": "every measurement is the same in both arms",
    }
    return found | {"reason": words.get(found["reason"], found["reason"])}


class Verdicts(NamedTuple):
    """Paired t, CCC, ICC of a feature, and whether it is stable by each; None where that is undefined."""

    t: Result
    ccc: Result
    forms: IntraclassCorrelations
    stable: dict[str, bool | None]

    def reason(self, criterion: str) -> str:
        """Why a criterion is undefined."""
        found = {"paired_t": self.t, "ccc": self.ccc, "icc": self.forms.ICC2}[criterion]
        return found.reason or "undefined"


def _verdicts(x: NDArray[np.float64], y: NDArray[np.float64], thresholds: Mapping[str, float]) -> Verdicts:
    t, ccc, forms = paired_t(x, y), concordance(x, y), icc(np.column_stack([x, y]))
    values = {"paired_t": t.p, "ccc": ccc.estimate, "icc": forms.ICC2.estimate}
    stable = {name: None if value is None else bool(value >= thresholds[name]) for name, value in values.items()}
    return Verdicts(t, ccc, forms, stable)


def _counted(group: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """False for a feature of shape that a carried mask makes the same."""
    both = ~(np.isnan(x) | np.isnan(y))
    same = np.isclose(x[both], y[both], rtol=EQUAL, atol=0).all()
    return not (group.startswith("shape") and both.any() and same)


def _arm(table: FeatureArray, reference: str, arm: str, thresholds: Mapping[str, float]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    judged: list[Verdicts] = []
    judged_means: list[Verdicts] = []
    clusters = table.clusters
    for name, group, x, y in zip(table.names, table.classes, table.of(arm), table.of(reference), strict=True):
        found, is_counted, of_means = _verdicts(x, y, thresholds), _counted(group, x, y), None
        if clusters is not None:
            of_means = _verdicts(*_subject_means(x, y, clusters), thresholds)
        if is_counted:
            judged.append(found)
            judged_means += [of_means] if of_means else []
        rows.append(
            {
                "feature": name,
                "class": group,
                "counted": is_counted,
                "paired_t": found.t.as_test(),
                "difference": found.t.as_estimate(),
                "by_subject": of_means and of_means.t.as_test(),
                "bland_altman": limits_of_agreement(x, y, clusters),
                "wilcoxon": _signed_rank(differences(x, y)),
                "pearson": pearson(x, y).as_estimate(),
                "ccc": found.ccc.as_estimate(),
                "icc": {form: result.as_estimate() for form, result in found.forms.items()},
                "stable": found.stable,
                "stable_by_subject": of_means and of_means.stable,
            }
        )
    p = [row["paired_t"]["p"] if row["counted"] else None for row in rows]
    for row, by_holm, by_bh in zip(rows, holm(p), benjamini_hochberg(p), strict=True):
        row |= {"p_holm": by_holm, "p_bh": by_bh}
    both = ~(np.isnan(table.of(arm)) | np.isnan(table.of(reference)))
    counted = [row for row in rows if row["counted"]]
    of_class = {group: [row for row in counted if row["class"] == group] for group in dict.fromkeys(table.classes)}
    return {
        "arm": arm,
        "n_rois": int(both.any(axis=0).sum()),
        "n_features": len(rows),
        "by_construction": len(rows) - len(counted),
        **_counts(judged),
        **{f"{key}_by_subject": None if clusters is None else own for key, own in _counts(judged_means).items()},
        "features": rows,
        "classes": [
            {"class": group, "n_features": len(own), "stable": _stable(own)} for group, own in of_class.items()
        ],
    }


def _stable(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(row["stable"][name] is True for row in rows) for name in CRITERIA}


def _counts(found: Sequence[Verdicts]) -> dict[str, dict[str, Any]]:
    """By each criterion: unstable features, those with a verdict, and why none has one."""
    judged = {name: sum(one.stable[name] is not None for one in found) for name in CRITERIA}
    why = {name: found[0].reason(name) if found else "every feature is equal by construction" for name in CRITERIA}
    return {
        "unstable": {name: sum(one.stable[name] is False for one in found) for name in CRITERIA},
        "judged": judged,
        "reasons": {name: None if judged[name] else why[name] for name in CRITERIA},
    }


def _groups(table: FeatureArray, reference: str, thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Unstable features of the volumes that share the name of a place, or a sequence: a case without its subject."""
    found = []
    sequences = [volume.get("case", "").removeprefix(f"{volume['subject']}-") for volume in table.volumes]
    places = ["" if NAMELESS.fullmatch(volume["roi"]) else volume["roi"] for volume in table.volumes]
    for by, names in (("roi", places), ("sequence", sequences)):
        for group in dict.fromkeys(names):
            inside = np.array([name == group for name in names])
            subjects = np.unique(table.subject[inside]).size
            if group and 1 < inside.sum() < len(names) and (subjects > 1 or table.clusters is None):
                arms = [_of_group(table, reference, arm, inside, thresholds) for arm in table.arms if arm != reference]
                spread = _dispersion(table, inside)
                found.append(
                    {
                        "by": by,
                        "group": group,
                        "n_rois": int(inside.sum()),
                        "arms": arms,
                        "dispersion": {
                            key: {row["feature"]: row[key]["estimate"] for row in spread} for key in ("cv", "qcd")
                        },
                    }
                )
    return found


def _of_group(
    table: FeatureArray, reference: str, arm: str, inside: NDArray[np.bool_], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    pairs = zip(table.names, table.classes, table.of(arm)[:, inside], table.of(reference)[:, inside], strict=True)
    found = {name: _verdicts(x, y, thresholds) for name, group, x, y in pairs if _counted(group, x, y)}
    return {
        "arm": arm,
        "n_features": len(found),
        **_counts(list(found.values())),
        "ccc": {name: one.ccc.estimate for name, one in found.items()},
        "icc": {name: one.forms.ICC2.estimate for name, one in found.items()},
    }


def _subject_means(
    x: NDArray[np.float64], y: NDArray[np.float64], clusters: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    missing = np.isnan(x + y)
    first, second = (subject_means(np.where(missing, np.nan, values), clusters) for values in (x, y))
    return first, second


def limits_of_agreement(
    x: NDArray[np.float64], y: NDArray[np.float64], clusters: NDArray[np.intp] | None
) -> dict[str, Any]:
    """Bias of x − y, its SD and both limits, as JSON-able data; ``clusters``: the subject of each pair."""
    found = bland_altman(x, y, cluster=clusters)
    limits = {"lower": found.lower, "upper": found.upper}
    return {
        "bias": found.as_estimate(),
        "sd": found.sd,
        **{name: None if limit is None else limit.as_estimate() for name, limit in limits.items()},
    }


def pairs(features: pd.DataFrame, *, reference: str, feature: str) -> list[dict[str, Any]]:
    """One feature of every arm against ``reference``, for Bland–Altman plots: arm, mean and difference per volume of
    interest (arm − reference; pairwise complete), its unit of clustering and the limits as in ``analyse``.

    ``feature`` is named as in ``analyse``. Raises InputError.
    """
    table = pivot(tables.check(features, "features"))
    table.ensure_arm(reference)
    if feature not in table.names:
        raise InputError(f"The features table has no feature {feature}.")
    place = table.names.index(feature)
    y = table.of(reference)[place]
    rows = []
    for arm in table.arms:
        if arm == reference:
            continue
        x = table.of(arm)[place]
        both = ~(np.isnan(x) | np.isnan(y))
        rows.append(
            {
                "arm": arm,
                "mean": ((x + y) / 2)[both].tolist(),
                "difference": differences(x, y)[both].tolist(),
                **limits_of_agreement(x, y, table.clusters),
            }
        )
    return rows


def _restored(
    table: FeatureArray,
    fast: str,
    dl: str,
    fast_stable: Sequence[Mapping[str, bool | None]],
    dl_stable: Sequence[Mapping[str, bool | None]],
    criterion: str,
) -> dict[str, Any]:
    def count(group: str | None) -> dict[str, int]:
        pairs = [
            (a[criterion], b[criterion])
            for a, b, own in zip(fast_stable, dl_stable, table.classes, strict=True)
            if group in (None, own)
        ]
        return {
            "lost": sum(a is False for a, _ in pairs),
            "restored": sum(a is False and b is True for a, b in pairs),
            "newly_unstable": sum(a is True and b is False for a, b in pairs),
            "kept": sum(a is True and b is True for a, b in pairs),
            "judged": sum(a is not None and b is not None for a, b in pairs),
        }

    by_class = [{"class": group, **count(group)} for group in dict.fromkeys(table.classes)]
    return {"fast": fast, "dl": dl, "criterion": criterion, **count(None), "by_class": by_class}


def _dispersion(table: FeatureArray, inside: NDArray[np.bool_] | None = None) -> list[dict[str, Any]]:
    """Per feature the median over volumes of interest (all, or those ``inside``) of CV and QCD over the arms."""
    rows = []
    for place, name in enumerate(table.names):
        measured = table.values[:, place, :] if inside is None else table.values[:, place, inside]
        row: dict[str, Any] = {"feature": name, "class": table.classes[place]}
        for key, measure in (("cv", coefficient_of_variation), ("qcd", quartile_dispersion)):
            found = [measure(column) for column in measured.T]
            median = median_interval([np.nan if one.estimate is None else one.estimate for one in found])
            result = median.as_estimate()
            if median.estimate is None:
                result["reason"] = found[0].reason if found else "no values"
            row[key] = result
        rows.append(row)
    return rows


def _summary(
    arms: Sequence[dict[str, Any]], dispersion: Sequence[dict[str, Any]], thresholds: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Quartiles (type 7) over features, for ICC and CCC over features and arms, and the share that is acceptable."""
    counted = [row for arm in arms for row in arm["features"] if row["counted"]]
    names = {row["feature"] for row in counted}
    values = {
        "icc": [row["icc"]["ICC2"]["estimate"] for row in counted],
        "ccc": [row["ccc"]["estimate"] for row in counted],
        "cv": [row["cv"]["estimate"] for row in dispersion if row["feature"] in names],
        "qcd": [row["qcd"]["estimate"] for row in dispersion if row["feature"] in names],
    }
    rows = []
    for measure, found in values.items():
        defined = np.array([value for value in found if value is not None])
        large = measure in thresholds
        limit = thresholds[measure if large else "dispersion"]
        row: dict[str, Any] = {"measure": measure, "n": int(defined.size), "median": None, "q1": None, "q3": None}
        row |= {"share_acceptable": None, "acceptable": f"{'at least' if large else 'below'} {limit:g}"}
        row["reason"] = None if defined.size else "undefined for every feature"
        if defined.size:
            row["q1"], row["median"], row["q3"] = (float(q) for q in np.quantile(defined, [0.25, 0.5, 0.75]))
            row["share_acceptable"] = float(np.mean(defined >= limit if large else defined < limit))
        rows.append(row)
    return rows
