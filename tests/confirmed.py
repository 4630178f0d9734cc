"""A draft whose uploaded series came by one upload and were confirmed."""

from readerstudy.intake.models import Candidate, Upload
from readerstudy.material.models import Series
from readerstudy.protocol.models import ReaderStudy
from tests import factories

FACTS = ("format", "sha256", "slices", "rows", "columns", "affine", "spacing", "parameters")


def make_confirmed_study() -> ReaderStudy:
    """Two cases whose uploaded series came by one upload and were confirmed."""
    study = factories.make_study(subjects=2)
    Series.objects.update(rows=64, columns=64)
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    for one in study.series.filter(made_from=None).select_related("case__subject", "arm"):
        candidate_of(one, upload=upload)
    factories.log_as_is(study)
    return study


def candidate_of(one: Series, **changes) -> Candidate:
    return Candidate.objects.create(
        **{
            "study_id": one.study_id,
            "state": "confirmed",
            "series": one,
            "instances": [list(row) for row in one.instances.values_list("sha256", "size")],
            "subject_key": one.case.subject.key,
            "subject_code": one.case.subject.code,
            "region": one.case.region,
            "plane": one.case.plane,
            "weighting": one.case.weighting,
            "arm": one.arm,
            "certain": True,
            **{name: getattr(one, name) for name in FACTS},
            **changes,
        }
    )


def series_of(study, subject: str, arm: str) -> Series:
    return study.series.get(case__subject__code=subject, arm__code=arm, active=True)
