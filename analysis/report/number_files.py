"""The tables of results as files, and where they differ from the results that were made again."""

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.differences import ABSOLUTE, MOST_SHOWN, RELATIVE, read_results
from analysis.report.measure_tables import image_tables, scan_time_tables, stability_tables, volume_tables
from analysis.report.result_tables import Row, columns, result_tables

# End of the name of a file of results → what makes tables of it.
TABLES_OF: Mapping[str, Callable[[Mapping[str, Any]], dict[str, list[Row]]]] = {
    "results-reading": result_tables,
    "results-images": image_tables,
    "results-stability": stability_tables,
    "results-volumes": volume_tables,
    "results-scan-times": scan_time_tables,
}


def number_tables(results: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Row]]:
    """Every table of these results, by name; results: name as in ``TABLES_OF`` → what the analysis gave."""
    found: dict[str, list[Row]] = {}
    for name in TABLES_OF.keys() & results.keys():
        found |= TABLES_OF[name](results[name])
    return dict(sorted(found.items()))


def between_tables(expected: Path, made: Path) -> list[str]:
    """The differences between the CSV files of ``expected``/numbers and the tables of the JSON files in ``made``.

    Numbers are the same within a relative 1e-6 or 1e-9, texts if they are equal. A file, a row or a column that is
    missing, or is there alone, differs. At most 20 of each file, and how many more there are. InputError if a file of
    ``made`` cannot be read.
    """
    results = {
        name: read_results(file) for file in sorted(made.glob("*.json")) for name in TABLES_OF if _holds(file, name)
    }
    tables = number_tables(results)
    there = {file.stem: file for file in sorted((expected / "numbers").glob("*.csv"))}
    found = [f"numbers/{name}.csv: is not there." for name in tables if name not in there]
    found += [f"numbers/{name}.csv: was not expected." for name in there if name not in tables]
    for name in tables.keys() & there.keys():
        here = list(_differences(there[name], tables[name]))
        found += [f"numbers/{name}.csv, {line}" for line in here[:MOST_SHOWN]]
        if len(here) > MOST_SHOWN:
            found.append(f"numbers/{name}.csv: {len(here) - MOST_SHOWN} more.")
    return found


def _holds(file: Path, name: str) -> bool:
    return file.stem == name or file.stem.endswith(f"-{name}")


def _differences(file: Path, rows: list[Row]) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            head, *said = csv.reader(lines, strict=True)
    except (ValueError, csv.Error):  # empty, not UTF-8, or not regular
        yield "the file is no table."
        return
    names = columns(rows)
    if head != names:
        yield f"columns {' '.join(names)} were expected, {' '.join(head)} are there."
        return
    if len(said) != len(rows):
        yield f"{len(rows)} rows came out, {len(said)} are there."
        return
    for number, (texts, row) in enumerate(zip(said, rows, strict=True), start=1):
        if len(texts) != len(names):
            yield f"row {number}: {len(names)} cells came out, {len(texts)} are there."
            continue
        for name, text in zip(names, texts, strict=True):
            if not _says(text, row.get(name)):
                yield f"row {number}, {name}: {text or 'nothing'} is there, {row.get(name)} came out."


def _says(text: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return text == ("" if value is None else str(value).lower())
    if isinstance(value, int | float):
        try:
            return math.isclose(float(text), value, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        except ValueError:
            return False
    return text in (value, f"'{value}")  # an apostrophe keeps spreadsheets from taking a text for a formula
