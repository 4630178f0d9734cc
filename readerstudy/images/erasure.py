"""Numbers made from the pixels of a subject, when it is withdrawn."""

from django.db import transaction
from django.db.models import QuerySet

from readerstudy.audit.seals import Seal
from readerstudy.images.analyses import erase_analyses
from readerstudy.images.models import Feature, Metric, VolumeMeasure
from readerstudy.material.erasure import Holder, units
from readerstudy.material.models import Case, Subject
from readerstudy.protocol.models import ReaderStudy


def _seals(cases: QuerySet[Case]) -> list[Seal]:
    metrics = Metric.objects.filter(case__in=cases).values_list("reference_id", "test_id")
    features = Feature.objects.filter(voi__case__in=cases).values_list("voi", "series", "settings")
    measures = VolumeMeasure.objects.filter(voi__case__in=cases).values_list("voi")
    return [*units("metrics", metrics), *units("features", features), *units("volume measures", measures)]


def _erase(subject: Subject, cases: QuerySet[Case]) -> dict[str, int]:
    transaction.on_commit(lambda: erase_analyses(subject.study))
    return {
        "metrics": Metric.objects.filter(case__in=cases).delete()[0],
        "features": Feature.objects.filter(voi__case__in=cases).delete()[0],
        "measures": VolumeMeasure.objects.filter(voi__case__in=cases).delete()[0],
    }


def erase_with_series(study: ReaderStudy, **_: object) -> None:
    """Series are taken out: what is kept of earlier analyses is made again without them."""
    transaction.on_commit(lambda: erase_analyses(study))


HOLDER = Holder(seals=_seals, erase=_erase)
