"""The study of which a log is kept. Audit lies below the app that has it, and finds it by the log's own foreign key."""

from typing import Protocol

from django.db.models import QuerySet

from readerstudy.audit.models import Event


class Study(Protocol):
    """What audit knows of a study."""

    pk: int
    slug: str
    state: str
    lock_sha256: str


def studies() -> QuerySet:
    """All studies of this site."""
    return Event._meta.get_field("study").related_model._default_manager.all()


def study_for_update(study: Study) -> Study:
    """The study as it is now, held until the transaction ends: one after the other writes its log."""
    return studies().select_for_update().get(pk=study.pk)
