"""Tables 2 and 3 of a manuscript: the cells of preference and agreement as plain tables, to be copied."""

from collections.abc import Sequence
from dataclasses import replace

from analysis.report.table import Names, Results, Table, TableCell
from analysis.report.tables import agreement, preference
from analysis.report.tables.preference import Preference


def manuscript(results: Results, rows: Sequence[Preference], names: Names) -> list[Table]:
    """Preference as published, preference with subjects as clusters, agreement; the note is the caption."""
    return [
        preference.side_by_side(
            rows,
            ("mean_sd", "p", "counts"),
            key="table-2",
            title="Table 2: preference as published",
            note="Preference, all readers combined (mean ± SD; signed rank against 3, readers pooled, normal "
            "approximation, zeros dropped, not corrected for multiplicity). Above 3 favours the first arm.",
            style="copy",
        ),
        preference.side_by_side(
            rows,
            ("net", "net_interval", "p_clustered", "p_holm"),
            key="table-2c",
            title="Table 2: preference with subjects as clusters",
            note=f"Net preference P(> 3) − P(< 3) with 95 % interval. {preference.clustered(results)}",
            style="copy",
        ),
        _agreement(results, names),
    ]


def _agreement(results: Results, names: Names) -> Table:
    table, pairs = agreement.by_cell(results, names), agreement.pairs_of_readers(results)
    pooled, *cells = table.rows
    spearman = [row[1] for row in pairs.rows] if len(pairs.rows) <= agreement.MOST_PAIRS else pooled[2:-2]
    rows = [[TableCell("All cells pooled"), *spearman, *pooled[-2:]]]
    rows += [[TableCell(f"{row[0].text}: {row[1].text}"), *row[2:]] for row in cells]
    return Table(
        "table-3",
        "Table 3: agreement",
        "Spearman rank correlation of oriented scores between readers; α: Krippendorff, ordinal; AC2: Gwet, ordinal "
        "weights. The pooled value is inflated by differences between cell means.",
        ["", *table.heads[2:]],
        [[replace(cell, heat=None) for cell in row] for row in rows],
        style="copy",
    )
