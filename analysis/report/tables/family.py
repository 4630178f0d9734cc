"""All cells of the family at once: intervals that hold together, Hommel beside Holm, and how much subjects cluster."""

from analysis.formats import number
from analysis.report.table import ColumnHead, Names, Results, Table, TableCell
from analysis.report.table_cells import adjusted_p, cell_names, estimate, estimate_with_interval

LEAST = 0.05  # a design effect that is told with its number of independent ratings


def family(results: Results, names: Names) -> Table:
    """What holds for the whole family."""
    rows = []
    for cell in results["comparisons"]:
        primary, together = cell["tests"][cell["primary_test"]], cell["simultaneous"]
        rows.append(
            [
                *cell_names(cell, names),
                estimate_with_interval(together["mean"]),
                estimate_with_interval(together["net_preference"], sign=True),
                adjusted_p(cell["p_holm"]["primary"], primary),
                adjusted_p(cell["p_hommel"]["primary"], primary),
                estimate_with_interval(cell["hodges_lehmann"]),
                estimate_with_interval(cell["subject_correlation"]),
                _design_effect(cell["design_effect"]),
            ]
        )
    return Table(
        "family",
        "The whole family",
        "intervals that hold 95 % all at once",
        [
            "Comparison",
            "Criterion",
            "Mean, together",
            "Net, together",
            "Holm",
            "Hommel",
            "Hodges–Lehmann, 95 %",
            ColumnHead("ICC", about="Intraclass correlation of the ratings of one subject"),
            ColumnHead(
                "Design effect", about="Variance of the mean over that of independent ratings; below: their number"
            ),
        ],
        rows,
        "Together: by leaving out each subject, critical value of the largest of correlated t values. Holm, Hommel: of "
        "the primary test; Hommel's holds where tests are independent or go up and down together. Hodges–Lehmann: of "
        "subject means, signed rank interval, where subjects lie evenly about their middle. Below the design effect: "
        "as many independent ratings would tell as much.",
        words=2,
    )


def _design_effect(found: Results) -> TableCell:
    if not found["estimate"]:
        return estimate(found)
    # Of one that is told as 0.0 the number would be a rounding error's.
    below = f"{found['n'] / found['estimate']:.0f} of {found['n']}" if found["estimate"] >= LEAST else ""
    return TableCell(number(found["estimate"], 1), below=below, how=found["method"])
