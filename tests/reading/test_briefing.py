"""The briefing before the first pair: made from the protocol, worded by the admin, read by each reader, noted."""

import re

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.audit.services import RecordError
from readerstudy.audit.verify import problems
from readerstudy.protocol import briefing
from readerstudy.protocol.models import Briefing
from readerstudy.protocol.services import move
from readerstudy.reading.briefing import confirm_read, unread
from readerstudy.reading.models import Finding
from readerstudy.reading.services import open_study
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOTES = briefing.WORDS | {"notes": "Ask Dr Weber."}


@made_once()
def draft():
    return factories.make_study(subjects=1, readers=1)


@made_once()
def study():
    """Opened, and nobody has read anything yet."""
    made = factories.make_study(subjects=1, readers=1)
    factories.log_as_is(made)
    return open_study(study=made, actor=None)


def reader_of(study):
    return study.memberships.select_related("user", "study").get(role=Role.READER)


def admin_of(study):
    return study.memberships.get(role=Role.ADMIN).user


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(study, name: str = "briefing") -> str:
    return reverse(name, args=[study.slug])


def test_no_pair_is_begun_before_the_briefing_was_read(study):
    member = reader_of(study)
    client = signed_in(member.user)
    assert client.get(address(study, "reading")).headers["Location"] == address(study)
    assert client.get(address(study, "current")).json() == {"briefing": True}
    assert not study.presentations.exclude(state="scheduled").exists()
    version = briefing.in_force(study)
    for _ in range(2):
        answer = client.post(address(study), {"version": version.sha256})
        assert answer.headers["Location"] == address(study, "reading")
    line = study.events.get(action="briefing read")
    assert (line.actor, line.data) == (
        member.user,
        {"reader": member.code, "number": 1, "sha256": version.sha256},
    )
    assert client.get(address(study, "reading")).status_code == 200
    assert client.get(address(study, "current")).json()["state"] == "in_progress"
    assert list(problems(study)) == []


def test_who_has_no_pair_left_is_not_briefed(study):
    member = reader_of(study)
    study.presentations.all().delete()
    assert signed_in(member.user).get(address(study, "reading")).status_code == 200


def test_what_is_confirmed_is_the_version_that_was_read(study):
    member = reader_of(study)
    old = briefing.in_force(study).sha256
    briefing.write(study=study, words=NOTES, actor=None, reason="A question came up.")
    client = signed_in(member.user)
    answer = client.post(address(study), {"version": old})
    assert answer.status_code == 200
    assert "A question came up." in html(answer)
    assert not study.events.filter(action="briefing read").exists()
    assert unread(member).number == 2


def test_a_change_after_opening_has_a_reason_and_is_read_before_the_next_pair(study):
    member = reader_of(study)
    factories.read_briefing(study)
    assert unread(member) is None
    with pytest.raises(InputError, match="Say why"):
        briefing.write(study=study, words=NOTES, actor=None)
    briefing.write(study=study, words=NOTES, actor=admin_of(study), reason="A question came up.")
    assert signed_in(member.user).get(address(study, "current")).json() == {"briefing": True}
    line = study.events.filter(action="briefing written").last()
    assert (line.data["number"], line.data["reason"]) == (2, "A question came up.")
    assert confirm_read(member=member, sha256=line.data["sha256"])
    with pytest.raises(InputError, match="says this already"):
        briefing.write(study=study, words=NOTES, actor=None, reason="again")
    move(study=study, to=State.CLOSED, actor=None)
    with pytest.raises(InputError, match="closed"):
        briefing.write(study=study, words=briefing.WORDS, actor=None, reason="too late")
    assert list(problems(study)) == []


def test_without_a_word_typed_it_says_what_the_protocol_asks(study):
    page = html(signed_in(reader_of(study).user).get(address(study)))
    for criterion in study.criteria.all():
        for said in (criterion.name, criterion.asks, criterion.better, *criterion.anchors):
            assert said in page
    for kind, means in briefing.KINDS.items():
        assert f"<b>{kind}</b>{means}" in page
    assert briefing.WORDS["diagnostic"] in page
    assert list(briefing.KINDS) == Finding.Kind.values


