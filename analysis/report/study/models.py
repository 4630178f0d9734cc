"""The networks that made arms: from which arm, which model and version, by its hash, in which time."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.formats import number
from analysis.report import table_cells
from analysis.report.table import Table, TableCell

UNKNOWN = "series.csv does not say it"


def table(protocol: Mapping[str, Any], series: pd.DataFrame | None) -> Table | None:
    """A row for each arm that a network made and each version of its model; None where there is no such arm."""
    rows = []
    for arm in protocol.get("arms") or ():
        if not arm.get("model"):
            continue
        own = None if series is None else series[series["arm"] == arm["id"]]
        for name, of_name in _by_model(own, str(arm["model"])):
            rows.append(
                [
                    *table_cells.words(str(arm["id"]), str(arm.get("made_from") or ""), name),
                    _one(of_name, "model_sha256"),
                    table_cells.count(0 if of_name is None else len(of_name)),
                    _seconds(of_name),
                ]
            )
    if not rows:
        return None
    heads = ["Arm", "Made from", "Model", "SHA-256 of its weights", "Series", "Seconds a series, mean"]
    return Table("models", "Arms that a network made", heads=heads, rows=rows, words=4)


def _by_model(series: pd.DataFrame | None, declared: str) -> list[tuple[str, pd.DataFrame | None]]:
    if series is None or "model_name" not in series or series["model_name"].isna().all():
        return [(declared, series)]
    return [(str(name), found) for name, found in series.groupby("model_name", sort=True)]


def _one(series: pd.DataFrame | None, column: str) -> TableCell:
    found = [] if series is None or column not in series else sorted(series[column].dropna().astype(str).unique())
    return TableCell(", ".join(found)) if found else TableCell(reason=UNKNOWN)


def _seconds(series: pd.DataFrame | None) -> TableCell:
    known = None if series is None or "processing_seconds" not in series else series["processing_seconds"].dropna()
    return TableCell(reason=UNKNOWN) if known is None or known.empty else TableCell(number(float(known.mean()), 1))
