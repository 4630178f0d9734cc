"""Skipped pairs, questions on blinding, signatures: through the reader's JSON, and what they do not allow."""

import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from processing.errors import InputError
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading import guesses, selectors, signatures
from readerstudy.reading.models import Guess, Presentation, Rating, Write
from tests import factories, tampering
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=3, readers=2))
    ReaderStudy.objects.update(guesses=6, allow_back=True)
    factories.log_as_is(study)
    return study


@pytest.fixture
def reader(study):
    return study.memberships.select_related("study", "user").get(code="R1")


@pytest.fixture
def client(reader):
    client = Client()
    client.force_login(reader.user)
    return client


def send(client, study, method: str, path: str, **data):
    address = reverse("current", args=[study.slug]).removesuffix("current/") + path
    pair = Presentation.objects.filter(token=path.partition("/")[0]).first()
    body = {"key": str(uuid.uuid4()), "on": pair and selectors.on_of(pair), **data}
    return getattr(client, method)(address, body if method != "get" else None, content_type="application/json")


def now(client, study) -> dict:
    return send(client, study, "get", "current/").json()


def finish(client, study) -> dict:
    """The first question, after the last look."""
    return send(client, study, "post", "finish/").json()


def test_skipped_pairs_come_again_in_the_order_in_which_they_were_skipped(client, study, reader):
    order = [p.token for p in selectors.queue(reader)]
    for _ in range(2):
        body = now(client, study)
        following = send(client, study, "post", f"{body['token']}/skip/", reason="The images do not load").json()
    assert following["token"] == order[2]
    assert [p.token for p in selectors.queue(reader)] == [*order[2:], *order[:2]]
    again = send(client, study, "post", f"{order[0]}/skip/", reason="twice")
    assert (again.status_code, again.json()["code"]) == (409, "not_yet")
    assert Presentation.objects.get(token=order[0]).skip_reason == "The images do not load"


def test_a_pair_that_is_not_being_read_takes_no_rating_and_a_confirmed_one_is_not_skipped(client, study, reader):
    body = now(client, study)
    send(client, study, "post", f"{body['token']}/skip/", reason="broken")
    criterion = body["criteria"][0]
    answer = send(client, study, "put", f"{body['token']}/ratings/{criterion}/", score=3)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_yet")
    factories.read_pair(selectors.current_pair(reader))
    last = selectors.way_back(reader)
    assert send(client, study, "post", f"{last.token}/skip/", reason="broken").json()["code"] == "confirmed"
    last.refresh_from_db()
    assert last.state == "confirmed"


def test_nothing_is_asked_before_the_end(client, study, reader):
    token = now(client, study)["token"]
    answer = send(client, study, "post", f"{token}/guess/", side="left")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_asked")
    assert guesses.pair_to_ask_about(reader) is None


def test_the_sample_is_drawn_from_main_pairs_the_comparisons_in_turn_and_stays_the_same(study, reader):
    factories.read_all(reader)
    sample = guesses.sample(reader)
    assert len(sample) == 6
    assert {one.kind for one in sample} == {"main"}
    assert len({one.comparison_id for one in sample[:3]}) == 3
    assert sample == guesses.sample(reader)


def test_the_question_is_the_same_on_whichever_side_the_arms_stand(client, study, reader):
    factories.read_all(reader)
    before = finish(client, study)
    shown = Presentation.objects.get(token=before["token"])
    other = "right" if shown.first_side == "left" else "left"
    Presentation.objects.filter(pk=shown.pk).update(first_side=other)
    assert now(client, study) == before
    assert before["guess"]["question"].startswith("One image is the ")
    assert not {"SOC", "FAST"} & set(before["guess"]["question"].split())


def test_each_question_is_answered_once(client, study, reader):
    factories.read_all(reader)
    first = finish(client, study)
    second = send(client, study, "post", f"{first['token']}/guess/", side="left").json()
    assert second["guess"]["number"] == 2
    refused = send(client, study, "post", f"{first['token']}/guess/", side="right")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_asked")
    assert Guess.objects.get().side == "left"
    for _ in range(5):
        second = send(client, study, "post", f"{second['token']}/guess/", side="unknown").json()
    was = second.pop("was")
    assert was["on"]["revision"] == Presentation.objects.get(token=was["token"]).revision
    assert second == {"finished": True, "confirmed": 9, "total": 9, "to_sign": True}
    frame = send(client, study, "get", f"{first['token']}/frames/0/")
    assert frame.status_code == 404


