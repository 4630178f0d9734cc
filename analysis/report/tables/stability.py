"""Tables of radiomic stability: what is unstable in each arm, what a DL arm restores, agreement over all features."""

from collections.abc import Mapping
from typing import Any

from analysis import formats
from analysis.report import table_cells
from analysis.report.table import Table, TableCell


def unstable(results: Mapping[str, Any]) -> Table:
    """What is unstable in each arm, by every criterion."""
    return Table(
        "unstable",
        "Unstable features",
        heads=["Arm", "Volumes", "Features", "by construction", "paired t", "CCC", "ICC", "… of subject means"],
        rows=[
            [
                TableCell(arm["arm"]),
                table_cells.count(arm["n_rois"]),
                table_cells.count(table_cells.counted_features(arm)),
                table_cells.count(arm["by_construction"]),
                *table_cells.unstable(arm, table_cells.counted_features(arm)),
                table_cells.unstable_by_subject(arm),
            ]
            for arm in results["arms"]
        ],
        how="By construction: features of shape of a carried mask, equal in both arms; in no count. "
        f"{table_cells.SOME_JUDGED}.",
    )


def groups(results: Mapping[str, Any]) -> Table:
    """The same by place and sequence."""
    words = {"roi": "place", "sequence": "sequence"}
    return Table(
        "groups",
        "Unstable features by place and sequence",
        heads=["By", "Name", "Arm", "Volumes", "Features", "paired t", "CCC", "ICC"],
        rows=[
            [
                *table_cells.words(words[group["by"]], group["group"], arm["arm"]),
                *(table_cells.count(count) for count in (group["n_rois"], arm["n_features"])),
                *table_cells.unstable(arm, arm["n_features"]),
            ]
            for group in results["groups"]
            for arm in group["arms"]
        ],
        words=3,
        how=f"Place: the name of a volume of interest. {table_cells.SOME_JUDGED}.",
    )


def restored(results: Mapping[str, Any]) -> Table:
    """What a DL arm restores of what its fast arm lost."""
    return Table(
        "restored",
        "Restored",
        heads=["Arms", "Criterion", "Lost", "Restored", "Newly unstable"],
        rows=[
            [
                *table_cells.words(f"{row['fast']} → {row['dl']}", row["criterion"]),
                *(table_cells.count_judged(row, key) for key in ("lost", "restored", "newly_unstable")),
            ]
            for row in results["restores"]
        ],
        words=2,
    )


def summary(results: Mapping[str, Any]) -> Table:
    """Agreement over all features."""
    return Table(
        "summary",
        "Summary",
        heads=["Measure", "Median", "Q1", "Q3", "Share acceptable", "Acceptable"],
        rows=[
            table_cells.words(
                row["measure"].upper(),
                *(formats.number(row[key], 3) for key in ("median", "q1", "q3", "share_acceptable")),
                row["acceptable"],
            )
            for row in results["summary"]
        ],
    )


def features(arm: Mapping[str, Any], reference: str) -> Table:
    """Every feature of an arm."""
    return Table(
        f"features-{arm['arm']}",
        f"{arm['arm']} against {reference}",
        heads=["Feature", "paired t p", "Holm", "Wilcoxon p", "Pearson", "CCC", "ICC(A,1)"],
        rows=[
            [
                TableCell(row["feature"]),
                table_cells.p_of_test(row["paired_t"]),
                table_cells.adjusted_p(row["p_holm"], row["paired_t"], outside="equal by construction, in no count"),
                table_cells.p_of_test(row["wilcoxon"]),
                *(table_cells.estimate_with_interval(row[key], 3) for key in ("pearson", "ccc")),
                table_cells.estimate_with_interval(row["icc"]["ICC2"], 3),
            ]
            for row in arm["features"]
        ],
    )
