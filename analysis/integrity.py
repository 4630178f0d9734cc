"""Integrity and diagnostic quality: counts with exact intervals."""

from typing import Any, Literal

import pandas as pd

from analysis.cells import natural
from analysis.statistics.proportions import proportion


def consistency(
    panels: pd.DataFrame | None, findings: pd.DataFrame | None, *, on: Literal["consistent", "diagnostic"]
) -> dict[str, Any]:
    """Share of panels without a finding ("consistent") or of diagnostic quality, overall, per arm and per reader.

    ``panels`` is the checked integrity table, of which training is left out, with its findings; panels without an
    answer are counted as ``unanswered``. ``findings`` adds counts per arm and kind to "consistent".
    """
    if panels is None:
        return {"reason": "no integrity table was given"}
    if "kind" in panels:
        panels = panels[panels["kind"].isna() | (panels["kind"] == "main")]
    if panels.empty:
        return {"reason": "the integrity table has no main presentations"}
    result: dict[str, Any] = {"overall": _share(panels, on), "reason": None}
    for column, name in (("arm", "arms"), ("reader", "readers")):
        values = sorted((str(v) for v in panels[column].dropna().unique()), key=natural)
        result[name] = [{column: v, **_share(panels[panels[column] == v], on)} for v in values]
    pairs = panels[["comparison", "arm", "reader"]].astype(str).assign(answer=panels[on])
    result["comparisons"] = [
        {"comparison": comparison, "arm": arm, **_share(rows.rename(columns={"answer": on}), on)}
        for (comparison, arm), rows in pairs.groupby(["comparison", "arm"], sort=True)
    ]
    if on == "consistent":
        result["findings"] = None if findings is None else _findings(_of_panels(findings, panels))
    return result


def _share(panels: pd.DataFrame, on: str) -> dict[str, Any]:
    answered = panels[on].dropna()
    yes = int(answered.astype(bool).sum())
    return {
        "yes": yes,
        "no": len(answered) - yes,
        "unanswered": len(panels) - len(answered),
        "share": proportion(yes, len(answered)).as_estimate(),
    }


def _of_panels(findings: pd.DataFrame, panels: pd.DataFrame) -> pd.DataFrame:
    """Findings on the presentations of these panels; all where a table does not name presentations."""
    keys = ["reader", "presentation"]
    if not set(keys) <= set(findings) or not set(keys) <= set(panels):
        return findings
    known = pd.MultiIndex.from_frame(panels[keys].astype(str))
    return findings[pd.MultiIndex.from_frame(findings[keys].astype(str)).isin(known)]


def _findings(findings: pd.DataFrame) -> list[dict[str, Any]]:
    named = findings.assign(
        arm=findings["arm"].astype(object).fillna("undetermined") if "arm" in findings else "undetermined",
        kind=findings["kind"].astype(object),
    )
    counts = named.groupby(["arm", "kind"], sort=True).size()
    return [
        {"arm": arm, "kind": kind, "n": int(n)}
        for (arm, kind), n in zip(counts.index.tolist(), counts.tolist(), strict=True)
    ]
