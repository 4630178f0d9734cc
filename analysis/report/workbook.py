"""Tables as one workbook (XLSX): what it is, a codebook, one sheet a table. Rows are written as they come.

No text is a formula: every text is written as text, whoever wrote it. Times are UTC without a zone, as XLSX has none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

Row = Mapping[str, Any]
LONGEST = 32_767  # characters in a cell
MOST_ROWS = 1_048_575  # below the head
WIDEST = 40  # characters that a column shows
LOOKED_AT = 50  # rows that decide how wide a column is
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # not allowed in XML
CUT = "… (cut: a cell holds {:,} of its {:,} characters)"
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")  # in the name of a sheet
BOOK = ("sheet", "column", "type", "unit", "allowed", "required", "description")


@dataclass(frozen=True)
class Sheet:
    """One table; ``book``: rows of its codebook, each with ``column`` and ``description`` at least."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Row]
    book: Sequence[Row] = ()


def write(file: BinaryIO, sheets: Sequence[Sheet], *, readme: Sequence[str]) -> None:
    """Write the workbook: README, codebook, the sheets in their order; a table of over a million rows goes on in
    another sheet."""
    workbook = Workbook(write_only=True)
    front = workbook.create_sheet("README")
    front.column_dimensions["A"].width = 100
    for line in readme:
        front.append([_cell(front, line)])
    book = [{"sheet": _name(sheet.name), **row} for sheet in sheets for row in sheet.book]
    _fill(workbook, Sheet("codebook", [name for name in BOOK if any(name in row for row in book)], book))
    try:
        for sheet in sheets:
            _fill(workbook, sheet)
    except Exception:
        for page in workbook.worksheets:
            page.close()  # openpyxl complains of a page that is left open
        raise
    workbook.save(file)


def _fill(workbook: Workbook, sheet: Sheet) -> None:
    rows, number = iter(sheet.rows), 1
    while True:
        name = _name(sheet.name if number == 1 else f"{sheet.name} {number}")
        page = workbook.create_sheet(name)
        first = list(islice(rows, LOOKED_AT))
        for place, column in enumerate(sheet.columns, 1):
            texts = [column, *(_shown(row.get(column)) for row in first)]
            page.column_dimensions[get_column_letter(place)].width = 2 + min(WIDEST, max(map(len, texts)))
        page.freeze_panes = "A2"
        page.append([_head(page, column) for column in sheet.columns])
        for row in _first_then(first, islice(rows, MOST_ROWS - LOOKED_AT)):
            page.append([_cell(page, row.get(column)) for column in sheet.columns])
        following = list(islice(rows, 1))
        if not following:
            return
        rows, number = _first_then(following, rows), number + 1


def _first_then(first: Sequence[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def _name(text: str) -> str:
    return FORBIDDEN.sub("-", text)[:31]


def _head(page: Any, text: str) -> Any:
    cell = _cell(page, text)
    cell.font = Font(bold=True)
    return cell


def _cell(page: Any, value: Any) -> Any:
    """A value of its own type; a text is a text, whatever it begins with."""
    if isinstance(value, str):
        cell = WriteOnlyCell(page, _fitting(UNSEEN.sub("", value)))
        cell.data_type = "s"
        return cell
    if isinstance(value, datetime):
        cell = WriteOnlyCell(page, value.astimezone(UTC).replace(tzinfo=None))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    if value is None or isinstance(value, bool | int | float):
        return value
    return _cell(page, str(value))


def _fitting(text: str) -> str:
    """The text, or as much of it as a cell holds, with that it was cut. XLSX counts characters as UTF-16 does."""
    length = _units(text)
    if length <= LONGEST:
        return text
    mark = CUT.format(LONGEST, length)
    kept = text.encode("utf-16-le")[: 2 * (LONGEST - _units(mark))].decode("utf-16-le", "ignore")
    return kept + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
