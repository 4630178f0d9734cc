"""A table as it is shown, in the printed report and on the pages of the site: its words, cells and conventions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Results = Mapping[str, Any]  # of analysis.reading.analyse
Names = Mapping[str, str]  # criterion → its wording
Colours = Mapping[str, str]  # arm → the class of its colour
Style = Literal["list", "bars", "heat", "copy"]
SHORT = 5  # rows that are seen at once need no sorting


@dataclass(frozen=True)
class TableCell:
    """What stands in one place of a table. A number that is undefined has no text, but the reason."""

    text: str = ""
    reason: str = ""
    below: str = ""  # a second line, such as the interval
    how: str = ""  # method and n, shown on hover
    dim: bool = False  # stands beside the number that matters, as its interval does
    strong: bool = False  # p < 0.05 as computed, not as rounded
    heat: int | None = None  # depth of the background, 0 to 10
    colour: str = ""  # class of the arm that the text names
    figure: str = ""  # SVG in the place of a text


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column: what an abbreviation stands for, or the two ends of a bar."""

    text: str
    about: str = ""
    end: str = ""


@dataclass(frozen=True)
class Group:
    """Two arms above the columns of their comparison."""

    first: TableCell
    second: TableCell
    columns: int


@dataclass(frozen=True)
class Table:
    """One table with its title, what it holds and its conventions; ``reason`` says why there is none.

    The first ``words`` columns are words, all others numbers. ``figure`` stands above, with the arms of its
    ``legend``. ``row_classes`` and ``row_ids`` are empty or as many as ``rows``. A narrow table may stand beside
    another.
    """

    key: str
    title: str
    note: str = ""
    heads: Sequence[str | ColumnHead] = ()
    rows: Sequence[Sequence[TableCell]] = ()
    how: str = ""
    reason: str = ""
    words: int = 1
    figure: str = ""
    legend: Sequence[TableCell] = ()
    groups: Sequence[Group] = ()
    row_classes: Sequence[str] = ()
    row_ids: Sequence[str] = ()
    style: Style = "list"
    narrow: bool = False

    @property
    def sortable(self) -> bool:
        """Whether the table is long, and no row of it stands apart."""
        return self.style == "list" and len(self.rows) > SHORT and not (self.row_classes or self.groups)


@dataclass(frozen=True)
class Figure:
    """A figure as SVG, with its title."""

    title: str
    svg: str

    @property
    def name(self) -> str:
        """What it is called on its page and as a file: the words of its title."""
        return "-".join(re.findall(r"\w+", self.title)).lower()
