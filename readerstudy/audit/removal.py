"""Which rows are a study's, in the order in which they can be removed."""

from django.apps import apps
from django.db.models import ForeignKey, Model

from readerstudy.protocol.models import ReaderStudy


def rows_of_study() -> list[tuple[type[Model], str]]:
    """Every model whose rows belong to a study, with the SQL that chooses them: `%s` stands for the study's id.

    Those that point at others come before them; the study itself is last.
    """
    study = ReaderStudy._meta.db_table
    chosen: dict[type[Model], str] = {ReaderStudy: f"SELECT id FROM {study} WHERE id = %s"}
    found = [ReaderStudy]
    for parent in found:  # grows while we go: breadth first, so the shortest way to the study is taken
        for model in apps.get_models(include_auto_created=True):
            if model in chosen:
                continue
            keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
            if key := next((field for field in keys if field.related_model is parent), None):
                of = "= %s" if parent is ReaderStudy else f"IN ({chosen[parent]})"
                chosen[model] = f"SELECT id FROM {model._meta.db_table} WHERE {key.column} {of}"
                found.append(model)
    return [(model, chosen[model]) for model in reversed(found)]


def statements() -> list[str]:
    """SQL that deletes every row of a study, one after the other; `%s` stands for its id."""
    return [f"DELETE FROM {model._meta.db_table} WHERE id IN ({chosen})" for model, chosen in rows_of_study()]
