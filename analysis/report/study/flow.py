"""The flow of a study, from subjects to scores, with each exclusion and its reason (CONSORT 2010, STARD 2015)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.report.study_size import counted
from analysis.report.table import Results


@dataclass(frozen=True)
class FlowStage:
    """One stage: what is left, and what was left out on the way to the next."""

    count: str
    detail: str = ""
    left_out: Sequence[str] = ()


def stages(results: Results, protocol: Mapping[str, Any], series: pd.DataFrame | None) -> list[FlowStage]:
    """Subjects, cases, series, pairs and scores. Subjects withdrawn and cases set aside are those that the protocol
    names; a screening before the study is not known here."""
    n = results["n"]
    withdrawn = [
        (str(subject), str(one["reason"]))
        for one in protocol.get("amendments") or ()
        if one["kind"] == "subject_withdrawn"
        for subject in one["what"]
    ]
    aside = [(str(one["case"]), str(one["reason"])) for one in protocol.get("set_aside") or ()]
    found = [
        FlowStage(
            counted(n["subjects"] + len(withdrawn), "subject"),
            "in the study",
            [f"{counted(len(withdrawn), 'subject')} withdrawn", *_by_reason(withdrawn)] if withdrawn else [],
        ),
        FlowStage(
            counted(n["cases"] + len(aside), "case"),
            f"of {counted(n['subjects'], 'subject')} whose pairs were read",
            [f"{counted(len(aside), 'case')} set aside", *_by_reason(aside)] if aside else [],
        ),
    ]
    if series is not None:
        made = series[series["simulated"].notna()] if "simulated" in series else series.iloc[:0]
        simulated = f", {len(made):,} of them simulated" if len(made) else ""
        found.append(
            FlowStage(f"{len(series):,} series", f"of {counted(n['cases'], 'case')} in {_arms(series)}{simulated}")
        )
    if n["presentations"] is not None:
        to = f"to {counted(n['readers'], 'reader')}, main pairs alone"
        found.append(FlowStage(f"{counted(n['presentations'], 'pair')} shown", to))
    asked = sum(n[key] for key in ("ratings", "cannot_judge", "not_applicable", "missing"))
    reasons = {"cannot_judge": "the reader could not judge", "not_applicable": "not asked for this region"}
    reasons["missing"] = "no answer"
    lost = [f"{n[key]:,} {words}" for key, words in reasons.items() if n[key]]
    found.append(FlowStage(counted(asked, "question"), "criteria of these pairs", lost))
    found.append(FlowStage(counted(n["ratings"], "score"), "analysed"))
    return found


def _by_reason(named: Sequence[tuple[str, str]]) -> list[str]:
    counts = Counter(reason for _, reason in named)
    names = {reason: ", ".join(name for name, own in named if own == reason) for reason in counts}
    return [f"{count}: {reason} ({names[reason]})" for reason, count in counts.items()]


def _arms(series: pd.DataFrame) -> str:
    return counted(series["arm"].nunique(), "arm")