def arm_words(body: dict) -> list[str]:
    return [words for words in guesses.WORDS.values() if words in json.dumps(body)]


def test_the_way_back_closes_before_a_question_names_an_arm(client, study, reader):
    factories.read_all(reader)
    last = selectors.way_back(reader)
    end = {"last_look": True, "previous": last.token, "confirmed": 9, "total": 9}
    assert now(client, study) == end
    path = f"{last.token}/ratings/{study.criteria.first().pk}/"
    assert send(client, study, "put", path, score=1).status_code == 200
    refused = send(client, study, "post", f"{last.token}/guess/", side="left")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_asked")
    key = str(uuid.uuid4())
    first = send(client, study, "post", "finish/", key=key).json()
    assert len(arm_words(first)) > 0
    assert send(client, study, "post", "finish/", key=key).json() == first == now(client, study)
    refused = send(client, study, "put", path, score=5)
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmed")
    assert send(client, study, "get", f"{last.token}/").status_code == (200 if first["token"] == last.token else 404)
    assert Rating.objects.filter(score=1).count() == 1
    assert study.events.filter(action="list finished").count() == 1


def test_no_arm_is_named_while_there_is_a_way_back(client, study, reader):
    for one in selectors.own_list(reader).order_by("position"):
        assert arm_words(now(client, study)) == []
        factories.read_pair(one)
    assert arm_words(now(client, study)) == []
    assert send(client, study, "get", f"{guesses.pair_to_ask_about(reader).token}/").json().get("guess") is None


def test_where_there_is_no_way_back_or_no_question_no_last_look_is_offered(client, study, reader):
    factories.read_all(reader)
    ReaderStudy.objects.update(guesses=0)
    assert now(client, study)["finished"] is True
    ReaderStudy.objects.update(guesses=6, allow_back=False)
    assert now(client, study)["guess"]["number"] == 1
    assert send(client, study, "post", "finish/").json()["guess"]["number"] == 1
    assert not Write.objects.filter(what="finish").exists()


def test_a_list_that_is_not_read_to_its_end_is_not_finished(client, study, reader):
    factories.read_pair(selectors.current_pair(reader))
    refused = send(client, study, "post", "finish/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yet")
    assert selectors.way_back(reader) is not None


def test_after_a_guess_of_an_earlier_version_or_a_signature_there_is_no_way_back(client, study, reader):
    factories.read_all(reader)
    last = selectors.way_back(reader)
    path = f"{last.token}/ratings/{study.criteria.first().pk}/"
    Guess.objects.create(presentation=last, side="left", key=uuid.uuid4(), guessed_at=timezone.now())
    assert send(client, study, "put", path, score=5).status_code == 409
    tampering.run("DELETE FROM reading_guess")
    assert send(client, study, "put", path, score=4).status_code == 200
    signatures.sign(member=reader, proof=factories.proof_of(reader.user))
    assert send(client, study, "put", path, score=5).status_code == 409
    assert now(client, study)["guess"]["number"] == 1


def test_only_a_finished_list_is_signed_and_only_with_a_proof_of_its_reader(study, reader):
    with pytest.raises(InputError, match="nothing to sign"):
        signatures.sign(member=reader, proof=factories.proof_of(reader.user))
    factories.read_all(reader)
    with pytest.raises(InputError, match="Somebody else has signed in"):
        signatures.sign(member=reader, proof=factories.proof_of(factories.make_user()))
    (made,) = signatures.sign(member=reader, proof=factories.proof_of(reader.user))
    assert made.sha256 == signatures.part_sha256(reader, 1)
    assert signatures.to_sign(reader) == []


def test_a_reader_can_still_sign_when_the_study_is_closed(client, study, reader):
    factories.read_all(reader)
    move(study=study, to="closed", actor=None)
    page = f"/studies/{study.slug}/reading/sign/"
    assert "Your password" in html(client.get(page))
    assert "Signed. Thank you." in html(client.post(page, {"password": "a long password"}, follow=True))


def test_the_admin_sees_what_was_skipped_and_why(client, study, reader):
    send(client, study, "post", f"{now(client, study)['token']}/skip/", reason="The images look broken")
    admin = Client()
    admin.force_login(study.memberships.get(role="admin").user)
    page = html(admin.get(f"/studies/{study.slug}/reading/"))
    assert "The images look broken" in page
    assert "R1-1" in page
