"""What volumes of interest hold in each arm: a summary of every arm, and what sets two arms apart."""

from collections.abc import Mapping
from typing import Any

from analysis.report import table_cells
from analysis.report.table import Table

# measure: its name, its unit, how many digits of it are shown
SHOWN = {
    "mean": ("Mean", "image units", 1),
    "cv": ("Coefficient of variation", "SD / mean", 3),
    "entropy": ("Entropy", "bits", 3),
    "percent_difference": ("Pixel value difference", "% of the reference", 2),
    "psnr": ("PSNR", "dB", 2),
    "ssim": ("SSIM", "", 3),
}


def summary(results: Mapping[str, Any]) -> Table:
    """A row per measure and arm of ``analysis.in_volumes.analyse``."""
    rows = []
    for name, title, digits, row in _measures(results):
        for one in row["arms"]:
            mean = {"estimate": one["mean"], "reason": one["reason"]}
            rows.append(
                [
                    *table_cells.words(title, name, one["arm"]),
                    table_cells.count(one["n"]),
                    table_cells.mean_sd(mean, one["sd"], digits),
                    table_cells.quartiles(one, digits),
                ]
            )
    heads = ["Measure", "In", "Arm", "Volumes", "Mean ± SD", "Median, quartiles"]
    return Table("volumes", "In the volumes of interest", heads=heads, rows=rows, words=3, how=_said(results, "arms"))


def tests(results: Mapping[str, Any]) -> Table:
    """A row per measure and two arms."""
    rows = []
    for _, title, digits, row in _measures(results):
        for one in row["paired"]:
            rows.append(
                [
                    *table_cells.words(title, f"{one['a']} − {one['b']}"),
                    table_cells.estimate_with_interval(one["difference"], digits, sign=True),
                    table_cells.p_of_test(one["paired_t"]),
                    table_cells.p_of_test(one["wilcoxon"]),
                    table_cells.p_of_test(one["by_subject"] or {"reason": "volumes count as independent"}),
                ]
            )
    heads = ["Measure", "Arms", "Difference, 95 %", "paired t p", "Wilcoxon p", "by subject p"]
    title = "Between arms, in the volumes of interest"
    return Table("volumes-tests", title, heads=heads, rows=rows, words=2, how=_said(results, "paired"))


def _measures(results: Mapping[str, Any]) -> list[tuple[str, str, int, Mapping[str, Any]]]:
    """(unit, title, digits, row) of the measures that are shown, in their order."""
    there = {row["measure"]: row for row in results["measures"]}
    return [(unit, title, digits, there[name]) for name, (title, unit, digits) in SHOWN.items() if name in there]


def _said(results: Mapping[str, Any], convention: str) -> str:
    return f"{results['conventions'][convention]}."
