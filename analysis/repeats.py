"""Intra-reader agreement: what a reader answered when the same pair came back with its sides swapped."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.cells import natural
from analysis.protocol import Protocol
from analysis.statistics.agreement import percent, spearman, weighted_kappa
from analysis.statistics.preference import orient

KEYS = ["reader", "subject", "case", "comparison", "criterion"]


def repeats(ratings: pd.DataFrame, protocol: Protocol) -> dict[str, Any]:
    """Agreement of repeat with main preferences per reader and together; pairs in which both were rated.

    ``ratings`` are checked rows of all kinds. Both preferences are oriented, so the swapped sides do not matter.
    """
    rated = ratings[ratings["status"] == "rated"]
    again = rated[rated["kind"] == "repeat"]
    if again.empty:
        return {"readers": [], "overall": None, "reason": "no repeats"}
    first = rated[rated["kind"] == "main"]
    pairs = _preferences(again).merge(_preferences(first), on=KEYS, suffixes=("_repeat", "_main"))
    if pairs.empty:
        return {"readers": [], "overall": None, "reason": "no repeat has a rated main presentation"}
    rows = [
        {"reader": reader, **_agreement(pairs[pairs["reader"] == reader], protocol)}
        for reader in sorted(pairs["reader"].unique(), key=natural)
    ]
    return {"readers": rows, "overall": _agreement(pairs, protocol), "reason": None}


def _preferences(rows: pd.DataFrame) -> pd.DataFrame:
    keys = rows[KEYS].astype(str)
    return keys.assign(preference=orient(rows["score"], rows["first_side"] == "right"))


def _agreement(pairs: pd.DataFrame, protocol: Protocol) -> dict[str, Any]:
    a, b = pairs["preference_main"].to_numpy(), pairs["preference_repeat"].to_numpy()
    cluster = np.unique(pairs["subject"], return_inverse=True)[1]
    result: dict[str, Any] = {
        "n": len(pairs),
        "percent": percent(a, b).as_estimate(),
        "spearman": spearman(a, b).as_estimate(),
    }
    for kind in ("linear", "quadratic"):
        kappa = weighted_kappa(a, b, categories=protocol.categories, weights=kind, cluster=cluster)
        result[f"kappa_{kind}"] = kappa.as_estimate()
    return result
