"""The study of which a log is kept. Audit lies below the app that has it, and finds it by the log's own foreign key.

Only who checks types knows which model that is.
"""

from typing import TYPE_CHECKING, cast

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
