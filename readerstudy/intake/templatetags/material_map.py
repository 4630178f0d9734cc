"""The cells of the map: thousands, so they are written here and not by a template each."""

from collections.abc import Iterable

from django import template
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from readerstudy.material.material_map import Column
from readerstudy.material.selectors import MaterialCell
from readerstudy.protocol.models import ReaderStudy

register = template.Library()
CELL = '<a id="m{}-{}" class="cell {} {}" href="{}" aria-label="{}"></a>'


@register.simple_tag
def map_cells(study: ReaderStudy, cells: Iterable[tuple[Column, MaterialCell]]) -> SafeString:
    """One link per case of an arm: to the case, or to the series that waits to be confirmed."""
    cases = reverse("case", args=[study.slug, 0]).removesuffix("0/")
    return format_html_join(
        "\n",
        CELL,
        (
            (
                cell.case.pk,
                cell.arm.pk,
                cell.state,
                column.css,
                "#confirm" if cell.state == "unsure" else f"{cases}{cell.case.pk}/",
                cell.label,
            )
            for column, cell in cells
        ),
    )
