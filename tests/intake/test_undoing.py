"""What was confirmed can be taken back: with all that was made from it, and nothing else."""

import pytest

from readerstudy.audit.verify import problems
from readerstudy.intake import services, undoing
from readerstudy.intake.models import Candidate, Upload
from readerstudy.material.models import Series
from readerstudy.material.removal import outgoing
from readerstudy.reading.models import PreparedPair
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return factories.make_study(subjects=2)


def with_candidates(study) -> None:
    """As if all uploaded series had come by one upload and been confirmed."""
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    for one in study.series.filter(made_from=None).select_related("case__subject", "arm"):
        Candidate.objects.create(
            study=study,
            upload=upload,
            state="confirmed",
            series=one,
            instances=[list(row) for row in one.instances.values_list("sha256", "size")],
            subject_key=one.case.subject.key,
            subject_code=one.case.subject.code,
            region=one.case.region,
            plane=one.case.plane,
            weighting=one.case.weighting,
            arm=one.arm,
            certain=True,
            **{name: getattr(one, name) for name in FACTS},
        )


FACTS = ("format", "sha256", "slices", "rows", "columns", "affine", "spacing", "parameters")


def series_of(study, subject: str, arm: str) -> Series:
    return study.series.get(case__subject__code=subject, arm__code=arm, active=True)


def test_a_series_goes_back_with_all_that_was_made_from_it(study):
    with_candidates(study)
    fast = series_of(study, "S01", "FAST")
    assert outgoing([fast]).in_words == ["1 series made from it", "3 prepared pairs"]
    candidate = undoing.back_to_confirm(series=fast, actor=None)
    assert (candidate.state, candidate.series, candidate.certain) == ("proposed", None, False)
    left = set(study.series.filter(case__subject__code="S01").values_list("arm__code", flat=True))
    assert left == {"SOC", "SOC-DL"}
    assert PreparedPair.objects.filter(case__subject__code="S01").count() == 0
    assert PreparedPair.objects.filter(case__subject__code="S02").count() == 3
    assert study.series.filter(case__subject__code="S02").count() == 4
    assert list(problems(study)) == []


def test_what_was_taken_back_can_be_confirmed_again(study):
    with_candidates(study)
    candidate = undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)
    placing = {name: getattr(candidate, name) for name in ("subject_code", "region", "plane", "weighting", "arm")}
    services.confirm(candidate=candidate, actor=None, **placing)
    assert series_of(study, "S01", "FAST").candidate == candidate
    assert list(problems(study)) == []
