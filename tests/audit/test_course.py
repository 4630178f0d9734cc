"""Lines that the site wrote, where none of their kind can stand."""

import pytest

from processing.errors import InputError
from readerstudy.audit.services import record
from readerstudy.audit.verify import problems
from readerstudy.protocol.services import move
from readerstudy.reading import preparing
from readerstudy.reading.amendments import add_cases
from readerstudy.states import State
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=1, readers=1))


def test_results_that_were_seen_before_the_study_was_closed_are_found(study):
    line = record(study=study, action="results seen").number
    assert list(problems(study)) == [f"Event {line} tells of results that were seen while the study was open."]
    study = move(study=study, to=State.CLOSED, actor=None)
    record(study=study, action="results seen")
    assert len(list(problems(study))) == 1


def test_pairs_of_a_scheduled_case_are_not_made_anew(study):
    case = study.cases.get()
    with pytest.raises(InputError, match="is scheduled"):
        preparing.replace_prepared(case, list(case.pairs.all()))
    line = record(study=study, action="pairs prepared", case=case.code, pairs=6).number
    assert list(problems(study)) == [f"Event {line} made the pairs of {case.code} anew, which was scheduled."]


def test_pairs_of_a_case_that_came_later_are_made_until_an_amendment_schedules_it(study):
    factories.make_case(study, "S09")
    factories.log_as_is(study)
    case = study.cases.get(subject__code="S09")
    preparing.replace_prepared(case, list(case.pairs.all()))
    assert list(problems(study)) == []
    add_cases(study=study, cases=[case], reason="more", actor=None)
    assert list(problems(study)) == []
    line = record(study=study, action="pairs prepared", case=case.code, pairs=6).number
    assert list(problems(study)) == [f"Event {line} made the pairs of {case.code} anew, which was scheduled."]
