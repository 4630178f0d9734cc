"""`{% simulated study as note %}`: which arms nobody acquired."""

from django import template

from readerstudy.material.selectors import simulation_note
from readerstudy.protocol.models import ReaderStudy

register = template.Library()


@register.simple_tag
def simulated(study: ReaderStudy) -> str:
    return simulation_note(study)
