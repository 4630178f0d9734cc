from django import template

from readerstudy.reading.unblinding import Impact

register = template.Library()


@register.filter
def impact(value: str) -> str:
    """What an unblinding does to the study, in words."""
    return Impact(value).label
