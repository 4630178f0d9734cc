"""The hash over all data of a study that locking stores.

A manifest names every table with its columns, its number of rows and a SHA-256 of them, so that it can be made again
by a later version whose tables have more columns, and a change can be told by its table.
"""

import hashlib

from django.apps import apps as present_apps

from readerstudy.audit.canonical import canonical
from readerstudy.audit.registry import add_row
from readerstudy.protocol.models import ReaderStudy

# Model -> path to the study; "" is the study itself. Kept out: accounts, jobs, uploads, the log (it has its own chain).
TABLES = {
    "protocol.ReaderStudy": "",
    "protocol.Site": "study",
    "protocol.Arm": "study",
    "protocol.Comparison": "study",
    "protocol.Criterion": "study",
    "protocol.Amendment": "study",
    "accounts.Membership": "study",
    "material.Subject": "study",
    "material.Case": "study",
    "material.Series": "study",
    "material.Instance": "series__study",
    "material.Alignment": "study",
    "material.VolumeOfInterest": "study",
    "reading.PreparedPair": "study",
    "reading.Presentation": "study",
    "reading.Rating": "presentation__study",
    "reading.Statement": "presentation__study",
    "reading.Finding": "presentation__study",
    "reading.ActiveTime": "presentation__study",
    "reading.Guess": "presentation__study",
    "reading.Write": "presentation__study",
    "reading.Signature": "reader__study",
    "results.Metric": "study",
    "results.FeatureSettings": "study",
    "results.Feature": "study",
}
LEFT_OUT = {"protocol.ReaderStudy": {"lock_sha256"}, "accounts.Membership": {"strip_collapsed"}}
ONLY = {"accounts.Membership": {"role": "reader"}}  # others may come and go after locking


def _columns(label: str) -> list[str]:
    left_out, fields = LEFT_OUT.get(label, set()), present_apps.get_model(label)._meta.concrete_fields
    return [field.attname for field in fields if field.attname not in left_out]


def table(study: ReaderStudy, label: str, columns: list[str], apps=present_apps) -> dict:
    """Columns, number of rows and SHA-256 of one table of a study, rows by primary key."""
    path = TABLES[label]
    found = apps.get_model(label).objects.filter(**{path: study} if path else {"pk": study.pk}, **ONLY.get(label, {}))
    digest, count = hashlib.sha256(), 0
    for row in found.order_by("pk").values_list(*columns).iterator(chunk_size=2000):
        add_row(digest, row)
        count += 1
    return {"columns": columns, "rows": count, "sha256": digest.hexdigest()}


def manifest(study: ReaderStudy) -> dict[str, dict]:
    """Every table of a study as it is now."""
    return {label: table(study, label, _columns(label)) for label in TABLES}


def manifest_sha256(made: dict[str, dict]) -> str:
    return hashlib.sha256(canonical(made)).hexdigest()


def changed_since(study: ReaderStudy, made: dict[str, dict], apps=present_apps) -> list[str]:
    """Names of the tables that are no longer as the manifest says."""
    return [label for label, then in made.items() if table(study, label, then["columns"], apps) != then]
