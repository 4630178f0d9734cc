"""Models beside the primary test: visual grading regression, and readers as random."""

from analysis.formats import capitalised
from analysis.report.table import Names, Results, Table
from analysis.report.table_cells import cell_names, estimate_with_interval, p_of_test


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
        "Never the primary test.",
        words=2,
    )


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
