"""Who of the site knows whom: what of a module reaches into an app on a floor above it.

import-linter sees imports alone; here models by name and lookups along relations count too.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db.models import ForeignKey

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "readerstudy"
NAME = "The site is built from the record up to the home page"
BY_NAME = ("select_related", "prefetch_related", "values", "values_list", "order_by", "filter", "exclude", "annotate")


def floors() -> dict[str, int]:
    """Floor of each app, the lowest 0, as the contract of import-linter has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["name"] == NAME)
    return {app.strip(): floor for floor, layer in enumerate(reversed(layers)) for app in layer.split("|")}


@dataclass(frozen=True)
class House:
    """floors: by app; labels: app of each label of Django's; reverse: reverse relation -> the floor of the app whose
    foreign key it is; forward: app -> its foreign keys that point upwards."""

    floors: dict[str, int]
    labels: dict[str, str]
    reverse: dict[str, int]
    forward: dict[str, set[str]]

    @classmethod
    def as_built(cls) -> "House":
        height = floors()
        labels = {one.label: one.name.removeprefix("readerstudy.") for one in apps.get_app_configs()}
        reverse: dict[str, int] = {}
        forward: dict[str, set[str]] = {}
        for model in apps.get_models():
            here = labels[model._meta.app_label]
            if here not in height:
                continue
            for field in model._meta.concrete_fields:
                there = labels[field.related_model._meta.app_label] if isinstance(field, ForeignKey) else here
                if there not in height or there == here:
                    continue
                if height[there] > height[here]:
                    forward.setdefault(here, set()).add(field.name)
                elif not field.remote_field.hidden:
                    name = field.remote_field.get_accessor_name()
                    reverse[name] = min(height[here], reverse.get(name, height[here]))
        return cls(height, labels, reverse, forward)


def reaches(source: str, app: str, house: House) -> Iterator[tuple[int, str]]:
    """(line, what) of everything in a module of this app that reaches into an app above."""
    tree, own = ast.parse(source), house.floors[app]

    def above(dotted: str) -> bool:
        parts = dotted.split(".")
        return len(parts) > 1 and parts[0] == "readerstudy" and house.floors.get(parts[1], -1) > own

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names if above(one.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
            yield from ((node.lineno, name) for name in names if above(name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if above(node.value):
                yield node.lineno, node.value
        elif isinstance(node, ast.Attribute):
            if house.reverse.get(node.attr, -1) > own:
                yield node.lineno, f".{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _calls(node, app, own, house)


def _calls(node: ast.Call, app: str, own: int, house: House) -> Iterator[tuple[int, str]]:
    """Models by name, and lookups along a foreign key that points upwards or back from above."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if called == "get_model" and texts:
        label = texts[0].partition(".")[0]
        if house.floors.get(house.labels.get(label, ""), -1) > own:
            yield node.lineno, f"get_model({label})"
    lookups = [one.arg for one in node.keywords if one.arg] + (texts if called in BY_NAME else [])
    for lookup in lookups:
        first, *rest = lookup.lstrip("-").split("__")
        upwards = first in house.forward.get(app, ()) and (rest or called == "select_related")
        if upwards or (rest and any(house.reverse.get(step, -1) > own for step in (first, *rest[:-1]))):
            yield node.lineno, lookup


def found() -> Iterator[tuple[str, int, str]]:
    """(file, line, what) of everything that reaches upwards in the site as it is."""
    house = House.as_built()
    for path in sorted(SITE.rglob("*.py")):
        inside = path.relative_to(SITE)
        app = inside.parts[0].removesuffix(".py")
        if "migrations" in inside.parts or app == "__init__":
            continue
        for line, what in reaches(path.read_text(), app, house):
            yield str(inside), line, what
