"""Remove a whole study on purpose. What stays is a signed tombstone, in the database and beside the heads outside it.

On PostgreSQL the rows go through one function of the owner, which does it only where it is allowed: the application's
role may delete no answer and no line of a log (`audit.roles`).
"""

# ruff: noqa: S608 - SQL of our own tables' names; what varies is a parameter

import hashlib

from django.apps import apps
from django.db import connection, transaction
from django.db.models import ForeignKey, Model

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.audit.lock_manifest import manifest, manifest_sha256
from readerstudy.audit.models import Event, Head, Tombstone
from readerstudy.audit.services import tombstone, verified_end
from readerstudy.audit.studies import Study, studies, study_for_update
from readerstudy.states import State

# Not what is being read.
STATES = (State.DRAFT, State.CLOSED, State.LOCKED)
# A row, if the study {study} may be removed now: its tombstone names the present end of its log.
REMOVABLE = f"""
SELECT 1 FROM audit_tombstone JOIN protocol_readerstudy ON protocol_readerstudy.slug = audit_tombstone.slug
JOIN audit_head ON audit_head.study_id = protocol_readerstudy.id AND audit_head.number = audit_tombstone.number
AND audit_head.sha256 = audit_tombstone.sha256
WHERE protocol_readerstudy.id = {{study}} AND protocol_readerstudy.state IN ({", ".join(f"'{s}'" for s in STATES)})
"""
FUNCTION = """
CREATE OR REPLACE FUNCTION audit_remove_study(study bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
  PERFORM 1 FROM protocol_readerstudy WHERE id = study FOR UPDATE;
  IF NOT EXISTS ({removable}) THEN
    RAISE EXCEPTION 'study % may not be removed: it is being read, or no tombstone names the end of its log', study;
  END IF;
  {statements};
END $$
"""
TOGETHER = """
CREATE OR REPLACE FUNCTION audit_tombstone_alone() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM protocol_readerstudy WHERE slug = NEW.slug) THEN
    RAISE EXCEPTION 'the study % lives: a tombstone is committed with its removal', NEW.slug;
  END IF;
  RETURN NULL;
END $$
"""


@transaction.atomic
def remove_study(*, study: Study, reason: str, actor=None) -> Tombstone:
    """Remove every row of a study; for its files see `material.study_removal`. Returns the tombstone.

    InputError without a reason, or while the study is open or paused; RecordError if its log does not hold: then it
    is evidence.
    """
    held = study_for_update(study)
    if held.state not in STATES:
        raise InputError(f"The study is {held.get_state_display()}: close it before you remove it.")
    end = verified_end(held)
    assert end is not None  # every log begins with the making of the study
    stone = tombstone(
        study_slug=held.slug,
        reason=reason,
        number=end.number,
        sha256=end.sha256,
        actor=actor,
        data=summary(held),
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT audit_remove_study(%s)", [held.pk])
        else:
            for statement in statements():
                cursor.execute(statement.format(study="%s"), [held.pk])
    return stone


def summary(study: Study) -> dict:
    """What a tombstone says of a study: its state, the hash of its title, that of all its data as locking makes it,
    that of what was exported last, and how many rows each table has."""
    exported = Event.objects.filter(study=study, action=Action.RESULTS_EXPORTED).order_by("-number").first()
    return {
        "state": study.state,
        "title_sha256": hashlib.sha256(study.title.encode()).hexdigest(),
        "data_sha256": study.lock_sha256 or manifest_sha256(manifest(study)),
        "exported": {"file": exported.data.get("file", ""), "line_sha256": exported.sha256} if exported else None,
        "rows": row_counts(study),
    }


def row_counts(study: Study) -> dict[str, int]:
    """How many rows of a study each table has; those without are left out."""
    counts = [
        f"SELECT '{model._meta.label}', count(*) FROM ({ids.format(study='%s')}) AS found"
        for model, ids in rows_of_study()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(counts), [study.pk] * len(counts))
        return {label: count for label, count in sorted(cursor.fetchall()) if count}


def rows_of_study() -> list[tuple[type[Model], str]]:
    """Every model whose rows belong to a study, with the SQL of their ids; `{study}` in it stands for the study's.

    Those that point at others come before them; the log and its head are last but the study itself, by which the
    database tells whether the others may go.
    """
    root = studies().model
    chosen: dict[type[Model], str] = {root: f"SELECT id FROM {root._meta.db_table} WHERE id = {{study}}"}
    found: list[type[Model]] = [root]
    for parent in found:  # grows while we go: breadth first, so the shortest way to the study is taken
        for model in apps.get_models(include_auto_created=True):
            keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
            key = next((field for field in keys if field.related_model is parent), None)
            if key and model not in chosen:
                of = "= {study}" if parent is root else f"IN ({chosen[parent]})"
                chosen[model] = f"SELECT id FROM {model._meta.db_table} WHERE {key.column} {of}"
                found.append(model)
    last: list[type[Model]] = [Event, Head]
    others = [model for model in reversed(found) if model not in (*last, root)]
    return [(model, chosen[model]) for model in (*others, *last, root)]


def statements() -> list[str]:
    """SQL that deletes every row of a study, one after the other; `{study}` stands for its id."""
    return [f"DELETE FROM {model._meta.db_table} WHERE id IN ({ids})" for model, ids in rows_of_study()]


def install(cursor, schema: str) -> None:
    """Make the owner's function on PostgreSQL, and let no tombstone be committed while its study lives."""
    body = ";\n  ".join(statements()).format(study="study")
    removable = REMOVABLE.format(study="study")
    cursor.execute(FUNCTION.format(schema=schema, removable=removable, statements=body))
    cursor.execute("REVOKE ALL ON FUNCTION audit_remove_study(bigint) FROM PUBLIC")
    cursor.execute(TOGETHER.format(schema=schema))
    cursor.execute("DROP TRIGGER IF EXISTS audit_together ON audit_tombstone")
    cursor.execute(
        "CREATE CONSTRAINT TRIGGER audit_together AFTER INSERT ON audit_tombstone DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION audit_tombstone_alone()"
    )
