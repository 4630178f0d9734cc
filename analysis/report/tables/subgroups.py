"""Preference in subgroups, to look for questions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.report import table_cells
from analysis.report.table import Names, Results, Table, TableCell


def subgroups(results: Results, names: Names) -> list[Table]:
    """One table per variable."""
    found = results["subgroups"]
    if found["reason"]:
        return [Table("subgroups", "Subgroups", "exploratory", reason=found["reason"])]
    return [
        Table(
            f"by-{variable['variable']}",
            f"By {variable['variable'].replace('_', ' ')}",
            "exploratory: to look for questions, not to answer them",
            ["Comparison", "Criterion", *variable["levels"], "Interaction, p"],
            [
                [
                    *table_cells.cell_names(cell, names),
                    *(_level(level) for level in cell["levels"]),
                    table_cells.p_of_test(cell["interaction"]),
                ]
                for cell in variable["cells"]
            ],
            f"{found['conventions']}. Levels: mean preference, 95 % below, by leaving out each subject once. "
            f"{table_cells.FEW}. Not adjusted.",
            words=2,
        )
        for variable in found["variables"]
    ]


def _level(level: Mapping[str, Any]) -> TableCell:
    mean = table_cells.estimate_with_interval(level["mean"])
    net = table_cells.estimate(level["net_preference"], sign=True).text or "n/a"
    return replace(mean, how=f"{level['subjects']} subjects; net preference {net}; {mean.how}")
