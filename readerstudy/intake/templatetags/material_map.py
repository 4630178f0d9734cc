"""The cells of the map: thousands, so they are written here and not by a template each."""

from collections.abc import Iterable
from html import escape

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from readerstudy.material.material_map import Column
from readerstudy.material.selectors import MaterialCell
from readerstudy.protocol.models import ReaderStudy

register = template.Library()


@register.simple_tag
def map_cells(study: ReaderStudy, cells: Iterable[tuple[Column, MaterialCell]]) -> SafeString:
    """One link per case of an arm: to the case, or to the series that waits to be confirmed."""
    cases = escape(reverse("case", args=[study.slug, 0]).removesuffix("0/"))
    return SafeString("\n".join(_link(cases, column, cell) for column, cell in cells))


def _link(cases: str, column: Column, cell: MaterialCell) -> str:
    """Only the label holds what people wrote."""
    href = "#confirm" if cell.state == "unsure" else f"{cases}{cell.case.pk}/"
    names = f'id="m{cell.case.pk}-{cell.arm.pk}" class="cell {cell.state} {column.css}"'
    return f'<a {names} href="{href}" aria-label="{escape(cell.label)}"></a>'
