"""Looking back at what was looked at: after closing, for admin and analyst, from a log that holds, and it alone."""

import pytest
from django.test import Client
from django.urls import reverse

from readerstudy.audit import heads
from readerstudy.protocol.services import move
from readerstudy.reading.models import Presentation
from readerstudy.viewing import replay
from tests import factories
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = pytest.mark.django_db

FIRST = f"0 {factories.VIEW};8 s2,0 vl;4 v-;4 el n1;8"
FIRST_END = "s2,0 v- k1 w100,50 i0 z100,0,0 c0 el t- f1 n1"


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    reader = study.memberships.get(role="reader")
    factories.read_all(reader)
    first, second, _ = reader.presentations.order_by("position")[:3]
    factories.keep_log(first, FIRST, end=FIRST_END)
    factories.keep_log(first)
    factories.keep_log(second, f"0 {factories.VIEW};8 s2;4", end=factories.VIEW)  # leads elsewhere
    return study


@pytest.fixture
def admin(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def closed(study):
    return move(study=study, to="closed", actor=None)


def test_nothing_is_looked_back_at_before_closing(admin, study):
    for address in (
        reverse("looked_at", args=[study.slug]),
        reverse("replay", args=[study.slug, "R1", 1]),
    ):
        assert admin.get(address).status_code == 409
        reader = Client()
        reader.force_login(study.memberships.get(role="reader").user)
        assert reader.get(address).status_code == 404


def test_the_lines_say_what_the_log_says_and_name_no_arm(admin, study):
    closed(study)
    page = admin.get(reverse("looked_at", args=[study.slug])).content.decode()
    first, second = replay.lines(list(replay.looked_at(study)))
    # 2 s of both, 1 s of the right image in both panes, 1 s of both, 2 s of the left alone; then 3 s of both.
    assert first["seconds"] == {"left": 8.0, "right": 7.0}
    assert (first["toggles"], first["both_sides"], first["whole"], first["agrees"]) == (1, True, True, True)
    assert first["first_answer"] == 4.0
    assert (second["whole"], second["agrees"]) == (True, False)
    assert page.count("ends elsewhere") == 1
    assert "R1, pair 1" in " ".join(page.split())
    shown = page.partition("<main")[2]
    assert not any(arm.code in shown for arm in study.arms.exclude(code="SOC"))


def test_a_pair_is_played_from_its_log_alone(admin, study):
    pair = replay.looked_at(study)[0]
    made = replay.played(pair)
    assert [len(visit["samples"]) for visit in made["visits"]] == [5, 3]
    assert (
        made["visits"][0]["samples"][1] | {"seconds": 2.0, "left": 2, "right": 0, "swapped": "left"}
        == (made["visits"][0]["samples"][1])
    )
    assert made["dwell"]["left"][2] + made["dwell"]["left"][1] == 8.0
    assert made["slices"] == factories.SHAPE[0]
    closed(study)
    page = admin.get(reverse("replay", args=[study.slug, "R1", pair.position]))
    assert page.status_code == 200
    assert admin.get(reverse("replay", args=[study.slug, "R1", 999])).status_code == 404


def test_a_log_that_was_changed_is_not_shown_and_raises_the_alarm(admin, study):
    closed(study)
    tamper("UPDATE viewing_logpart SET entries = %s WHERE number = 0", f"0 {factories.VIEW};4000")
    page = admin.get(reverse("looked_at", args=[study.slug]))
    assert page.status_code == 409
    assert "is not as it was written" in page.content.decode()
    assert [alarm for alarm in heads.alarms(study.slug) if "log of what was looked at" in alarm.sentence]


def test_a_page_of_lines_takes_a_handful_of_queries(study, django_assert_max_num_queries):
    mine = list(replay.looked_at(study))
    with django_assert_max_num_queries(2):
        assert len(replay.lines(mine)) == 2


def test_a_pair_whose_images_are_erased_can_be_played(study):
    pair = replay.looked_at(study)[0]
    study.pairs.all().delete()
    assert replay.played(Presentation.objects.select_related("reader").get(pk=pair.pk))["slices"] == 3
