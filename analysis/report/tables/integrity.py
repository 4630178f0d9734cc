"""Integrity and diagnostic quality per arm, and whether readers knew the arms."""

from collections.abc import Mapping
from typing import Any

from analysis.formats import capitalised
from analysis.report import table_cells
from analysis.report.table import Colours, Results, Table, TableCell


def integrity(results: Results, colours: Colours) -> Table:
    """Panels without a finding and panels of diagnostic quality, per arm in the order of ``colours``."""
    consistent, diagnostic = results["integrity"], results["diagnostic"]
    quality = {row["arm"]: row for row in diagnostic.get("arms", [])}
    order = list(colours)
    arms = sorted(
        consistent.get("arms", []), key=lambda row: order.index(row["arm"]) if row["arm"] in colours else len(order)
    )
    rows = [
        [
            TableCell(row["arm"], colour=colours.get(row["arm"], "")),
            *_answers(row),
            *_answers(quality.get(row["arm"])),
        ]
        for row in arms
    ]
    if rows:
        rows.append([TableCell("all"), *_answers(consistent["overall"]), *_answers(diagnostic.get("overall"))])
    return Table(
        "integrity",
        "Integrity and diagnostic quality",
        "panels of main pairs; 95 %: Clopper–Pearson",
        ["Arm", "No finding", "95 %", "Unanswered", "Diagnostic", "95 %", "Unanswered"],
        rows,
        "A panel counts as “no finding” if the reader reported none there; where the side was left undetermined "
        "neither panel counts.",
        consistent.get("reason") or "",
    )


def _answers(row: Mapping[str, Any] | None) -> list[TableCell]:
    if row is None:
        return [TableCell(reason="not asked")] * 3
    return [
        table_cells.count_of(row["yes"], row["yes"] + row["no"]),
        table_cells.percent_interval(row["share"]),
        table_cells.count(row["unanswered"]),
    ]


def blinding(results: Results) -> Table:
    """Blinding indices over all guesses, by the true side of the first arm, by comparison and by reader."""
    found = results["blinding"]
    title, note = "Blinding", "after the end of the list: which image was which?"
    if found.get("reason"):
        return Table("blinding", title, note, reason=found["reason"])
    named = [("all", found["overall"])]
    named += [(f"first arm {side['first_side']}", side) for side in found["overall"]["sides"]]
    named += [(row[key], row) for key in ("comparison", "reader") for row in found[f"{key}s"]]
    one_side = {"reason": "it needs both sides"}
    conventions = (capitalised(text) for text in found["conventions"].values())
    return Table(
        "blinding",
        title,
        note,
        ["Guesses", "Correct", "Wrong", "Cannot tell", "Bang", "95 %", "James", "95 %"],
        [
            [
                TableCell(name),
                *(table_cells.count(row[key]) for key in ("correct", "wrong", "unknown")),
                table_cells.estimate(row["bang"], sign=True),
                table_cells.interval(row["bang"], sign=True),
                table_cells.estimate(row.get("james", one_side)),
                table_cells.interval(row.get("james", one_side)),
            ]
            for name, row in named
        ],
        f"{'. '.join(conventions)}.",
    )
