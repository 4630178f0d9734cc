"""HTML of the templates beside this file; the site takes tables and cells from here too."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.report.table import Table, TableCell
from analysis.report.tables.primary_hypothesis import Hypothesis

HERE = Path(__file__).parent
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


def table(table: Table) -> str:
    """A table with its figure and conventions, or why there is none; not its title."""
    return TEMPLATES.get_template("table.html").render(table=table)


def cell(cell: TableCell, css: str) -> str:
    """One cell of a table that has a template of its own."""
    return str(TEMPLATES.get_template("cell.html").module.cell(cell, css))  # type: ignore[attr-defined]


def hypothesis(hypothesis: Hypothesis) -> str:
    """The primary hypothesis in one line; not its title."""
    return TEMPLATES.get_template("hypothesis.html").render(hypothesis=hypothesis)
