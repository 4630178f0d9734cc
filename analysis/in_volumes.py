"""Intensity and noise in volumes of interest, and how far each arm is from the reference (Moummad et al. 2022)."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import tables
from analysis.feature_array import FeatureArray, pivot
from analysis.statistics.equivalence import subject_means
from analysis.statistics.paired import paired_t
from analysis.statistics.preference import signed_rank
from analysis.statistics.values import differences

ALONE = ("mean", "cv", "entropy")  # the others compare an arm with the reference
CONVENTIONS = {
    "arms": "values of volumes; SD with n − 1; quartiles of type 7",
    "paired": "a − b over the volumes that both have; paired_t and wilcoxon (zeros dropped, normal approximation, no "
    "continuity correction) take volumes as independent, as published; by_subject: t test of subject means",
}


def analyse(voi: pd.DataFrame, *, reference: str, pairs: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Summaries of every measure and arm, and paired tests between arms, as JSON-able data.

    Parameters
    ----------
    voi : DataFrame
        The table of volumes of interest (docs/tables/voi.json); a volume is subject × case (where given) × roi.
    reference : str
        The arm that the others are compared with.
    pairs : sequence of (str, str), default ()
        Arms that are tested beside each other, as the fast one and the DL one made from it; by default every two.

    Returns
    -------
    dict
        ``conventions``, ``reference`` and ``measures``: of each ``arms`` (n, mean, sd, median, quartiles, and
        ``values``, one per volume) and ``paired`` (``a``, ``b``, ``paired_t``, ``wilcoxon``, ``by_subject``: None where
        no subject has several volumes). What an arm holds alone is also tested against the reference.

    Raises
    ------
    InputError
        If the table cannot be used, an arm is not there, or a value is there twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.in_volumes import analyse
    >>> rows = [("A", 0.10, 0.20), ("B", 0.12, 0.21), ("C", 0.09, 0.22)]
    >>> long = [
    ...     {"subject": name, "roi": "lesion 1", "arm": arm, "measure": "cv", "value": value}
    ...     for name, *values in rows
    ...     for arm, value in zip(("SOC", "FAST"), values)
    ... ]
    >>> found = analyse(pd.DataFrame(long), reference="SOC")["measures"][0]
    >>> found["measure"], found["arms"][1]["n"], round(found["paired"][0]["paired_t"]["p"], 4)
    ('cv', 3, 0.0125)
    """
    table = pivot(tables.check(voi, "voi").rename(columns={"measure": "feature"}))
    for arm in {reference, *(arm for pair in pairs for arm in pair)}:
        table.ensure_arm(arm)
    return {
        "conventions": CONVENTIONS,
        "reference": reference,
        "measures": [_measure(table, place, name, reference, pairs) for place, name in enumerate(table.names)],
    }


def _measure(
    table: FeatureArray, place: int, name: str, reference: str, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    arms = [arm for arm in table.arms if name in ALONE or arm != reference]
    tested = [(b, a) for a, b in pairs] or [(b, a) for a, b in combinations([a for a in arms if a != reference], 2)]
    if name in ALONE:
        tested += [(arm, reference) for arm in arms if arm != reference]
    return {
        "measure": name,
        "arms": [_summary(arm, table.of(arm)[place], table.volumes) for arm in arms],
        "paired": [
            {"a": a, "b": b, **_tests(table.of(a)[place], table.of(b)[place], table.clusters)} for a, b in tested
        ],
    }


def _summary(arm: str, values: NDArray[np.float64], volumes: Sequence[dict[str, str]]) -> dict[str, Any]:
    there = values[~np.isnan(values)]
    found: dict[str, Any] = {"arm": arm, "n": int(there.size), "reason": None if there.size else "no defined value"}
    found |= dict.fromkeys(("mean", "sd", "median", "q1", "q3", "min", "max"))
    if there.size:
        q1, median, q3 = (float(one) for one in np.quantile(there, [0.25, 0.5, 0.75]))
        found |= {"mean": float(there.mean()), "median": median, "q1": q1, "q3": q3}
        found |= {"min": float(there.min()), "max": float(there.max())}
    if there.size > 1:
        found["sd"] = float(there.std(ddof=1))
    found["values"] = [
        {**volume, "value": None if np.isnan(value) else float(value)}
        for volume, value in zip(volumes, values, strict=True)
    ]
    return found


def _tests(x: NDArray[np.float64], y: NDArray[np.float64], clusters: NDArray[np.intp] | None) -> dict[str, Any]:
    by_subject = None
    if clusters is not None:
        missing = np.isnan(x + y)
        by_subject = paired_t(*(subject_means(np.where(missing, np.nan, one), clusters) for one in (x, y))).as_test()
    return {
        "paired_t": paired_t(x, y).as_test(),
        "difference": paired_t(x, y).as_estimate(),
        "wilcoxon": signed_rank(differences(x, y)).as_test(),
        "by_subject": by_subject,
    }
