"""Preference per comparison and criterion: bars, mean, net preference and p; and the figures of net preference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from analysis import verdict
from analysis.formats import capitalised, p_value
from analysis.report import figures, forest, table_cells
from analysis.report.table import Colours, ColumnHead, Figure, Group, Names, Results, Style, Table, TableCell

HEADS = {
    "counts": "1 / 2 / 3 / 4 / 5",
    "mean_sd": "mean ± SD",
    "p": "p",
    "net": "net",
    "net_interval": "95 %",
    "net_with_interval": "net, 95 %",
    "p_clustered": "p",
    "p_holm": "p, Holm",
}


@dataclass(frozen=True)
class Preference:
    """One comparison at one criterion as cells of a table. As published: ``mean_sd``, ``p``; with subjects as
    clusters: ``net``, ``p_clustered`` and ``p_holm`` of the primary test."""

    first: str
    second: str
    criterion: str
    bar: TableCell
    counts: TableCell
    mean_sd: TableCell
    p: TableCell
    net: TableCell
    net_interval: TableCell
    p_clustered: TableCell
    p_holm: TableCell

    @property
    def net_with_interval(self) -> TableCell:
        """Net preference with its interval below."""
        return replace(self.net, below=self.net_interval.text) if self.net.text else self.net


def preferences(results: Results, names: Names, colours: Colours) -> list[Preference]:
    """Every comparison at every criterion, in their order; all bars on one scale."""
    scale = figures.shared_scale([cell["counts"] for cell in results["comparisons"]])
    return [_preference(cell, names, colours, scale) for cell in results["comparisons"]]


def _preference(cell: Mapping[str, Any], names: Names, colours: Colours, scale: float) -> Preference:
    first, second, primary = cell["first"], cell["second"], cell["tests"][cell["primary_test"]]
    bar = figures.likert(cell["counts"], first=first, second=second, colours=colours, scale=scale)
    holm, bh = table_cells.adjusted_p(cell["p_holm"]["primary"], primary), cell["p_bh"]["primary"]
    return Preference(
        first=first,
        second=second,
        criterion=names.get(cell["criterion"], cell["criterion"]),
        bar=TableCell(figure=bar),
        counts=TableCell(" / ".join(map(str, cell["counts"]))),
        mean_sd=table_cells.mean_sd(cell["mean"], cell["sd"]),
        p=table_cells.p_of_test(cell["tests"]["as_published"]),
        net=table_cells.estimate(cell["net_preference"], sign=True),
        net_interval=table_cells.interval(cell["net_preference"], sign=True),
        p_clustered=table_cells.p_of_test(primary),
        p_holm=holm if bh is None else replace(holm, how=f"Holm; Benjamini–Hochberg p {p_value(bh)}"),
    )


def one_per_row(rows: Sequence[Preference], results: Results) -> Table:
    """A row per comparison and criterion, as published and clustered side by side: for paper."""
    columns = ("counts", "mean_sd", "p", "net_with_interval", "p_holm")
    return Table(
        "preference",
        "Preference",
        "as published: mean ± SD and its p; with subjects as clusters: net and p, Holm",
        ["Comparison", "Criterion", ColumnHead("◂ second", end="first ▸"), *(HEADS[name] for name in columns)],
        [
            [
                table_cells.comparison(row.first, row.second),
                TableCell(row.criterion),
                row.bar,
                *(getattr(row, name) for name in columns),
            ]
            for row in rows
        ],
        f"{published(results)} {clustered(results)} Bold: p < 0.05. Colour: the arm that was rated better; full: "
        "markedly, muted: slightly, grey: no difference.",
        words=2,
    )


def side_by_side(
    rows: Sequence[Preference],
    columns: Sequence[str],
    *,
    key: str,
    title: str = "",
    note: str = "",
    colours: Colours | None = None,
    style: Style = "bars",
) -> Table:
    """A row per criterion, a group of ``columns`` (fields of Preference) per comparison: for a wide page."""
    pairs = list(dict.fromkeys((row.first, row.second) for row in rows))
    found = {(row.first, row.second, row.criterion): row for row in rows}
    heads: list[str | ColumnHead] = ["Criterion"]
    for first, second in pairs:
        ends = ColumnHead(f"◂ {second} better", end=f"{first} better ▸")
        heads += [ends if name == "bar" else HEADS[name] for name in columns]
    body = []
    for criterion in dict.fromkeys(row.criterion for row in rows):
        cells = [TableCell(criterion)]
        for pair in pairs:
            row = found.get((*pair, criterion))
            cells += [getattr(row, name) if row else TableCell(reason="not asked") for name in columns]
        body.append(cells)
    groups = [Group(_arm(first, colours), _arm(second, colours), len(columns)) for first, second in pairs]
    return Table(key, title, note, heads, body, groups=groups, style=style)


def _arm(name: str, colours: Colours | None) -> TableCell:
    return TableCell(name, colour=(colours or {}).get(name, ""))


def published(results: Results) -> str:
    """How mean and p were made as published."""
    n = count_range(cell["mean"]["n"] for cell in results["comparisons"])
    return (
        "Signed rank against 3, readers pooled, normal approximation, zeros dropped, no correction for multiplicity; "
        f"n = {n} per cell."
    )


def clustered(results: Results) -> str:
    """How net preference and its p were made with subjects as clusters."""
    cells = results["comparisons"]
    name = capitalised(verdict.TESTS[cells[0]["primary_test"]])
    tested = sum(cell["p_holm"]["primary"] is not None for cell in cells)
    return (
        f"{name}, {results['n']['subjects']} subjects; Holm over {tested} tests. "
        "Net: P(> 3) − P(< 3), each subject left out once. "
        f"{table_cells.FEW}."
    )


def count_range(counts: Iterable[int]) -> str:
    """108, or 106 to 108."""
    found = list(counts) or [0]
    low, high = min(found), max(found)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def whole_figures(results: Results, names: Names, colours: Colours) -> list[Figure]:
    """The bars of each comparison as one figure, for a paper."""
    found: dict[tuple[str, str], list[tuple[str, Sequence[int]]]] = {}
    for cell in results["comparisons"]:
        name = names.get(cell["criterion"], cell["criterion"])
        found.setdefault((cell["first"], cell["second"]), []).append((name, cell["counts"]))
    return [
        Figure(
            f"Preference, {first} vs {second}", figures.preference(rows, first=first, second=second, colours=colours)
        )
        for (first, second), rows in found.items()
    ]


def net_preferences(results: Results, names: Names, colours: Colours) -> list[Figure]:
    """One figure of net preference per comparison, in their order."""
    return [
        Figure(f"{first} vs {second}", forest.net_preference(list(cells), colours=colours, names=names))
        for (first, second), cells in groupby(results["comparisons"], key=lambda cell: (cell["first"], cell["second"]))
    ]


def net_preference_caption(results: Results) -> str:
    """How these figures are to be read."""
    return verdict.caption(results["comparisons"])
