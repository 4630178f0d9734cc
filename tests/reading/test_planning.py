"""The stored schedule against its seed, the balance report, parts and their washout."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import balance, selectors
from readerstudy.reading.models import Presentation
from tests import factories
from tests.pages import html

pytestmark = pytest.mark.django_db


def opened(**settings) -> ReaderStudy:
    study = factories.make_study(subjects=4, weightings=("T1", "T2"), readers=2)
    ReaderStudy.objects.filter(pk=study.pk).update(**settings)
    return factories.open_(ReaderStudy.objects.get(pk=study.pk))


def verify(study) -> str:
    said = StringIO()
    call_command("schedule", study.slug, "--verify", stdout=said, stderr=StringIO())
    return said.getvalue()


def test_the_schedule_can_be_made_again_from_its_seed():
    study = opened(repeat_share="0.25", parts=3)
    assert study.schedule_sha256 in verify(study)


@pytest.mark.parametrize("change", [{"first_side": None}, {"part": 2}, {"kind": "training"}])
def test_a_changed_presentation_is_found(change):
    study = opened()
    one = Presentation.objects.filter(study=study, position=7).first()
    if change == {"first_side": None}:
        change = {"first_side": "left" if one.first_side == "right" else "right"}
    Presentation.objects.filter(pk=one.pk).update(**change)
    said = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("schedule", study.slug, "--verify", stderr=said)
    assert error.value.returncode == 1
    assert f"{one.reader.code}, position 7: {next(iter(change))} differs" in said.getvalue()


def test_the_command_prints_the_schedule_before_and_after_opening():
    study = factories.make_study(subjects=3)
    before, after = StringIO(), StringIO()
    call_command("schedule", study.slug, stdout=before)
    factories.open_(study)
    call_command("schedule", study.slug, stdout=after)
    assert before.getvalue() == after.getvalue()
    assert len(after.getvalue().splitlines()) == 1 + 9


def test_the_balance_report_counts_what_was_scheduled():
    study = opened(repeat_share="0.25")
    found = balance.report(study)
    assert found["worst"] <= 1
    assert found["problems"] == []
    for row in found["readers"]:
        assert row["pairs"] == 24 + row["repeats"]
        assert sum(cell["left"] + cell["right"] for cell in row["sides"]) == 24
        assert sum(row["repeat_sides"]) == row["repeats"] > 0
    assert sum(sum(row["thirds"]) for row in found["positions"]) == 48


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("reader", 404)])
def test_readers_do_not_know_of_the_balance_report(role, status):
    study = opened()
    answer = signed_in(study.memberships.filter(role=role).first()).get(reverse("balance", args=[study.slug]))
    assert answer.status_code == status
    if status == 200:
        assert "balanced to ±1" in html(answer)


def signed_in(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def test_the_next_part_opens_after_the_washout_and_not_a_moment_before():
    study = opened(parts=3, washout_days=14)
    member = study.memberships.select_related("study").get(code="R1")
    client, current = signed_in(member), reverse("current", args=[study.slug])
    first = Presentation.objects.filter(reader=member, part=1)
    for one in first.order_by("position"):
        factories.read_pair(one)
    body = client.get(current).json()["break"]
    assert (body["part"], body["parts"], body["pairs"], body["washout_days"]) == (1, 3, 8, 14)
    waiting = selectors.current_pair(member)
    assert waiting.state == "scheduled"
    base = current.removesuffix("current/")
    assert client.get(f"{base}{waiting.token}/").status_code == 404
    assert client.get(f"{base}{waiting.token}/frames/0/").status_code == 404
    first.update(confirmed_at=timezone.now() - timedelta(days=14, seconds=1))
    body = client.get(current).json()
    assert (body["token"], body["part"], body["parts"]) == (waiting.token, 2, 3)


def test_what_is_fetched_ahead_ends_with_the_part():
    study = opened(parts=3, washout_days=14)
    member = study.memberships.select_related("study").get(code="R1")
    last = Presentation.objects.filter(reader=member, part=1).order_by("-position").first()
    for one in Presentation.objects.filter(reader=member, part=1).exclude(pk=last.pk).order_by("position"):
        factories.read_pair(one)
    body = signed_in(member).get(reverse("current", args=[study.slug])).json()
    assert (body["token"], body["next"]) == (last.token, [])
