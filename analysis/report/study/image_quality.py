"""How far the images of two arms are alike, from metrics.csv."""

from collections.abc import Mapping
from typing import Any

from analysis.formats import number
from analysis.report import table_cells
from analysis.report.table import Table, TableCell

DIGITS = {"psnr": 1, "ssim": 3, "ms_ssim": 3, "nrmse": 3}


def table(found: Mapping[str, Any]) -> Table:
    """Every pair of arms, metric and region of ``analysis.image_metrics.analyse``."""
    return Table(
        "image-quality",
        "Image metrics",
        heads=["Reference", "Test", "Metric", "Region", "Registered", "n", "Mean ± SD", "Median", "Q1", "Q3"],
        rows=[_row(row) for row in found["pairs"]],
        words=5,
        reason="" if found["pairs"] else "no metric was computed",
        how="; ".join(f"{name}: {words}" for name, words in found["conventions"].items()) + ".",
    )


def _row(row: Mapping[str, Any]) -> list[TableCell]:
    digits = DIGITS.get(row["metric"], 2)
    if row["mean"] is None:
        numbers = [TableCell(reason=row["reason"])] * 4
    else:
        spread = f" ± {number(row['sd'], digits)}" if row["sd"] is not None else ""
        numbers = [TableCell(f"{number(row['mean'], digits)}{spread}")]
        numbers += [TableCell(number(row[name], digits)) for name in ("median", "q1", "q3")]
    names = table_cells.words(
        row["reference"], row["test"], row["metric"].upper(), row["region"], "yes" if row["registered"] else "no"
    )
    return [*names, table_cells.count(row["n"]), *numbers]
