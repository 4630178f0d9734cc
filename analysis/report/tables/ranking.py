"""The ranking of the arms over all comparisons of a criterion."""

from analysis.report import figures
from analysis.report.table import Colours, Names, Results, Table, TableCell
from analysis.report.table_cells import estimate_with_interval


def ranking(results: Results, names: Names, colours: Colours) -> Table:
    """Log worth of every arm per criterion, with ties and side."""
    found = results["ranking"]
    arms = list(dict.fromkeys(row["arm"] for criterion in found["criteria"] for row in criterion["arms"]))
    rows = []
    for criterion in found["criteria"]:
        worths = {row["arm"]: row["log_worth"] for row in criterion["arms"]}
        values = [worths.get(arm) or {"reason": "not compared"} for arm in arms] + [criterion["tie"], criterion["side"]]
        name = TableCell(names.get(criterion["criterion"], criterion["criterion"]))
        rows.append([name, *(estimate_with_interval(value, sign=True) for value in values)])
    return Table(
        "ranking",
        "Ranking of the arms",
        "Davidson's model over all comparisons of a criterion",
        ["Criterion", *arms, "Ties, log ν", "Right side, log γ"],
        rows,
        f"Log worth against the mean of the arms, right is better; lines: 95 %. {found['conventions']}.",
        found["reason"] or "",
        figure=figures.ranking(found, colours=colours, names=names) if found["criteria"] else "",
    )
