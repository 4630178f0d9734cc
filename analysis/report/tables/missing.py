"""What was not answered, and whether it could change what the answers say."""

from analysis.formats import capitalised, number
from analysis.report.table import Names, Results, Table, TableCell
from analysis.report.table_cells import FEW, cell_names, count, estimate_with_interval, p_of_test

SETS = ("all", "per_protocol", "as_no_difference")
NOT_COMPUTED = {"reason": "not computed", "conventions": ""}


def missing(results: Results, names: Names) -> Table:
    """Each cell with what was answered, with cases that all answered, and with what is missing filled in."""
    found = results.get("missing", NOT_COMPUTED)
    rows = [
        [
            *cell_names(cell, names),
            TableCell(f"{cell['cannot_judge'] + cell['missing']} of {cell['asked']}"),
            *(
                shown
                for name in SETS
                for shown in (estimate_with_interval(cell[name]["mean"]), p_of_test(cell[name]["test"]))
            ),
            _range(cell),
            _tips(cell),
        ]
        for cell in found.get("cells", ())
    ]
    return Table(
        "missing",
        "Missing answers",
        "sensitivity analysis: mean, 95 % below, and the primary test",
        [
            "Comparison",
            "Criterion",
            "Unanswered",
            *(head for name in ("All", "Per protocol", "As 3") for head in (name, "p")),
            "Possible",
            "Tips at",
        ],
        rows,
        f"{capitalised(found['conventions'])}. As 3: all asked, unanswered taken for no difference. Possible: the "
        f"mean, were all unanswered the lowest, or the highest, answer. {FEW}.",
        found["reason"] or "",
        words=2,
    )


def _range(cell: Results) -> TableCell:
    if cell["lowest_mean"] is None:
        return TableCell(reason=cell["tipping_reason"])
    return TableCell(f"{number(cell['lowest_mean'])} to {number(cell['highest_mean'])}", dim=True)


def _tips(cell: Results) -> TableCell:
    if cell["favours_unadjusted"] is None:
        return TableCell(reason=cell["tipping_reason"])
    if not cell["tips_at"]:
        return TableCell("at none", how=cell["tipping_reason"])
    return TableCell(" and ".join(f"{answer:g}" for answer in cell["tips_at"]), strong=True)


def pattern(results: Results, names: Names) -> Table:
    """Where answers are missing: in pairs with which arm, of which reader and criterion."""
    found = results.get("missing", NOT_COMPUTED)
    rows = [
        [
            TableCell(capitalised(row["by"])),
            TableCell(names.get(row["name"], row["name"]) if row["by"] == "criterion" else row["name"]),
            count(row["asked"]),
            _percent(row["unanswered"]),
        ]
        for row in found.get("pattern", ())
    ]
    return Table(
        "missing-pattern",
        "Where answers are missing",
        "of what was asked",
        ["", "", "Asked", "Unanswered, 95 %"],
        rows,
        "Arm: pairs that show it, on either side. Interval: by leaving out each subject once.",
        found["reason"] or "",
        words=2,
        narrow=True,
    )


def _percent(share: Results) -> TableCell:
    if share["estimate"] is None:
        return TableCell(reason=share["reason"])
    below = " to ".join(f"{100 * end:.1f}" for end in share["ci"] or ())
    return TableCell(f"{100 * share['estimate']:.1f} %", below=below and f"{below} %", how=share["method"])
