"""A row of an answer that was changed, added, removed or moved past the site is found before the next is written."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from readerstudy.audit import heads
from readerstudy.audit.services import RecordError
from readerstudy.audit.verify import problems
from readerstudy.reading import answers
from readerstudy.reading.models import AnswerHead, Finding, Guess, Presentation, Rating
from readerstudy.reading.services import confirm, rate, report_finding, report_time, start, state, withdraw_finding
from tests import factories
from tests.once import made_once
from tests.tampering import run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=1, readers=2))


def write(pair: Presentation) -> dict:
    """Key and state of the next write of a browser that shows this pair."""
    return {"key": uuid.uuid4(), "on": factories.now(pair)}


@pytest.fixture
def pair(study) -> Presentation:
    """A pair that is being read: two ratings, a statement, a finding taken back, another, and time."""
    found = start(presentation=study.presentations.get(reader__code="R1", position=1))
    for criterion, score in zip(study.criteria.all()[:2], (2, 4), strict=True):
        rate(presentation=found, criterion=criterion, score=score, status="rated", **write(found))
    state(presentation=found, subject="integrity", value="findings", **write(found))
    for side in ("left", "right"):
        report_finding(presentation=found, kind="loss", side=side, **write(found))
    withdraw_finding(finding=Finding.objects.get(side="left"), **write(found))
    report_time(presentation=found, seconds=4, key=uuid.uuid4())
    found.refresh_from_db()
    return found


def answer(pair: Presentation) -> None:
    rate(presentation=pair, criterion=pair.study.criteria.last(), score=3, status="rated", **write(pair))


def test_an_untouched_chain_goes_on(study, pair):
    answer(pair)
    assert AnswerHead.objects.get(presentation=pair).number == 8
    assert list(problems(study)) == []


def test_an_earlier_end_of_the_answers_put_back_with_them_is_found_from_outside(
    study, pair, django_capture_on_commit_callbacks
):
    then = AnswerHead.objects.values("number", "last", "mac").get(presentation=pair)
    with django_capture_on_commit_callbacks(execute=True):
        answer(pair)
    assert list(problems(study)) == []
    run("DELETE FROM reading_rating WHERE presentation_id = %s AND number = %s", pair.pk, then["number"] + 1)
    AnswerHead.objects.filter(presentation=pair).update(**then)
    assert list(problems(study)) == [
        "Row 8 of the answers on pair R1-0001 was noted outside the database and is not there."
    ]


COPY = """
INSERT INTO reading_rating (presentation_id, criterion_id, revision, score, status, "key", rated_at, number, mac)
SELECT presentation_id, criterion_id, 2, 5, status, '{key}', rated_at, {number}, {mac} FROM reading_rating
WHERE presentation_id = %s AND score = 4
"""


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE reading_rating SET score = 5 WHERE presentation_id = %s AND score = 4",
        "UPDATE reading_rating SET status = 'missing', score = NULL WHERE presentation_id = %s AND score = 4",
        "UPDATE reading_rating SET mac = '', number = 0 WHERE presentation_id = %s",
        "UPDATE reading_statement SET value = 'none' WHERE presentation_id = %s",
        "UPDATE reading_finding SET side = 'both' WHERE presentation_id = %s AND side = 'right'",
        "UPDATE reading_finding SET withdrawn_at = NULL WHERE presentation_id = %s",
        "UPDATE reading_finding SET withdrawn_at = found_at WHERE presentation_id = %s AND side = 'right'",
        "UPDATE reading_activetime SET seconds = 900 WHERE presentation_id = %s",
        "DELETE FROM reading_rating WHERE presentation_id = %s AND score = 2",
        "DELETE FROM reading_activetime WHERE presentation_id = %s",
        "DELETE FROM reading_withdrawal WHERE presentation_id = %s",
        "DELETE FROM reading_answerhead WHERE presentation_id = %s",
        "UPDATE reading_answerhead SET number = number - 1 WHERE presentation_id = %s",
        COPY.format(key=uuid.uuid4(), number=0, mac="''"),
        COPY.format(key=uuid.uuid4(), number=8, mac="mac"),
    ],
)
def test_a_chain_that_was_changed_takes_no_further_answer_and_others_go_on(study, pair, sql):
    run(sql, pair.pk)
    with pytest.raises(RecordError, match="The answers on pair R1-0001 are not as they were written"):
        answer(pair)
    assert Rating.objects.filter(presentation=pair, criterion=study.criteria.last()).count() == 0
    assert "R1-0001" in heads.alarms(study.slug)[0].sentence
    assert any("R1-0001" in problem for problem in problems(study))
    factories.read_pair(study.presentations.get(reader__code="R2", position=1))


def test_answers_that_changed_their_presentation_are_found(study, pair):
    other = start(presentation=study.presentations.get(reader__code="R2", position=1))
    run("UPDATE reading_rating SET presentation_id = %s WHERE presentation_id = %s", other.pk, pair.pk)
    for one in (pair, other):
        with pytest.raises(RecordError):
            answer(one)


def test_a_score_edited_before_confirmation_is_not_confirmed(study, pair):
    for criterion in study.criteria.all()[2:]:
        rate(presentation=pair, criterion=criterion, score=3, status="rated", **write(pair))
    state(presentation=pair, subject="diagnostic", value="both", **write(pair))
    run("UPDATE reading_rating SET score = 1 WHERE presentation_id = %s AND score = 4", pair.pk)
    with pytest.raises(RecordError):
        confirm(presentation=pair, seen=factories.every_slice(pair), **write(pair))
    pair.refresh_from_db()
    assert pair.state == "in_progress"


def test_a_time_that_is_not_the_sum_of_its_reports_is_found(study, pair):
    run("UPDATE reading_presentation SET seconds = 1 WHERE id = %s", pair.pk)
    assert list(problems(study)) == ["The reading time of pair R1-0001 is not the sum of its reports."]


def test_a_guess_that_was_changed_or_removed_is_found(study):
    pair = study.presentations.get(reader__code="R1", position=1)
    factories.read_pair(pair)
    pair.refresh_from_db()
    made = answers.append_answer(Guess, presentation=pair, side="left", key=uuid.uuid4(), guessed_at=pair.confirmed_at)
    assert list(problems(study)) == []
    run("UPDATE reading_guess SET side = 'right' WHERE id = %s", made.pk)
    assert "(guess) was changed" in next(problems(study))
    run("DELETE FROM reading_guess WHERE id = %s", made.pk)
    assert "10 are there" in next(problems(study)) or "11 were written" in next(problems(study))


def test_a_presentation_that_nobody_scheduled_takes_no_answer(study):
    there = study.presentations.get(reader__code="R1", position=1)
    run(
        "INSERT INTO reading_presentation (study_id, reader_id, position, part, block, kind, case_id, comparison_id, "
        "first_side, token, state, revision, void_reason, skip_reason, seen, seconds) SELECT study_id, reader_id, 99, "
        "part, block, 'training', case_id, comparison_id, first_side, 'forged', 'in_progress', 0, '', '', '{}', 0 "
        "FROM reading_presentation WHERE id = %s",
        there.pk,
    )
    with pytest.raises(RecordError, match="the end of their chain was removed"):
        answer(study.presentations.get(position=99))
    assert "Schedule of R1: changed, and no line of the log tells of it." in list(problems(study))


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock back by this many seconds."""
    real = timezone.now
    return lambda seconds: monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(seconds=seconds))


def test_a_clock_that_goes_back_before_confirmation_leaves_nothing_out(study, pair, clock):
    for criterion in pair.study.criteria.all():
        rate(presentation=pair, criterion=criterion, score=3, status="rated", **write(pair))
    state(presentation=pair, subject="diagnostic", value="both", **write(pair))
    last = pair.statements.get(subject="diagnostic").stated_at
    clock(60)
    confirm(presentation=pair, seen=factories.every_slice(pair), **write(pair))
    pair.refresh_from_db()
    assert pair.confirmed_at > last
    assert list(problems(study)) == []


def test_a_clock_that_goes_back_before_a_later_answer_is_no_problem(study, clock):
    pair = study.presentations.get(reader__code="R1", position=1)
    factories.read_pair(pair)
    pair.refresh_from_db()
    clock(60)
    answer(pair)
    report_finding(presentation=pair, kind="loss", side="left", **write(pair))
    withdraw_finding(finding=Finding.objects.get(), **write(pair))
    finding = Finding.objects.get()
    assert pair.confirmed_at < pair.ratings.get(revision=2).rated_at < finding.found_at < finding.withdrawn_at
    assert list(problems(study)) == []
