"""Tables of the report in the templates of the site."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from analysis.report import render
from analysis.report.table import Table, TableCell
from analysis.report.tables.primary_hypothesis import Hypothesis

register = template.Library()


@register.simple_tag
def report_table(table: Table) -> SafeString:
    """A table with its figure and conventions, or why there is none; not its title."""
    return mark_safe(render.table(table))  # noqa: S308  the templates of the report escape


@register.simple_tag
def report_cell(cell: TableCell, css: str) -> SafeString:
    """One cell of a table that has a template of its own."""
    return mark_safe(render.cell(cell, css))  # noqa: S308


@register.simple_tag
def report_hypothesis(hypothesis: Hypothesis) -> SafeString:
    """The primary hypothesis in one line; not its title."""
    return mark_safe(render.hypothesis(hypothesis))  # noqa: S308
