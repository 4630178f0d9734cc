"""What a page shows on hover stands under its tables where it is printed: methods, reasons, abbreviations."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.report.table import ColumnHead, Table, TableCell

INTERVAL = re.compile(r"95 % interval (.*?)(?:, |$)")
COUNT = re.compile(r"(?:^|(?<=; ))n = ([\d,]+)")
LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"


@dataclass(frozen=True)
class NotedTable:
    """A table with marks, and what each stands for."""

    table: Table
    notes: Sequence[str] = ()


class _Marks:
    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def of(self, words: str) -> str:
        if words not in self.found:
            place = len(self.found)
            self.found[words] = LETTERS[place % len(LETTERS)] * (1 + place // len(LETTERS))
        return self.found[words]


def noted(table: Table) -> NotedTable:
    """The table with a mark beside whatever has more to say: at the head of a column where all its cells say the same,
    else at the cell. Undefined cells read n/a with their mark; a method that has another n in every row is told once,
    with the least and the greatest."""
    table = replace(table, rows=_counts_together([[_interval_below(cell) for cell in row] for row in table.rows]))
    marks = _Marks()
    heads = list(table.heads)
    shared = dict(_shared(table.rows))
    for column, words in shared.items():
        head = heads[column] if column < len(heads) else ""
        if isinstance(head, str) and head:
            heads[column] = f"{head} {marks.of(words)}"
    for column, head in enumerate(heads):
        if isinstance(head, ColumnHead) and head.about:
            heads[column] = f"{head.text} {marks.of(head.about)}"
    rows = [[_marked(cell, marks, shared.get(column, "")) for column, cell in enumerate(row)] for row in table.rows]
    notes = [f"{mark} {words}" for words, mark in marks.found.items()]
    return NotedTable(replace(table, heads=heads, rows=rows), notes)


def _interval_below(cell: TableCell) -> TableCell:
    """An interval that is shown on hover stands below its estimate."""
    found = INTERVAL.match(cell.how)
    return replace(cell, below=found[1], how=cell.how[found.end() :]) if found and not cell.below else cell


def _counts_together(rows: Sequence[Sequence[TableCell]]) -> list[list[TableCell]]:
    counts: dict[str, list[int]] = {}
    for cell in (cell for row in rows for cell in row):
        if found := COUNT.search(cell.how):
            counts.setdefault(COUNT.sub("n", cell.how), []).append(int(found[1].replace(",", "")))

    def told(cell: TableCell) -> TableCell:
        if not COUNT.search(cell.how):
            return cell
        low, high = (end(counts[COUNT.sub("n", cell.how)]) for end in (min, max))
        return replace(cell, how=COUNT.sub(f"n = {low:,}" + (f" to {high:,}" if high > low else ""), cell.how))

    return [[told(cell) for cell in row] for row in rows]


def _shared(rows: Sequence[Sequence[TableCell]]) -> Iterator[tuple[int, str]]:
    """(column, words) where every defined cell of a column says the same on hover."""
    for column in range(max((len(row) for row in rows), default=0)):
        cells = [row[column] for row in rows if column < len(row)]
        said = {cell.how for cell in cells if cell.text or cell.figure}
        if len(said) == 1 and (words := said.pop()):
            yield column, words


def _marked(cell: TableCell, marks: _Marks, shared: str) -> TableCell:
    if cell.reason and not cell.text:
        return TableCell(f"n/a {marks.of(cell.reason)}", dim=True)
    if cell.how and cell.how != shared and cell.text:
        return replace(cell, text=f"{cell.text} {marks.of(cell.how)}", how="")
    return replace(cell, how="")
