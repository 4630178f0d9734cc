"""Widgets that write their HTML themselves: a template for each takes most of the time of a table of forms."""

from functools import lru_cache
from html import escape

from django import forms
from django.utils.safestring import SafeString


def _tag(name: str, attributes: dict) -> str:
    """An opening tag; True stands for an attribute without a value, None and False for none."""
    given = (
        f" {key}" if value is True else f' {key}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return f"<{name}{''.join(given)}>"


@lru_cache(maxsize=512)
def _options(choices: tuple[tuple[str, str], ...], chosen: frozenset[str]) -> str:
    """Rows of one table have the same choices: their options are written once."""
    return "".join(
        _tag("option", {"value": value, "selected": value in chosen}) + escape(str(label)) + "</option>"
        for value, label in choices
    )


class Input(forms.TextInput):
    """As Django's."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        given = {"type": self.input_type, "name": name, "value": self.format_value(value)}
        return SafeString(_tag("input", given | self.build_attrs(self.attrs, attrs)))


class Tick(forms.CheckboxInput):
    """As Django's."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        given = {"type": "checkbox", "name": name, "checked": self.check_test(value)}
        given["value"] = self.format_value(value) or None
        return SafeString(_tag("input", given | self.build_attrs(self.attrs, attrs)))


class Select(forms.Select):
    """As Django's, for choices without groups."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        options = _options(tuple(self.choices), frozenset(self.format_value(value)))
        return SafeString(_tag("select", {"name": name} | self.build_attrs(self.attrs, attrs)) + options + "</select>")
