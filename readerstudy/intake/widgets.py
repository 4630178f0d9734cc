"""Widgets that write their HTML themselves: a template for each takes most of the time of a table of forms."""

from functools import lru_cache

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@lru_cache(maxsize=512)
def _options(choices: tuple[tuple[str, str], ...], chosen: frozenset[str]) -> SafeString:
    """Rows of one table have the same choices: their options are written once."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SafeString(" selected" if value in chosen else ""), label) for value, label in choices),
    )


class Input(forms.TextInput):
    """As Django's."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        shown = self.format_value(value)
        given = {"type": self.input_type, "name": name, **({} if shown is None else {"value": shown})}
        return format_html("<input{}>", flatatt(given | self.build_attrs(self.attrs, attrs)))


class Tick(forms.CheckboxInput):
    """As Django's."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        given = {"type": "checkbox", "name": name, "checked": self.check_test(value)}
        if shown := self.format_value(value):
            given["value"] = shown
        return format_html("<input{}>", flatatt(given | self.build_attrs(self.attrs, attrs)))


class Select(forms.Select):
    """As Django's, for choices without groups."""

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        options = _options(tuple(self.choices), frozenset(self.format_value(value)))
        return format_html(
            "<select{}>{}</select>", flatatt({"name": name} | self.build_attrs(self.attrs, attrs)), options
        )
