"""Image metrics per pair of arms, and the paired test between pairs (Table 4 and L1 of Bash et al.)."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis import tables
from analysis.statistics.preference import signed_rank
from analysis.statistics.values import differences

PAIRED = "paired by case; {method}; statistic V of a − b"


def analyse(metrics: pd.DataFrame) -> dict[str, Any]:
    """Summaries and paired tests of whole-volume metrics as JSON-able data.

    Parameters
    ----------
    metrics : DataFrame
        The metrics table (docs/tables/metrics.json); rows of single slices and undefined values are left out.

    Returns
    -------
    dict
        ``conventions``; ``pairs``: per pair of arms, metric and region ``n``, ``mean``, ``sd`` (n − 1), ``median``,
        quartiles (type 7), ``min``, ``max`` and, for figures, the ``values``, one per case; ``paired``: the test of
        every two pairs of arms per metric and region over the cases that have both. Units are those of the metric.

    Raises
    ------
    InputError
        If the table cannot be used, or a value of a case is there twice.

    Notes
    -----
    The test is ``analysis.statistics.preference.signed_rank`` of a − b. What was registered first and what was not are
    kept apart (``registered``; False where the table does not say).

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.image_metrics import analyse
    >>> rows = [("a", "FAST", 0.90), ("b", "FAST", 0.80), ("a", "FAST-DL", 0.95), ("b", "FAST-DL", 0.90)]
    >>> table = pd.DataFrame(rows, columns=["case", "test", "value"])
    >>> found = analyse(table.assign(reference="SOC", metric="ssim", region="whole"))
    >>> [(row["test"], row["n"], round(row["mean"], 3)) for row in found["pairs"]]
    [('FAST', 2, 0.85), ('FAST-DL', 2, 0.925)]
    >>> found["paired"][0]["a"], found["paired"][0]["b"], found["paired"][0]["test"]["statistic"]
    ('SOC vs FAST', 'SOC vs FAST-DL', 0.0)
    """
    metrics = tables.check(metrics, "metrics")
    volume = metrics[metrics["slice"].isna()] if "slice" in metrics else metrics
    groups = _groups(volume)
    paired = []
    for kind in dict.fromkeys(key[2:] for key in groups):
        metric, region, registered = kind
        same = [key for key in groups if key[2:] == kind]
        for a, b in combinations(same, 2):
            both = pd.concat([groups[a], groups[b]], axis=1, join="inner").dropna()
            difference = differences(*both.to_numpy(dtype=np.float64).T)
            result = signed_rank(difference)
            test = result.as_test()
            test["method"] = PAIRED.format(method=result.method)
            if test["reason"]:
                test["reason"] = "no case has both" if not len(difference) else "no case differs"
            names = {"a": " vs ".join(a[:2]), "b": " vs ".join(b[:2])}
            paired.append({"metric": metric, "region": region, "registered": registered, **names, "test": test})
    return {
        "conventions": {
            "volume": "whole-volume values; SD with n − 1; quartiles of type 7",
            "paired": "signed rank, zeros dropped, normal approximation, no continuity correction",
        },
        "pairs": [_row(key, values) for key, values in groups.items()],
        "paired": paired,
    }


Key = tuple[str, str, str, str, bool]


def _groups(volume: pd.DataFrame) -> dict[Key, pd.Series]:
    """Values by case of each reference, test, metric, region and whether registered, in order of appearance."""
    keys = ["reference", "test", "metric", "region", "registered"]
    said = volume["registered"].fillna(False).astype(bool) if "registered" in volume else False
    volume = volume.assign(registered=said)
    labels = ["subject", "case"] if "subject" in volume else ["case"]
    groups: dict[Key, pd.Series] = {}
    for key, rows in volume.groupby(keys, sort=False, observed=True):
        case = rows[labels].astype(str).agg("/".join, axis=1)
        values = pd.Series(rows["value"].to_numpy(), index=case)
        twice = values.index.duplicated()
        if twice.any():
            reference, test, metric, region, _ = key
            raise tables.InputError(
                f"The metrics table, {tables.where(rows.index, int(np.argmax(twice)))}, column value: {metric} "
                f"({region}) of {reference} vs {test} is there twice for case {values.index[twice][0]}."
            )
        reference, test, metric, region, registered = key
        named = (str(reference), str(test), str(metric), str(region), bool(registered))
        groups[named] = values
    return groups


def _row(key: Key, values: pd.Series) -> dict[str, Any]:
    reference, test, metric, region, registered = key
    defined = values.dropna().to_numpy(dtype=np.float64)
    row: dict[str, Any] = {
        "reference": reference,
        "test": test,
        "metric": metric,
        "region": region,
        "registered": registered,
        "n": int(defined.size),
        "mean": None,
        "sd": None,
        "median": None,
        "q1": None,
        "q3": None,
        "min": None,
        "max": None,
        "values": [float(value) for value in defined],
        "reason": None if defined.size else "no defined value",
    }
    if defined.size:
        q1, median, q3 = np.quantile(defined, [0.25, 0.5, 0.75])
        row |= {"mean": float(defined.mean()), "median": float(median), "q1": float(q1), "q3": float(q3)}
        row |= {"min": float(defined.min()), "max": float(defined.max())}
    if defined.size > 1:
        row["sd"] = float(defined.std(ddof=1))
    return row
