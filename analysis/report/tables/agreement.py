"""Agreement: between readers, per pair and all together, and of each reader with herself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.report import table_cells
from analysis.report.table import ColumnHead, Names, Results, Table, TableCell
from analysis.report.table_cells import cell_names, estimate_with_interval
from analysis.report.tables.preference import count_range

ICC = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
POOLED = "all cells pooled"
MOST_PAIRS = 15  # of six readers
RANGE = ("lowest ρ", "median ρ", "highest ρ")


def by_cell(results: Results, names: Names) -> Table:
    """Spearman's correlation of every pair of readers beside alpha and AC2: all cells pooled, then each cell.

    Of more than MOST_PAIRS nobody reads each: the lowest, the median and the highest stand for them.
    """
    found = results["agreement"]
    per_cell = {(row["first"], row["second"], row["criterion"]): row for row in found["cells"]}
    pairs = found["overall"]["pairs"]
    rows = [[*table_cells.words("all", POOLED), *_coefficients(found["overall"])]]
    rows += [
        [*cell_names(cell, names), *_coefficients(per_cell[cell["first"], cell["second"], cell["criterion"]])]
        for cell in results["comparisons"]
    ]
    return Table(
        "agreement",
        "Agreement",
        "Spearman ρ per pair of readers"
        if len(pairs) <= MOST_PAIRS
        else f"Spearman ρ of {len(pairs)} pairs of readers, each of which stands under Agreement",
        [
            "Comparison",
            "Criterion",
            *(map(_readers, pairs) if len(pairs) <= MOST_PAIRS else RANGE),
            ColumnHead("α", about="Krippendorff's alpha, ordinal"),
            ColumnHead("AC2", about="Gwet's AC2, ordinal weights"),
        ],
        rows,
        f"On oriented scores. Pooled: n = {count_range(pair['spearman']['n'] for pair in pairs)} per pair, as "
        "published; inflated by differences between cell means. AC2 is high wherever nearly all answers are 3: read "
        "it beside α. Hatched: undefined.",
        words=2,
        row_classes=["pooled", *("" for _ in rows[1:])],
        style="heat",
    )


def _coefficients(row: Mapping[str, Any]) -> list[TableCell]:
    found = [pair["spearman"] for pair in row["pairs"]]
    spearman = [table_cells.heat(one) for one in (found if len(found) <= MOST_PAIRS else _range(found))]
    ac2 = replace(table_cells.estimate(row["gwet_ac2"]), dim=True)
    return [*spearman, table_cells.heat(row["krippendorff_alpha"]), ac2]


def _range(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The estimates that are lowest, in the middle (the lower of two) and highest; undefined if all are."""
    defined = sorted((one for one in found if one["estimate"] is not None), key=lambda one: one["estimate"])
    return [defined[0], defined[(len(defined) - 1) // 2], defined[-1]] if defined else [found[0]] * 3


def _readers(pair: Mapping[str, Any]) -> str:
    return f"{pair['reader_a']} · {pair['reader_b']}"


def pairs_of_readers(results: Results) -> Table:
    """Every pair of readers over all cells."""
    found = results["agreement"]
    columns = (("spearman", 3), ("percent", 2), ("kappa_linear", 2), ("kappa_quadratic", 2))
    rows = [
        [TableCell(_readers(pair)), *(estimate_with_interval(pair[key], digits) for key, digits in columns)]
        for pair in found["overall"]["pairs"]
    ]
    return Table(
        "pairs",
        "Pairs of readers",
        f"{POOLED}, as published",
        ["Readers", "Spearman", "Equal", "κ linear", "κ quadratic"],
        rows,
        "Oriented scores. Spearman: Bonett–Wright interval. Equal: share of the same score, Clopper–Pearson. κ over "
        "the declared categories. Pooled values are inflated by differences between cell means; per cell: the tables "
        "“Agreement” and “All readers”.",
        "" if rows else found["reason"] or "agreement needs two readers",
    )


def all_readers(results: Results, names: Names) -> Table:
    """Coefficients over all readers, overall and per cell."""
    found = results["agreement"]
    labelled = [(table_cells.words(POOLED, ""), found["overall"])]
    labelled += [(cell_names(row, names), row) for row in found["cells"]]
    coefficients = ("krippendorff_alpha", "gwet_ac2", "kendall_w")
    return Table(
        "together",
        "All readers",
        "overall and per cell, 95 % below",
        ["Comparison", "Criterion", "α", "AC2", "W", *ICC],
        [
            [
                *label,
                *(estimate_with_interval(row[key]) for key in coefficients),
                *(estimate_with_interval(row["icc"][form]) for form in ICC),
            ]
            for label, row in labelled
        ],
        "α: Krippendorff, ordinal metric. AC2: Gwet, ordinal weights; high wherever nearly all answers are 3, never "
        "to be read alone. W: Kendall, corrected for ties. ICC: Shrout & Fleiss; ICC2 = ICC(A,1), ICC3 = ICC(C,1), "
        "k: of the mean of the readers.",
        words=2,
    )


def repeats(results: Results) -> Table:
    """Each reader against her own first reading."""
    found = results["repeats"]
    columns = ("percent", "kappa_linear", "kappa_quadratic", "spearman")
    return Table(
        "repeats",
        "The same reader again",
        "hidden repeats, sides swapped, against the main pair",
        ["Reader", "Scores", "Equal", "κ linear", "κ quadratic", "Spearman"],
        [
            [
                TableCell(row.get("reader", "all")),
                table_cells.count(row["n"]),
                *(estimate_with_interval(row[key]) for key in columns),
            ]
            for row in [*found["readers"], *([found["overall"]] if found["overall"] else [])]
        ],
        "Oriented scores; pairs of scores in which both were rated.",
        found["reason"] or "",
    )
