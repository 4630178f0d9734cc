"""Which rows give a study's answers their meaning: each app says so for its own, and how they group into units.

A unit is a small group of rows that change together. Whenever one changes, the log keeps a SHA-256 over its rows,
with the names of the columns, so that a later version whose tables have more columns can make it again.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from django.apps import apps as present_apps
from django.db.models import Expression, Model

from readerstudy.audit.canonical import canonical

WHOLE = "whole"  # the unit of a section that has only one
Columns = Mapping[str, list[str]]  # by label


@dataclass(frozen=True)
class SealedTable:
    """Rows of one model. study: path to the study, "" for the study itself; unit: lookups that name the unit;
    left_out: columns that change with no meaning; derived: further columns by expression."""

    label: str
    study: str = "study"
    unit: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    derived: Mapping[str, Expression] = field(default_factory=dict)

    def columns(self, model: type[Model]) -> list[str]:
        there = [one.attname for one in model._meta.concrete_fields if one.attname not in self.left_out]
        return [*there, *self.derived]


@dataclass(frozen=True)
class SealedSection:
    """name: as it stands in the log; title: for people; tables: all of them have the same units."""

    name: str
    title: str
    tables: tuple[SealedTable, ...]


_sections: dict[str, SealedSection] = {}


def register(*sections: SealedSection) -> None:
    """Have these rows sealed. For AppConfig.ready()."""
    _sections.update({one.name: one for one in sections})


def sections() -> list[SealedSection]:
    return [_sections[name] for name in sorted(_sections)]


def section(name: str) -> SealedSection:
    return _sections[name]


def unit_name(*parts: object) -> str:
    """The name of a unit: what the lookups of its tables give, joined."""
    return "/".join(str(part) for part in parts) or WHOLE


def json_value(value: object) -> object:
    """A value as JSON has it, the same on every database."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value.normalize())
    return value if value is None or isinstance(value, (bool, int, float, str, list, dict)) else str(value)


def hash_row(digest: "hashlib._Hash", values: Iterable[object]) -> None:
    """Hash one more row: the same on every database."""
    digest.update(canonical([json_value(value) for value in values]) + b"\n")


def columns_of(name: str, apps=present_apps) -> dict[str, list[str]]:
    """The columns of a section as its tables are now."""
    return {table.label: table.columns(apps.get_model(table.label)) for table in section(name).tables}


def digests(
    study: Model, name: str, *, columns: Columns, units: Collection[str] | None = None, apps=present_apps
) -> dict[str, str]:
    """SHA-256 by unit over the rows of a section, by primary key; all units, or these. A unit without rows is absent.

    LookupError or FieldError if there are no such columns any more.
    """
    found: dict[str, hashlib._Hash] = {}
    for table in section(name).tables:
        for unit, row in _rows(study, table, columns[table.label], units, apps):
            hash_row(found.setdefault(unit, hashlib.sha256()), (table.label, *row))
    return {unit: digest.hexdigest() for unit, digest in found.items()}


def _rows(
    study: Model, table: SealedTable, columns: list[str], units: Collection[str] | None, apps
) -> Iterable[tuple[str, tuple]]:
    rows = apps.get_model(table.label).objects.filter(**{table.study: study} if table.study else {"pk": study.pk})
    rows = rows.order_by("pk").annotate(**table.derived).values_list(*table.unit, *columns)
    width = len(table.unit)
    if units is None or not width:
        chosen = [rows]
    elif width == 1:
        chosen = [rows.filter(**{f"{table.unit[0]}__in": list(units)})]
    else:
        chosen = [rows.filter(**dict(zip(table.unit, unit.split("/"), strict=True))) for unit in units]
    for some in chosen:
        for row in some.iterator(chunk_size=2000):
            yield unit_name(*row[:width]), row[width:]
