"""HTML of the templates beside this file; the site takes tables and cells from here too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.errors import InputError
from analysis.report.table import Table, TableCell
from analysis.report.tables.primary_hypothesis import Hypothesis

HERE = Path(__file__).parent
PAPERS = ("A4", "letter")
PRINTED = """
@page {{ size: {paper}; margin: 20mm 17mm 18mm;
  @top-left {{ content: "{head}"; font: 8pt sans-serif; color: #444 }}
  @bottom-right {{ content: counter(page) " of " counter(pages); font: 8pt sans-serif; color: #444 }} }}
@page :first {{ @top-left {{ content: none }} }}
"""
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, **values: Any) -> str:
    """A whole page that needs nothing but itself."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    return TEMPLATES.get_template(template).render(style=style, **values)


def dossier(template: str, *, head: str, paper: str, **values: Any) -> str:
    """A whole page as `page` makes it, with a running head and page numbers where it is printed on ``paper``."""
    if paper not in PAPERS:
        raise InputError(f"The paper is {paper!r}, not one of {', '.join(PAPERS)}.")
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in ("report.css", "dossier.css"))
    style += PRINTED.format(paper=paper, head=_quoted(head))
    return TEMPLATES.get_template(template).render(style=style, head=head, **values)


def _quoted(text: str) -> str:
    """A text as a string of a style sheet: whatever is no letter, digit or space by its number."""
    return "".join(one if one.isalnum() or one == " " else f"\\{ord(one):x} " for one in text)


def charter(parts: Sequence[Any]) -> str:
    """The parts of a charter (`analysis.report.charter.parts`), without the page around them."""
    return TEMPLATES.get_template("charter_parts.html").render(parts=parts)


def table(table: Table) -> str:
    """A table with its figure and conventions, or why there is none; not its title."""
    return TEMPLATES.get_template("table.html").render(table=table)


def cell(cell: TableCell, css: str) -> str:
    """One cell of a table that has a template of its own."""
    return str(TEMPLATES.get_template("cell.html").module.cell(cell, css))  # type: ignore[attr-defined]


def hypothesis(hypothesis: Hypothesis) -> str:
    """The primary hypothesis in one line; not its title."""
    return TEMPLATES.get_template("hypothesis.html").render(hypothesis=hypothesis)
