"""The primary hypothesis: its one test, and what it says in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis import verdict
from analysis.report import table_cells
from analysis.report.table import Names, Results, TableCell


@dataclass(frozen=True)
class Hypothesis:
    """The cell of the study that is asked first, with what its test shows; ``reason`` where there is none."""

    reason: str = ""
    asked: str = ""
    sentences: Sequence[str] = ()
    test: str = ""
    p: TableCell = field(default_factory=TableCell)
    how: str = ""
    mean: TableCell = field(default_factory=TableCell)
    net: TableCell = field(default_factory=TableCell)


def hypothesis(results: Results, names: Names) -> Hypothesis:
    """The primary hypothesis with its test, its estimates and what they say."""
    primary = results["primary"]
    if primary["reason"]:
        return Hypothesis(reason=primary["reason"])
    return Hypothesis(
        asked=f"{primary['first']} vs {primary['second']}, {names.get(primary['criterion'], primary['criterion'])}",
        sentences=verdict.primary(results),
        test=verdict.TESTS[primary["test"]],
        p=table_cells.p_of_test_in_full(primary["result"]),
        how=table_cells.method(primary["result"]),
        mean=table_cells.estimate_with_interval(primary["mean"]),
        net=table_cells.estimate_with_interval(primary["net_preference"], sign=True),
    )
