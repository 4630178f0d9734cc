"""Equivalence and non-inferiority."""

from analysis import verdict
from analysis.report import table_cells
from analysis.report.table import Names, Results, Table, TableCell
from analysis.statistics.equivalence import CAVEAT


def margins(results: Results, names: Names) -> Table:
    """What every margin shows that was declared."""
    conventions = results["conventions"]
    declared = [(cell, claim) for cell in results["comparisons"] for claim in verdict.claims(cell)]
    rows = [
        [
            *table_cells.cell_names(cell, names),
            *table_cells.words(claim.name, claim.on.replace("_", " ")),
            TableCell(f"{claim.margin:g}"),
            table_cells.estimate(claim.row, sign=True),
            table_cells.interval({**claim.row, "ci": claim.row["ci90"]}, claim.digits, sign=True),
            table_cells.p_of_test(claim.row),
            table_cells.exact_p(claim.row),
            TableCell(
                "" if claim.shown is None else claim.verdict, claim.reason, how=claim.reason, strong=bool(claim.shown)
            ),
        ]
        for cell, claim in declared
    ]
    methods = dict.fromkeys(claim.row["method"] for _, claim in declared)
    undeclared = conventions.get("protocol", "the protocol declares no margin for a cell that was asked")
    return Table(
        "margins",
        "Equivalence and non-inferiority",
        "by the declared margins, not adjusted",
        ["Comparison", "Criterion", "Claim", "On", "Margin", "Difference", "90 %", "p", "Exact p", "Verdict"],
        rows,
        f"Margins as the protocol fixed them before opening, each cell by its own. {'; '.join(methods)}. Difference: "
        "mean preference − 3, or net preference. “Not shown” is not “different”. P: "
        f"{conventions.get('margins', CAVEAT)}.",
        "" if rows else undeclared,
        words=4,
    )
