"""Who was scanned, with what, in which time: from series.csv."""

from collections.abc import Mapping
from typing import Any

from analysis.formats import number
from analysis.report import table_cells
from analysis.report.table import Table, TableCell


def tables(found: Mapping[str, Any]) -> list[Table]:
    """Subjects, scanners and times of ``analysis.scan_times.analyse``."""
    return [_subjects(found["cohort"], found["conventions"]["age"]), _scanners(found["scanners"]), _times(found)]


def _subjects(cohort: Mapping[str, Any], ages: str) -> Table:
    age, sex = cohort["age"], cohort["sex"]
    years = f"{number(age['mean'], 1)} ± {number(age['sd'], 1)} ({number(age['min'], 0)} to {number(age['max'], 0)})"
    told = years if age["n"] else f"n/a: {age['reason']}"
    some = f", known of {age['n']:,}" if 0 < age["n"] < cohort["subjects"] else ""
    rows = [
        ("Subjects", f"{cohort['subjects']:,}"),
        ("Cases", f"{cohort['cases']:,}"),
        ("Sites", ", ".join(cohort["sites"]["codes"]) or f"n/a: {cohort['sites']['reason']}"),
        ("Age in years, mean ± SD (range)", told + some),
        ("Sex: F, M, other, unknown", ", ".join(f"{sex[one]:,}" for one in ("F", "M", "O", "unknown"))),
    ]
    return Table(
        "cohort",
        "Subjects",
        heads=["", "Value"],
        rows=[table_cells.words(*row) for row in rows],
        words=2,
        how=f"By the headers of the series that were kept. Age: {ages}.",
    )


def _scanners(scanners: list[Mapping[str, Any]]) -> Table:
    return Table(
        "scanners",
        "Scanners",
        "of the series that were acquired or simulated from such",
        heads=["Manufacturer", "Model", "Tesla", "Software", "Subjects", "Series"],
        rows=[
            [
                *table_cells.words(*(str(row[name] or "n/a") for name in ("manufacturer", "model", "field_strength"))),
                *table_cells.words(", ".join(row["software"]) or "n/a"),
                *(table_cells.count(row[name]) for name in ("subjects", "series")),
            ]
            for row in scanners
        ],
        words=4,
        reason="" if scanners else "no series names its scanner",
    )


def _times(found: Mapping[str, Any]) -> Table:
    return Table(
        "scan-times",
        "Scan time in seconds",
        "what was simulated took no scanner's time",
        heads=["Protocol", "Reference", "Test", "Cases", "Reference", "Test", "Saved", "95 %"],
        rows=[
            [
                *table_cells.words(row["protocol"], row["reference"], row["test"]),
                table_cells.count(row["cases"]),
                *(_mean(row, arm) for arm in ("reference", "test")),
                table_cells.estimate(row["saved"], 1),
                table_cells.interval(row["saved"], 1),
            ]
            for row in found["times"]
        ],
        words=3,
        reason="" if found["times"] else "one arm alone was acquired",
    )


def _mean(row: Mapping[str, Any], arm: str) -> TableCell:
    mean = {"estimate": row[f"mean_{arm}"], "reason": row["saved"]["reason"]}
    return table_cells.mean_sd(mean, row[f"sd_{arm}"], 1)
