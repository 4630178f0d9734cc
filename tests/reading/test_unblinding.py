"""Unblinding before closing: one pair or subject, a reason, a password, and a trace."""

import pytest
from django.test import Client

from processing.errors import InputError
from readerstudy.protocol.services import move
from readerstudy.reading import answers
from readerstudy.reading.models import Guess, Presentation
from readerstudy.reading.unblinding import pairs_unblinded, unblind, unblinded
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
REASON = "Incidental finding, the ward asks"


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    factories.read_pair(study.presentations.get(reader__code="R1", position=1), [5])
    return study


@pytest.fixture
def admin(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def proof_of_admin(study):
    return factories.proof_of(study.memberships.get(role="admin").user)


def send(client, study, **changed):
    data = {"what": "R1-0001", "reason": REASON, "password": "a long password"} | changed
    return client.post(f"/studies/{study.slug}/unblinding/", data)


def test_it_tells_which_arm_stood_where_and_logs_it(study, admin):
    pair = Presentation.objects.select_related("comparison__first", "comparison__second").get(
        study=study, reader__code="R1", position=1
    )
    answer = send(admin, study)
    arms = [pair.comparison.first.code, pair.comparison.second.code]
    left, right = arms if pair.first_side == "left" else reversed(arms)
    assert f"<td>{left}</td><td>{right}</td>" in html(answer)
    event = study.events.last()
    assert (event.action, event.data) == (
        "unblinded",
        {"what": "R1-0001", "reason": REASON, "pairs": ["R1-0001"], "proved_by": "password"},
    )
    assert "markedly better" not in html(answer)


def test_arms_are_shown_once_and_the_list_below_names_none(study, admin):
    send(admin, study)
    page = html(admin.get(f"/studies/{study.slug}/unblinding/"))
    assert REASON in page
    assert "<td>SOC</td>" not in page
    assert "<td>FAST</td>" not in page


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"password": "wrong"}, "not your password"),
        ({"reason": "why"}, "Give the reason"),
        ({"what": "R9-0001"}, "no pair and no subject"),
        ({"what": "R1-9999999999999"}, "no pair and no subject"),
        ({"what": "S99"}, "no pair and no subject"),
    ],
)
def test_without_password_reason_or_pair_nothing_is_told_and_nothing_logged(study, admin, changed, says):
    before = study.events.count()
    answer = send(admin, study, **changed)
    assert answer.status_code == 422
    assert says in html(answer)
    assert study.events.count() == before


def test_a_subject_unblinds_its_pairs_of_all_readers_and_no_others(study):
    told = unblind(study=study, proof=proof_of_admin(study), what="S01", reason=REASON)
    assert len(told) == 6
    assert {one.case.split("-")[0] for one in told} == {"S01"}
    assert pairs_unblinded(unblinded(study)) == 6


def test_another_studys_pair_is_not_found(study, admin):
    factories.open_(factories.make_study(subjects=3, readers=1))
    assert send(admin, study, what="S03").status_code == 422


def test_only_while_it_is_read(study, admin):
    move(study=study, to=State.CLOSED, actor=None)
    assert send(admin, study).status_code == 409
    with pytest.raises(InputError, match="being read"):
        unblind(
            study=study,
            proof=proof_of_admin(study),
            what="R1-0001",
            reason=REASON,
        )


def test_the_results_name_what_was_unblinded_and_the_blinding_index(study, admin):
    send(admin, study)
    for member in study.memberships.filter(role="reader"):
        for pair in member.presentations.exclude(state="confirmed").order_by("position"):
            factories.read_pair(pair)
        for pair in member.presentations.filter(position__lte=4):
            answers.append_answer(
                Guess,
                presentation=pair,
                side=pair.first_side,
                key="00000000-0000-4000-8000-000000000000",
                guessed_at=pair.study.opened_at,
            )
    move(study=study, to=State.CLOSED, actor=None)
    page = html(admin.get(f"/studies/{study.slug}/results/integrity/"))
    assert "Unblinded before closing" in page
    assert REASON in page
    assert "1 pair; they stay in the analysis" in page
    assert ">+1.00<" in page
