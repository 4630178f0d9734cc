"""The hash over all data of a study that locking stores.

A manifest names every table with its columns, its number of rows and a SHA-256 of them, so that it can be made again
by a later version whose tables have more columns, and a change can be told by its table.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.apps import apps as present_apps

from readerstudy.audit.canonical import canonical
from readerstudy.audit.registry import hash_row
from readerstudy.audit.studies import Study


@dataclass(frozen=True)
class LockedTable:
    """Rows of one model that locking freezes. study: path to the study, "" for the study itself; left_out: columns
    that may change later; only: which rows."""

    label: str
    study: str = "study"
    left_out: frozenset[str] = frozenset()
    only: Mapping[str, object] = field(default_factory=dict)


_locked: dict[str, LockedTable] = {}


def register(*tables: LockedTable) -> None:
    """Have locking freeze these rows. For AppConfig.ready(). What nobody registers is kept out: accounts, jobs,
    uploads, and the log, which has its own chain."""
    _locked.update({one.label: one for one in tables})


def labels() -> set[str]:
    """Of all models whose rows locking freezes."""
    return set(_locked)


def _columns(label: str) -> list[str]:
    fields = present_apps.get_model(label)._meta.concrete_fields
    return [field.attname for field in fields if field.attname not in _locked[label].left_out]


def table(study: Study, label: str, columns: list[str], apps=present_apps) -> dict:
    """Columns, number of rows and SHA-256 of one table of a study, rows by primary key."""
    path, only = _locked[label].study, _locked[label].only
    found = apps.get_model(label).objects.filter(**{path: study} if path else {"pk": study.pk}, **only)
    digest, count = hashlib.sha256(), 0
    for row in found.order_by("pk").values_list(*columns).iterator(chunk_size=2000):
        hash_row(digest, row)
        count += 1
    return {"columns": columns, "rows": count, "sha256": digest.hexdigest()}


def manifest(study: Study) -> dict[str, dict]:
    """Every table of a study as it is now."""
    return {label: table(study, label, _columns(label)) for label in _locked}


def manifest_sha256(made: dict[str, dict]) -> str:
    return hashlib.sha256(canonical(made)).hexdigest()


def changed_since(study: Study, made: dict[str, dict], apps=present_apps) -> list[str]:
    """Names of the tables that are no longer as the manifest says."""
    return [label for label, then in made.items() if table(study, label, then["columns"], apps) != then]
