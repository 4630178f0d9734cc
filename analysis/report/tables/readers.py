"""How readers behave: side, time, drift, screening, and the preference of each."""

from analysis.cells import ONE_SIDE
from analysis.formats import number
from analysis.report.table import Names, Results, Table, TableCell
from analysis.report.table_cells import FEW, cell_names, count, estimate_with_interval, p_of_test

MOST_READERS = 12
SIDES = "sides"  # the key of that table


def side_bias(results: Results) -> Table:
    """Does a reader lean to one side?"""
    return Table(
        SIDES,
        "Left or right",
        "display scores of main pairs below 3, 3, above 3",
        ["Reader", "Left", "Neutral", "Right", "p", "Threshold shift, 95 %"],
        [
            [
                TableCell(row["reader"]),
                *(_answers(row, key) for key in ("left", "neutral", "right")),
                p_of_test(row["binomial"]),
                estimate_with_interval(row["threshold_shift"], sign=True),
            ]
            for row in results["side_bias"]
        ],
        "p: exact binomial test against ½, answers taken as independent. Threshold shift: probit units, averaged over "
        "both places of the first arm so that preference cancels; above 0 leans to the right image.",
        narrow=True,
    )


def _answers(row: Results, side: str) -> TableCell:
    if side != "neutral" and row["binomial"]["reason"] == ONE_SIDE:
        return TableCell(reason=ONE_SIDE)
    return count(row[side])


def reading_time(results: Results) -> Table:
    """Active time per main pair."""
    time = results["time"]
    return Table(
        "time",
        "Reading time",
        "active seconds per main pair",
        ["Reader", "Pairs", "Median", "Q1", "Q3", "Hours in all"],
        [
            [
                TableCell(row.get("reader", "all")),
                count(row["presentations"]),
                *(TableCell(number(row[key], 1)) for key in ("median", "q1", "q3")),
                TableCell(number(row["total"] / 3600, 1)),
            ]
            for row in [*time["readers"], *([time["overall"]] if time["overall"] else [])]
        ],
        "Quartiles of type 7.",
        time["reason"] or "",
        narrow=True,
    )


def drift(results: Results) -> Table:
    """Do reading time and decidedness change along the list?"""
    found = results["drift"]
    return Table(
        "drift",
        "Drift over the schedule",
        "Spearman correlation with the position, 95 % below",
        ["Reader", "Seconds per pair", "Share of answers other than 3"],
        [
            [TableCell(row["reader"]), *(estimate_with_interval(row[key], sign=True) for key in ("seconds", "decided"))]
            for row in found["readers"]
        ],
        "Below 0: faster, or more neutral, towards the end.",
        found["reason"] or "",
        narrow=True,
    )


def screening(results: Results) -> Table:
    """Readers whose scores lie outside those of the others, by ITU-R BT.500."""
    found = results["screening"]
    return Table(
        "screening",
        "Screening",
        "a flag, never an exclusion: every reader stays in every number",
        ["Reader", "Units", "High", "Low", "Outside", ""],
        [
            [
                TableCell(row["reader"]),
                *(count(row[key]) for key in ("n", "high", "low")),
                TableCell(f"{100 * row['share']:.1f} %"),
                TableCell("flag" if row["flag"] else "no flag", strong=row["flag"]),
            ]
            for row in found["readers"]
        ],
        "ITU-R BT.500, annex 1, 2.3: scores at least 2 SD (√20 SD where kurtosis is outside 2 to 4) from the mean of "
        "the readers; flagged above 5 % of scores, about as many high as low.",
        found["reason"] or "",
        narrow=True,
    )


def means(results: Results, names: Names) -> Table:
    """Mean preference of every reader per cell."""
    cells = results["comparisons"]
    readers = [row["reader"] for row in cells[0]["readers"]]
    many = len(readers) > MOST_READERS
    return Table(
        "reader-means",
        "Preference of each reader",
        f"mean preference; below 95 % by leaving out each subject once; {FEW}",
        ["Comparison", "Criterion", *readers],
        []
        if many
        else [
            [*cell_names(cell, names), *(estimate_with_interval(row["mean"]) for row in cell["readers"])]
            for cell in cells
        ],
        "Above 3 favours the first arm of the comparison.",
        f"{len(readers)} readers: see the file preference-readers.csv" if many else "",
        words=2,
    )
