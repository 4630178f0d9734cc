"""What makes scores differ, per criterion and cell, and how far apart two scores of one case may lie."""

from dataclasses import replace
from typing import Any

import numpy as np

from analysis.cells import Scores
from analysis.statistics.components import Components, components
from analysis.statistics.reader_model import METHOD, reader_model
from analysis.statistics.result import Result

CONVENTION = (
    "oriented scores of cases that all readers scored; moments of the analysis of variance, readers and cases random; "
    "limits: 1.96 SD of the difference of two scores of one case, about its mean, no wider than the scale; intervals "
    "leave out each subject and speak of these readers"
)


def variance_components(data: Scores) -> dict[str, Any]:
    """Components and limits of each criterion over its comparisons, then of each cell alone, as JSON-able data."""
    rows: list[dict[str, Any]] = []
    for criterion in dict.fromkeys(cell[2] for cell in data.cells):
        places = [place for place, cell in enumerate(data.cells) if cell[2] == criterion]
        table = np.full((data.n_cases, len(data.readers), len(places)), np.nan)
        for number, place in enumerate(places):
            mine = data.cell == place
            table[data.case[mine], data.reader[mine], number] = data.x[mine] + 3
        if len(places) > 1:
            found = components(table, cluster=data.case_subject)
            rows.append({"first": None, "second": None, "criterion": criterion, **_as_dict(found, data)})
        for number, place in enumerate(places):
            first, second, _ = data.cells[place]
            found = components(table[:, :, [number]], cluster=data.case_subject)
            rows.append({"first": first, "second": second, "criterion": criterion, **_as_dict(found, data)})
    return {"conventions": CONVENTION, "rows": rows}


def _as_dict(found: Components, data: Scores) -> dict[str, Any]:
    limits = {
        key: _possible(getattr(found, key), 2 * data.reach).as_estimate()
        for key in ("between_readers", "between_conditions", "between_both")
    }
    return {"variance": {name: part.as_estimate() for name, part in found.parts.items()}, "limits": limits}


def _possible(limit: Result, widest: float) -> Result:
    """No two scores lie further apart than the scale is wide."""
    ci = limit.ci and (min(limit.ci[0], widest), min(limit.ci[1], widest))
    return replace(limit, estimate=None if limit.estimate is None else min(limit.estimate, widest), ci=ci)


def readers_apart(data: Scores) -> dict[str, Any]:
    """Bias and inconsistency of each reader over all cells, as JSON-able data."""
    table, subject = data.matrix()
    found = reader_model(table, cluster=subject)
    rows = [
        {"reader": reader, "bias": bias.as_estimate(), "inconsistency": spread.as_estimate()}
        for reader, bias, spread in zip(data.readers, found.bias, found.inconsistency, strict=True)
    ]
    undefined = [bias.reason for bias in found.bias if bias.estimate is None]
    return {"conventions": METHOD, "readers": rows, "reason": undefined[0] if undefined else None}
