"""The reading room's JSON: own list only, nothing lost, nothing that names an arm."""

import json
import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading.models import Presentation, Rating
from readerstudy.reading.selectors import on_of
from tests import factories
from tests.once import made_once
from tests.telling import tells

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=3, readers=2))


@pytest.fixture
def reader(study):
    return study.memberships.get(code="R1")


def signed_in(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def client(reader):
    return signed_in(reader)


def url(study, path: str) -> str:
    return reverse("current", args=[study.slug]).removesuffix("current/") + path


def put(client, address: str, **data):
    """A write of a browser that has just loaded the pair."""
    found = Presentation.objects.filter(token=re.search("/reading/([^/]+)/", address)[1]).first()
    body = {"key": str(uuid.uuid4()), "on": found and on_of(found), **data}
    return client.put(address, body, content_type="application/json")


def test_it_resumes_at_the_first_pair_that_is_not_confirmed(client, study):
    first = client.get(url(study, "current/")).json()
    assert (first["position"], first["confirmed"], first["total"]) == (1, 0, 9)
    criterion = first["criteria"][0]
    assert put(client, url(study, f"{first['token']}/ratings/{criterion}/"), score=4).json()["saved"]
    again = client.get(url(study, "current/")).json()
    assert again["token"] == first["token"]
    assert again["answers"]["ratings"][str(criterion)]["score"] == 4


def test_a_change_is_a_new_revision_and_the_first_answer_stays(client, study):
    token, criterion = (body := client.get(url(study, "current/")).json())["token"], body["criteria"][0]
    for score in (2, 5):
        put(client, url(study, f"{token}/ratings/{criterion}/"), score=score)
    assert list(Rating.objects.order_by("revision").values_list("revision", "score")) == [(1, 2), (2, 5)]


def test_the_same_key_twice_is_one_rating(client, study):
    token, criterion = (body := client.get(url(study, "current/")).json())["token"], body["criteria"][0]
    key = str(uuid.uuid4())
    for _ in range(2):
        put(client, url(study, f"{token}/ratings/{criterion}/"), score=2, key=key)
    assert Rating.objects.count() == 1


@pytest.mark.parametrize(
    "data", [{"score": 0}, {"score": 6}, {"score": None}, {"score": 3, "status": "cannot_judge"}, {"score": "x"}]
)
def test_a_score_off_the_scale_is_refused_with_a_reason(client, study, data):
    token, criterion = (body := client.get(url(study, "current/")).json())["token"], body["criteria"][0]
    answer = put(client, url(study, f"{token}/ratings/{criterion}/"), **data)
    assert answer.status_code == 400
    assert Rating.objects.count() == 0


def test_confirming_names_what_is_missing(client, study):
    token = client.get(url(study, "current/")).json()["token"]
    said = {"key": str(uuid.uuid4()), "on": {"state": "in_progress", "revision": 0}}
    answer = client.post(url(study, f"{token}/confirm/"), said, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["missing"][0] == "SNR"
    assert {"Integrity", "Diagnostic quality"} <= set(answer.json()["missing"])


def test_the_whole_list_is_read_in_order_to_its_end(client, study, reader):
    ReaderStudy.objects.update(guesses=0)
    factories.read_all(reader)
    end = {"finished": True, "confirmed": 9, "total": 9, "to_sign": True}
    assert client.get(url(study, "current/")).json() == end


def test_a_few_pairs_are_within_reach_the_others_not_and_a_later_pair_takes_no_rating(client, study, reader):
    body = client.get(url(study, "current/")).json()
    tokens = list(Presentation.objects.filter(reader=reader).order_by("position").values_list("token", flat=True))
    assert body["next"] == tokens[1:4]
    assert client.get(url(study, f"{tokens[1]}/")).json()["next"] == tokens[2:5]
    assert client.get(url(study, f"{tokens[3]}/frames/0/")).status_code == 200
    assert client.get(url(study, f"{tokens[4]}/")).status_code == 404
    assert client.get(url(study, f"{tokens[4]}/frames/0/")).status_code == 404
    criterion = study.criteria.first().pk
    assert put(client, url(study, f"{tokens[1]}/ratings/{criterion}/"), score=3).status_code == 409


def test_another_readers_pair_does_not_exist(client, study):
    other = Presentation.objects.filter(reader__code="R2").first()
    for path in ("", "frames/0/"):
        assert client.get(url(study, f"{other.token}/{path}")).status_code == 404
    assert put(client, url(study, f"{other.token}/integrity/"), value="none").status_code == 404


def test_who_is_no_reader_finds_no_reading_room(study):
    admin = study.memberships.get(role="admin")
    for client, expected in ((signed_in(admin), 404), (Client(), 401)):
        assert client.get(url(study, "current/")).status_code == expected
    stranger = Client()
    stranger.force_login(factories.make_user())
    assert stranger.get(url(study, "current/")).status_code == 404


def test_a_paused_study_takes_nothing_and_says_so(client, study):
    body = client.get(url(study, "current/")).json()
    move(study=study, to="paused", actor=None)
    answer = put(client, url(study, f"{body['token']}/integrity/"), value="none")
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "not_open", "paused")


def test_nothing_that_a_reader_receives_names_an_arm_or_a_series(client, study, reader):
    words = [arm.code for arm in study.arms.all()] + [s.sha256 for s in study.series.all()]
    words += ["first_side", "comparison", "sha256", *(case.code for case in study.cases.all())]
    page = client.get(url(study, "room/"))
    body = client.get(url(study, "current/"))
    frame = client.get(url(study, f"{body.json()['token']}/frames/0/"))
    received = page.content.decode() + json.dumps(body.json()) + str({**body.headers, **frame.headers})
    assert tells(words, received) == []
    for header in ("ETag", "Last-Modified", "Content-Encoding", "Content-Disposition"):
        assert header not in frame.headers
    assert frame.headers["Cache-Control"] == "no-store"


def test_both_orders_of_a_pair_travel_in_equal_bytes(study, reader):
    client, lengths = signed_in(reader), set()
    body = client.get(url(study, "current/")).json()
    presentation = Presentation.objects.get(token=body["token"])
    for side in ("left", "right"):
        Presentation.objects.filter(pk=presentation.pk).update(first_side=side)
        frames = [client.get(url(study, f"{body['token']}/frames/{n}/")).content for n in range(body["frames"])]
        lengths.add(tuple(map(len, frames)))
    assert len(lengths) == 1
