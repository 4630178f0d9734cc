"""How readers behave: reading time, drift over the schedule, and screening as a flag."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.cells import Scores, natural
from analysis.statistics.correlation import spearman
from analysis.statistics.preference import orient

ENOUGH = 6


def timing(main: pd.DataFrame) -> dict[str, Any]:
    """Active seconds per main presentation, overall and per reader; quartiles of type 7."""
    if "seconds" not in main or "presentation" not in main or main["seconds"].isna().all():
        return {"overall": None, "readers": [], "reason": "no reading times in the table"}
    once = main.drop_duplicates(["reader", "presentation"])
    once = once[once["seconds"].notna()]
    readers = [
        {"reader": reader, **_spread(once.loc[once["reader"] == reader, "seconds"].to_numpy())}
        for reader in sorted((str(r) for r in once["reader"].unique()), key=natural)
    ]
    return {"overall": _spread(once["seconds"].to_numpy()), "readers": readers, "reason": None}


def _spread(seconds: NDArray[np.float64]) -> dict[str, Any]:
    q1, median, q3 = np.quantile(seconds, [0.25, 0.5, 0.75])
    return {
        "presentations": int(seconds.size),
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "total": float(seconds.sum()),
    }


def drift(main: pd.DataFrame) -> dict[str, Any]:
    """Per reader: Spearman of the position with the reading time and with the share of answers other than 3.

    One value per main presentation; a negative correlation means faster, or more neutral, towards the end.
    """
    if "position" not in main or "presentation" not in main or main["position"].isna().all():
        return {"readers": [], "reason": "no positions in the table"}
    rated = main[main["status"] == "rated"]
    answers = pd.DataFrame(
        {
            "reader": rated["reader"].astype(str),
            "presentation": rated["presentation"].astype(str),
            "position": rated["position"],
            "seconds": rated.get("seconds", np.nan),
            "decided": orient(rated["score"], rated["first_side"] == "right") != 3,
        }
    )
    once = answers.groupby(["reader", "presentation"], sort=False).agg(
        position=("position", "first"), seconds=("seconds", "first"), decided=("decided", "mean")
    )
    rows = []
    for reader in sorted(answers["reader"].unique(), key=natural):
        mine = once.loc[reader]
        rows.append(
            {
                "reader": reader,
                "seconds": spearman(mine["position"], mine["seconds"]).as_estimate(),
                "decided": spearman(mine["position"], mine["decided"]).as_estimate(),
            }
        )
    return {"readers": rows, "reason": None}


def screening(scores: Scores) -> dict[str, Any]:
    """Observer screening of ITU-R BT.500 (annex 1, 2.3) as a flag; nobody is ever excluded by it.

    Per unit (case × cell) rated by all: a score at least 2 SD (√20 SD where the kurtosis is outside 2 to 4) from the
    mean of the readers counts as high or low. Flagged: more than 5 % of the scores, about as many high as low
    (|high − low| < 0.3 of both). With fewer than six readers no score can lie that far away.
    """
    readers = len(scores.readers)
    if readers < ENOUGH:
        return {"readers": [], "reason": f"fewer than {ENOUGH} readers: no score can lie two SD from their mean"}
    table, _ = scores.matrix()
    table = table[~np.isnan(table).any(axis=1)]
    if not len(table):
        return {"readers": [], "reason": "no unit was rated by all readers"}
    away = table - table.mean(axis=1, keepdims=True)
    variance = (away**2).mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        kurtosis = (away**4).mean(axis=1, keepdims=True) / variance**2
    limit = np.where((kurtosis >= 2) & (kurtosis <= 4), 2.0, np.sqrt(20.0)) * table.std(axis=1, ddof=1, keepdims=True)
    high = ((away >= limit) & (variance > 0)).sum(axis=0)
    low = ((away <= -limit) & (variance > 0)).sum(axis=0)
    rows = []
    for place, reader in enumerate(scores.readers):
        outside = int(high[place] + low[place])
        balanced = outside > 0 and abs(int(high[place]) - int(low[place])) / outside < 0.3
        rows.append(
            {
                "reader": reader,
                "high": int(high[place]),
                "low": int(low[place]),
                "n": len(table),
                "share": outside / len(table),
                "flag": bool(outside / len(table) > 0.05 and balanced),
            }
        )
    return {"readers": rows, "reason": None}
