"""The study of which a log is kept. Audit lies below the app that has it, and finds it by the log's own foreign key.

Only who checks types knows which model that is.
"""

from typing import TYPE_CHECKING, cast

from django.db import connection
from django.db.models import Model, QuerySet

from readerstudy.audit.models import Event

if TYPE_CHECKING:
    from readerstudy.protocol.models import ReaderStudy as Study
else:
    Study = Model


def studies() -> QuerySet[Study]:
    """All studies of this site."""
    model = cast("type[Study]", Event._meta.get_field("study").related_model)
    return model._default_manager.all()


def study_for_update(study: Study) -> Study:
    """The study as it is now, held until the transaction ends: nobody else changes it, or writes in it."""
    return studies().select_for_update().get(pk=study.pk)


def study_for_log(study: Study) -> Study:
    """The study as it is now, held until the transaction ends: nobody moves it, and one after the other writes its log.
    Readers answer meanwhile."""
    return studies().select_for_update(no_key=True).get(pk=study.pk)


def keep_in_place(study: Study) -> None:
    """Wait for whoever moves the study or changes it, and let nobody do so until the transaction ends. Others may keep
    it in place too, and write its log.

    PostgreSQL does the same when a row that names the study is committed, and then has no say in what is held first.
    """
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM protocol_readerstudy WHERE id = %s FOR KEY SHARE", [study.pk])