def test_what_is_not_asked_is_not_explained_and_other_anchors_are_named(draft):
    draft.ask_integrity = draft.ask_diagnostic = False
    draft.save()
    last = draft.criteria.last()
    last.anchors = [f"anchor {n} of its own" for n in range(1, 6)]
    last.save()
    factories.log_as_is(draft)
    page = html(signed_in(admin_of(draft)).get(address(draft, "edit_briefing")))
    assert briefing.WORDS["diagnostic_note"] not in page.split("As readers see it")[1]
    assert "briefing/loss-" not in page
    assert all(anchor in page for anchor in last.anchors)


def test_opening_freezes_what_stands_and_its_hash_follows_the_protocol(draft):
    written = briefing.write(study=draft, words=NOTES, actor=admin_of(draft))
    criterion = draft.criteria.first()
    criterion.asks = "another wording"
    criterion.save()
    factories.open_(draft)
    frozen = briefing.in_force(draft)
    assert (frozen.number, frozen.words) == (2, NOTES)
    assert frozen.sha256 != written.sha256


@pytest.mark.parametrize("text", ["SOC stands left", "whether fast-dl is as good", "the FAST scan"])
def test_words_and_reasons_that_name_an_arm_are_refused(study, text):
    for words, reason in ((NOTES | {"notes": text}, "why"), (NOTES, text)):
        with pytest.raises(InputError, match="Readers would learn what is compared"):
            briefing.write(study=study, words=words, actor=None, reason=reason)


def test_the_admin_words_it_in_a_form_and_sees_it_as_readers_do(study):
    client, there = signed_in(admin_of(study)), address(study, "edit_briefing")
    said = NOTES | {"heading": "Which neck reads better?"}
    refused = client.post(there, said)
    assert (refused.status_code, Briefing.objects.filter(study=study).count()) == (422, 1)
    assert client.post(there, said | {"reason": "A better heading."}).status_code == 302
    page = html(client.get(there))
    assert page.count("Which neck reads better?") == 2
    assert "A better heading." in page
    assert briefing.in_force(study).words["notes"] == "Ask Dr Weber."


def test_a_study_that_was_opened_before_there_were_briefings_goes_on_without_one(draft):
    type(draft).objects.filter(pk=draft.pk).update(
        state="open", opened_at="2024-05-01T08:00Z", schedule_sha256="0" * 64
    )
    member = reader_of(draft)
    client = signed_in(member.user)
    assert client.get(address(draft, "reading")).status_code == 200
    page = html(client.get(address(draft)))
    assert briefing.WORDS["introduction"] in page
    assert client.post(address(draft)).headers["Location"] == address(draft, "reading")


def test_a_version_that_was_changed_behind_the_sites_back_is_found(study):
    with pytest.raises(DatabaseError), transaction.atomic():
        Briefing.objects.filter(study=study).update(words={})
    Briefing.objects.create(study=study, number=9, words={}, sha256="0" * 64, at=study.opened_at)
    assert any("Briefing" in problem for problem in problems(study))
    with pytest.raises(RecordError):
        briefing.write(study=study, words=NOTES, actor=None, reason="why")


def test_an_opening_before_there_were_briefings_is_said_to_the_admin(draft, monkeypatch):
    monkeypatch.setattr(briefing, "freeze", lambda study: None)
    factories.log_as_is(draft)
    study = open_study(study=draft, actor=None)
    client = signed_in(admin_of(study))

    def told() -> list[str]:
        pages = [html(client.get(address(study, name))) for name in ("protocol", "edit_briefing")]
        return [re.sub("<.*", "", page.partition("before it had a briefing")[2]) for page in pages]

    words = "nothing says what its readers were told. Write one, and each of them reads it before the next pair."
    assert told() == [f": {words}"] * 2
    assert "There is no briefing" in html(client.get(reverse("home")))
    made = briefing.write(study=study, words=briefing.WORDS, actor=admin_of(study), reason="There was none.")
    assert told() == [f". What readers were told before {date_format(made.at, 'j F Y')} is not in the log."] * 2
    assert "There is no briefing" not in html(client.get(reverse("home")))


def test_of_a_study_with_a_briefing_nothing_is_said(study):
    assert not briefing.opened_without(study)
    briefing.write(study=study, words=NOTES, actor=None, reason="A question came up.")
    assert not briefing.opened_without(study)
