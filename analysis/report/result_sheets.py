"""The tables of results as sheets of a workbook, each with its codebook."""

from collections.abc import Mapping
from typing import Any

from analysis.report.result_codebook import described
from analysis.report.result_tables import columns, result_tables
from analysis.report.workbook import Sheet


def sheets(results: Mapping[str, Any]) -> list[Sheet]:
    """One sheet a table of ``analysis.reading.analyse``."""
    return [Sheet(name, columns(rows), rows, _book(columns(rows))) for name, rows in result_tables(results).items()]


def _book(names: list[str]) -> list[dict[str, str]]:
    return [{"column": name, "description": described(name)} for name in names]
