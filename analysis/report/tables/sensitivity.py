"""Beside the primary test: regression, mixed models, readers as random, and without displays that failed."""

from analysis.displays import UNCHECKED
from analysis.formats import capitalised, number
from analysis.mixed import FACTORS, NOT_ASKED
from analysis.report.table import Names, Results, Table, TableCell
from analysis.report.table_cells import FEW, MARK, cell_names, count, estimate_with_interval, p_of_test
from analysis.statistics.ordinal import SEPARATED


def regression(results: Results, names: Names) -> Table:
    """Visual grading regression."""
    rows = [
        [
            *cell_names(cell, names),
            estimate_with_interval(cell["regression"]["preference"], sign=True),
            p_of_test(cell["regression"]["test"]),
            estimate_with_interval(cell["regression"]["side"], sign=True),
            p_of_test(cell["regression"]["readers"]),
        ]
        for cell in results["comparisons"]
    ]
    return Table(
        "regression",
        "Visual grading regression",
        "sensitivity analysis",
        ["Comparison", "Criterion", "Log odds, 95 %", "p", "Right side, 95 %", "Equal readers, p"],
        rows,
        f"{capitalised(results['conventions']['regression'])}. Above 0 favours the first arm, or the right image. "
        f"{MARK}: {SEPARATED}. Never the primary test.",
        words=2,
    )


def mixed(results: Results, names: Names) -> Table:
    """Mixed models with random subjects and readers; results of earlier versions lack them."""
    found = results.get("mixed", {"cells": [], "reason": NOT_ASKED})
    title, note = "Mixed model", "sensitivity analysis"
    if found["reason"]:
        return Table("mixed", title, note, reason=found["reason"])
    rows = [
        [
            *cell_names(cell, names),
            estimate_with_interval(cell["preference"], sign=True),
            p_of_test(cell["test"]),
            estimate_with_interval(cell["side"], sign=True),
            *(_sd(cell, f"sd_{factor}") for factor in FACTORS),
        ]
        for cell in found["cells"]
    ]
    heads = ["Comparison", "Criterion", "Log odds, 95 %", "p", "Right side, 95 %", "SD of subjects", "SD of readers"]
    return Table(
        "mixed",
        title,
        note,
        heads,
        rows,
        f"{capitalised(found['conventions'])}. Above 0 favours the first arm, or the right image, for one subject and "
        "reader. SD 0: a singular fit, in which that factor was left out. Never the primary test.",
        words=2,
    )


def _sd(cell: Results, key: str) -> TableCell:
    if cell[key] is None:
        return TableCell(reason=cell["preference"]["reason"] or "one reader")
    return TableCell(number(cell[key], 2), how=cell["singular"] or "", dim=cell[key] == 0)


def random_readers(results: Results, names: Names) -> list[Table]:
    """Inference to readers like these, where the protocol declares it."""
    found = [(cell, cell["random_readers"]) for cell in results["comparisons"] if cell["random_readers"]]
    if not found:
        return []
    rows = [
        [
            *cell_names(cell, names),
            estimate_with_interval(model["mean"]),
            estimate_with_interval(model["net_preference"], sign=True),
            p_of_test(model["test"]),
        ]
        for cell, model in found
    ]
    return [
        Table(
            "random-readers",
            "Readers as random",
            "inference to readers like these, as the protocol declares",
            ["Comparison", "Criterion", "Mean, 95 %", "Net, 95 %", "p"],
            rows,
            f"{capitalised(results['conventions']['random_readers'])}.",
            words=2,
        )
    ]


def displays(results: Results, names: Names) -> Table:
    """With and without presentations after a failed display check."""
    found = _displays(results)
    title, note = "Without failed displays", "sensitivity analysis"
    if found["reason"]:
        return Table("displays", title, note, reason=found["reason"])
    every = {_key(cell): cell for cell in results["comparisons"]}
    rows = [
        [
            *cell_names(cell, names),
            estimate_with_interval(every[_key(cell)]["mean"]),
            p_of_test(every[_key(cell)]["tests"][every[_key(cell)]["primary_test"]]),
            estimate_with_interval(cell["mean"]),
            p_of_test(cell["test"]),
        ]
        for cell in found["cells"]
    ]
    heads = ["Comparison", "Criterion", "All, mean, 95 %", "p", "Without, mean, 95 %", "p"]
    return Table("displays", title, note, heads, rows, f"{capitalised(found['conventions'])}. {FEW}.", words=2)


def _displays(results: Results) -> Results:
    """Of a dry run that an earlier version made there is nothing."""
    return results.get("displays", {"reason": UNCHECKED})


def _key(cell: Results) -> tuple[str, str, str]:
    return cell["first"], cell["second"], cell["criterion"]


def checks(results: Results) -> Table:
    """Display checks of each reader, and what pairs were read on."""
    found = _displays(results)
    if "readers" not in found:
        return Table("checks", "Display checks", reason=found["reason"])
    keys = ("checks", "checks_failed", "read_fit", "read_failed", "read_none")
    return Table(
        "checks",
        "Display checks",
        "pairs by the reader's last check before",
        ["Reader", "Checks", "Failed", "Pairs after a passed one", "After a failed one", "After none"],
        [[TableCell(row["reader"]), *(count(row[key]) for key in keys)] for row in found["readers"]],
        "Steps, 5 % and 95 % patches, discs in noise, seen by the reader; no luminance was measured.",
    )
