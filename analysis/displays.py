"""Does the result hang on displays that failed their check? A sensitivity analysis: with them, and without."""

from typing import Any

import numpy as np
import pandas as pd

from analysis import primary_test
from analysis.cells import natural, scores
from analysis.pooled import mean_preference
from analysis.protocol import Protocol

CONVENTION = (
    "each presentation by its reader's last display check before it was confirmed; without: presentations after a "
    "failed check left out, those after none kept; test: the primary one, not adjusted"
)
UNCHECKED = "no display was checked"
STATES = ("fit", "failed", "none")


def states(ratings: pd.DataFrame, checks: pd.DataFrame) -> pd.Series:
    """What each rating was read on.

    Parameters
    ----------
    ratings : DataFrame
        With ``reader`` and ``confirmed_at``.
    checks : DataFrame
        The table of display checks: ``reader``, ``checked_at`` and ``passed``.

    Returns
    -------
    Series
        ``fit``, ``failed``, or ``none`` where the reader had made no check before, with the index of ``ratings``.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.displays import states
    >>> times = {"confirmed_at": ["2026-01-01T08:00Z", "2026-01-01T12:00Z"]}
    >>> check = {"reader": ["R1"], "checked_at": ["2026-01-01T09:00Z"], "passed": [False]}
    >>> list(states(pd.DataFrame({"reader": "R1", **times}), pd.DataFrame(check)))
    ['none', 'failed']
    """
    asked = pd.DataFrame({"reader": ratings["reader"].astype(str), "at": _times(ratings["confirmed_at"])})
    asked = asked.assign(row=np.arange(len(asked))).dropna(subset="at").sort_values("at", kind="stable")
    made = pd.DataFrame(
        {
            "reader": checks["reader"].astype(str),
            "at": _times(checks["checked_at"]),
            "state": np.where(checks["passed"].astype(bool), "fit", "failed"),
        }
    ).sort_values("at", kind="stable")
    found = np.full(len(ratings), "none", dtype=object)
    last = pd.merge_asof(asked, made, on="at", by="reader")
    found[last["row"]] = last["state"].fillna("none")
    return pd.Series(found, index=ratings.index)


def _times(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column.astype(object), utc=True, format="ISO8601").astype("datetime64[us, UTC]")


def displays(main: pd.DataFrame, checks: pd.DataFrame | None, protocol: Protocol) -> dict[str, Any]:
    """Preferences without what was read after a failed display check.

    Parameters
    ----------
    main : DataFrame
        Checked main ratings.
    checks : DataFrame or None
        The table of display checks.
    protocol : Protocol
        Names cells and primary test.

    Returns
    -------
    dict
        ``readers``: checks, and presentations by what they were read on; ``cells``: mean and test without those after
        a failed check; ``reason`` where there is nothing to leave out, or to tell.

    Notes
    -----
    Mean preference with the interval of the results; the test is the primary one. Both are for a look beside the
    results: the declared analysis takes every confirmed presentation.
    """
    if checks is None or checks.empty:
        return {"reason": UNCHECKED}
    if "confirmed_at" not in main or "presentation" not in main:
        return {"reason": "the ratings do not say which presentation was confirmed when"}
    state = states(main, checks)
    found: dict[str, Any] = {"conventions": CONVENTION, "readers": _readers(main, checks, state), "cells": []}
    if not (state == "failed").any():
        return {**found, "reason": "no pair was read after a failed check"}
    if (state == "failed").all():
        return {**found, "reason": "every pair was read after a failed check"}
    left = scores(main[state != "failed"], protocol)
    for place, (first, second, criterion) in enumerate(left.cells):
        rows = left.cell == place
        x, subject = left.x[rows], left.subject[rows]
        row = {"first": first, "second": second, "criterion": criterion}
        test = primary_test.run(protocol.primary_test, x, subject)
        found["cells"].append({**row, "mean": mean_preference(x, subject, left.reach), "test": test.as_test()})
    return {**found, "reason": None}


def _readers(main: pd.DataFrame, checks: pd.DataFrame, state: pd.Series) -> list[dict[str, Any]]:
    shown = main.assign(state=state).drop_duplicates(["reader", "presentation"])
    made = checks["reader"].astype(str)
    rows = []
    for reader in sorted({str(one) for one in shown["reader"]}, key=natural):
        own = shown.loc[shown["reader"].astype(str) == reader, "state"]
        mine = checks.loc[made == reader, "passed"].astype(bool)
        row = {"reader": reader, "checks": len(mine), "checks_failed": int((~mine).sum())}
        rows.append({**row, **{f"read_{name}": int((own == name).sum()) for name in STATES}})
    return rows
