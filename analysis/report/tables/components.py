"""What makes scores differ: variance components, limits of agreement, bias and inconsistency of readers."""

from analysis.formats import capitalised
from analysis.report.table import ColumnHead, Names, Results, Table, TableCell
from analysis.report.table_cells import cell_names, estimate, estimate_with_interval
from analysis.statistics.components import PARTS

EVERY = "all comparisons"
NOT_COMPUTED = {"conventions": "", "readers": (), "reason": "not computed"}
HEADS = {
    "reader": "Reader",
    "case": "Case",
    "reader_case": "Reader × case",
    "condition_reader": "Comparison × reader",
    "condition_case": "Comparison × case",
    "rest": "Rest",
}


def components(results: Results, names: Names) -> Table:
    """Variance components and limits of each criterion, then of each cell."""
    found = results["components"]
    rows = [
        [
            *(cell_names(row, names) if row["first"] else _criterion(row, names)),
            *(estimate(row["variance"][part], 3) for part in PARTS),
            *(estimate_with_interval(row["limits"][key]) for key in ("between_readers", "between_conditions")),
        ]
        for row in found["rows"]
    ]
    return Table(
        "components",
        "What makes scores differ",
        "variance components, and limits of agreement",
        [
            "Comparison",
            "Criterion",
            *(HEADS[part] for part in PARTS),
            ColumnHead("Two readers ±", about="95 of 100 pairs of scores of one case by two readers differ by no more"),
            ColumnHead("Two comparisons ±", about="by one reader of one case, about the mean difference"),
        ],
        rows,
        f"{capitalised(found['conventions'])}. A component below 0 says: no more than chance.",
        words=2,
    )


def _method(found: Results) -> str:
    """The model of ITU-T P.910, or what stands in for it with few readers."""
    return next((str(row["bias"]["method"]) for row in found["readers"]), str(found["conventions"]))


def _criterion(row: Results, names: Names) -> list[TableCell]:
    return [TableCell(EVERY), TableCell(names.get(row["criterion"], row["criterion"]))]


def readers_apart(results: Results) -> Table:
    """How far each reader lies from the others, and how steadily."""
    found = results.get("readers_apart", NOT_COMPUTED)
    return Table(
        "apart",
        "Bias and inconsistency",
        "oriented scores of all cells, 95 % below",
        ["Reader", "Bias", "Inconsistency"],
        [
            [
                TableCell(row["reader"]),
                estimate_with_interval(row["bias"], sign=True),
                estimate_with_interval(row["inconsistency"]),
            ]
            for row in found["readers"]
        ],
        f"{capitalised(_method(found))}. Bias above 0 leans to first arms more than the other readers do; "
        "inconsistency is an SD in points. A description: nobody is excluded or corrected by it.",
        found["reason"] or "",
        narrow=True,
    )
