"""How long readers took."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.cells import natural


def timing(main: pd.DataFrame) -> dict[str, Any]:
    """Active seconds per main presentation: overall and per reader; quartiles of type 7."""
    if "seconds" not in main or "presentation" not in main or main["seconds"].isna().all():
        return {"overall": None, "readers": [], "reason": "no reading times in the table"}
    once = main.drop_duplicates(["reader", "presentation"])
    once = once[once["seconds"].notna()]
    readers = sorted((str(r) for r in once["reader"].unique()), key=natural)
    return {
        "overall": _spread(once["seconds"].to_numpy()),
        "readers": [
            {"reader": reader, **_spread(once.loc[once["reader"] == reader, "seconds"].to_numpy())}
            for reader in readers
        ],
        "reason": None,
    }


def _spread(seconds: np.ndarray) -> dict[str, Any]:
    q1, median, q3 = np.quantile(seconds, [0.25, 0.5, 0.75])
    return {
        "presentations": int(seconds.size),
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "total": float(seconds.sum()),
    }
