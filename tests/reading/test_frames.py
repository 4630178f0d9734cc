"""A frame is had in two queries by who may see it, and by nobody else: the short way says what the long one says."""

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from readerstudy.protocol.services import move
from readerstudy.reading import frames, selectors
from readerstudy.reading.models import Presentation
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    made = factories.make_study(subjects=4, readers=2)
    made.parts, made.washout_days = 2, 14
    made.save()
    return factories.open_(made)


@pytest.fixture
def reader(study):
    return study.memberships.select_related("study", "user").get(code="R1")


def signed_in(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def frame(client: Client, member, presentation, **more) -> bytes | None:
    slug = member.study.slug
    return frames.frame(client.session, **{"slug": slug, "token": presentation.token, "index": 0} | more)


def address(presentation, index: int = 0) -> str:
    return reverse("frame", args=[presentation.study.slug, presentation.token, index])


def mine(reader) -> list[Presentation]:
    return list(Presentation.objects.filter(reader=reader).select_related("study", "reader").order_by("position"))


def had(client: Client, reader) -> list[int]:
    """Positions whose frames the short way gives; each must be one that the long way would give."""
    found = []
    for one in mine(reader):
        if frame(client, reader, one) is not None:
            assert one.state != "void"
            assert selectors.within_reach(reader, one), one.position
            found.append(one.position)
    return found


def due(reader) -> list[int]:
    """Positions of the pairs within reach by the long way that are not behind the reader."""
    return [
        one.position
        for one in mine(reader)
        if one.state not in ("confirmed", "void") and selectors.within_reach(reader, one)
    ]


def test_the_short_way_finds_what_the_long_one_finds_all_along_the_list(reader):
    client, rows = signed_in(reader), mine(reader)
    first_part = [one for one in rows if one.part == 1]
    assert had(client, reader) == due(reader) == [1, 2, 3, 4]
    for one in (first_part[1], first_part[2], first_part[0]):  # put off: they come again, in this order
        Presentation.objects.filter(pk=one.pk).update(skipped_at=timezone.now())
    Presentation.objects.filter(pk=first_part[4].pk).update(state="void", void_reason="withdrawn")
    for one in [*first_part[3:4], *first_part[5:], first_part[1]]:
        assert had(client, reader) == due(reader) != []
        factories.read_pair(one)
    assert had(client, reader) == due(reader) == [1, 3]
    for one in (first_part[2], first_part[0]):
        factories.read_pair(one)
    assert had(client, reader) == due(reader) == []  # the washout
    long_ago = timezone.now() - timedelta(days=15)
    Presentation.objects.filter(reader=reader, state="confirmed").update(confirmed_at=long_ago)
    second = [one.position for one in rows if one.part == 2]
    assert had(client, reader) == due(reader) == second[:4]


def test_nobody_else_has_it(study, reader):
    client, (pair, *_) = signed_in(reader), mine(reader)
    assert frame(client, reader, pair, code="R1") is not None
    assert frame(client, reader, pair, code="R2") is None
    assert frame(client, reader, pair, slug="another") is None
    assert frame(client, reader, pair, index=3) is None
    for other in ("R2", ""):
        assert frame(signed_in(study.memberships.get(code=other)), reader, pair) is None
    assert frame(Client(), reader, pair) is None


def test_a_session_ends_with_its_password_and_with_the_account(reader):
    client, (pair, *_) = signed_in(reader), mine(reader)
    for change in ({"password": "another"}, {"is_active": False}):
        before = {name: getattr(reader.user, name) for name in change}
        type(reader.user).objects.filter(pk=reader.user_id).update(**change)
        assert frame(client, reader, pair) is None
        assert client.get(address(pair)).status_code == 401
        type(reader.user).objects.filter(pk=reader.user_id).update(**before)
        client = signed_in(reader)
        assert frame(client, reader, pair) is not None


def test_a_paused_study_shows_nothing(study, reader):
    client, (pair, *_) = signed_in(reader), mine(reader)
    move(study=study, to="paused", actor=None)
    assert frame(client, reader, pair) is None
    assert client.get(address(pair)).json()["code"] == "not_open"


def test_a_frame_takes_two_queries_and_little_time(reader, django_assert_max_num_queries):
    client = signed_in(reader)
    for pair in (mine(reader)[0], mine(reader)[3]):
        with django_assert_max_num_queries(2):
            answer = client.get(address(pair), headers={"X-Reader": "R1"})
        assert answer.status_code == 200
    spent = []
    for _ in range(3):  # the collector of garbage may fall into one of them
        began = time.thread_time()
        for _ in range(20):
            client.get(address(pair))
        spent.append(time.thread_time() - began)
    assert min(spent) / 20 < 0.004


def test_both_ways_say_it_alike(reader, monkeypatch):
    client, (pair, *_) = signed_in(reader), mine(reader)
    for side in ("left", "right"):
        Presentation.objects.filter(pk=pair.pk).update(first_side=side)
        said = []
        for short in (frames.frame, lambda *_, **__: None):
            with monkeypatch.context() as patch:
                patch.setattr(frames, "frame", short)
                answer = client.get(address(pair, 1))
            said.append((answer.status_code, answer.content, answer["Cache-Control"], answer["Content-Type"]))
        assert said[0] == said[1]
