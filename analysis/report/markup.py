"""The HTML pieces of the report: page, tables, and numbers that say why they are undefined."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from analysis import formats

STYLE = Path(__file__).with_name("report.css")
Cell = str | tuple[str, str]


def page(title: str, body: Sequence[str]) -> str:
    """A whole page that needs nothing but itself."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE.read_text(encoding="utf-8")}</style>'
    content = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{content}\n</body></html>\n'


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, words: int = 1) -> str:
    """A table whose first ``words`` columns are text; a cell (text, reason) is undefined and tells why."""
    kinds = ["" if place < words else ' class="num"' for place in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, heads, strict=True))
    body = "".join(
        "<tr>" + "".join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)) + "</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, tuple):
        return f'<td class="num na" title="{escape(cell[1])}">{escape(cell[0])}</td>'
    if cell.startswith("<svg"):
        return f"<td>{cell}</td>"
    return f"<td{kind}>{escape(cell)}</td>"


def estimate(found: Mapping[str, Any], digits: int = 2, *, plus: bool = False) -> Cell:
    """An estimate with its interval in brackets, or n/a with the reason."""
    if found["estimate"] is None:
        return "n/a", str(found["reason"])
    text = formats.number(found["estimate"], digits, plus=plus)
    if found["ci"]:
        text += f" ({' to '.join(formats.number(end, digits, plus=plus) for end in found['ci'])})"
    return text


def test(found: Mapping[str, Any]) -> Cell:
    """The p value of a test, or n/a with the reason."""
    return formats.p_value(found["p"]) if found["p"] is not None else ("n/a", str(found["reason"]))


def conventions(texts: Mapping[str, str]) -> str:
    """The list of conventions."""
    lines = "".join(f"<dt>{escape(key.replace('_', ' '))}</dt><dd>{escape(text)}</dd>" for key, text in texts.items())
    return f"<h2>Conventions</h2><dl>{lines}</dl>"
