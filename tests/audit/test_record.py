"""No line follows an end of the log that does not hold: refused, with an alarm, and nothing is changed."""

import logging
import socket

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from readerstudy.audit import heads, keys
from readerstudy.audit.chain import event_hash
from readerstudy.audit.models import Head
from readerstudy.audit.services import RecordError, record, tombstone
from readerstudy.audit.verify import lost_studies, problems
from readerstudy.jobs.services import claim, request_job
from readerstudy.jobs.tasks import perform
from readerstudy.protocol.services import create_study, move, save_settings
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html
from tests.tampering import run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OTHER = "another key than that of the running site, long enough"


@made_once(committed=True)
def study():
    return factories.open_(factories.make_study(subjects=1, readers=1))


def refuses(study, why: str) -> None:
    """The next line is refused for this reason, an alarm says so, and nothing was changed."""
    before, count = study.state, study.events.count()
    with pytest.raises(RecordError, match=why):
        move(study=study, to=State.PAUSED, actor=None)
    study.refresh_from_db()
    assert (study.state, study.events.count()) == (before, count)
    assert why in heads.alarms(study.slug)[0].sentence
    assert list(problems(study))


def test_a_log_that_holds_goes_on_and_its_head_stands_outside(study, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        move(study=study, to=State.PAUSED, actor=None)
    last, outside = study.events.last(), heads.latest(study.slug)
    assert (outside.number, outside.sha256) == (last.number, last.sha256)
    assert list(problems(study)) == []
    assert heads.alarms(study.slug) == []


def test_a_tail_that_was_cut_with_its_head_put_back_is_found_from_outside(study, django_capture_on_commit_callbacks):
    before = Head.objects.get(study=study)
    with django_capture_on_commit_callbacks(execute=True):
        record(study=study, action="results seen")
    run("DELETE FROM audit_event WHERE study_id = %s AND number > %s", study.pk, before.number)
    run(
        "UPDATE audit_head SET number = %s, sha256 = %s, mac = %s WHERE study_id = %s",
        before.number,
        before.sha256,
        before.mac,
        study.pk,
    )
    refuses(study, "noted outside the database")


def test_a_tail_that_was_cut_is_found_by_the_head(study):
    run("DELETE FROM audit_event WHERE study_id = %s AND number = %s", study.pk, study.events.last().number)
    refuses(study, "its head with line")


def test_a_line_taken_from_the_middle_is_found_by_the_count(study):
    run("DELETE FROM audit_event WHERE study_id = %s AND number = 3", study.pk)
    refuses(study, "lines, the last one is number")


def test_a_last_line_that_was_changed_is_found(study):
    run("UPDATE audit_event SET actor_name = 'somebody' WHERE id = %s", study.events.last().pk)
    refuses(study, "was changed")


def forge(study, *, head: bool) -> None:
    """Change the last line and make its hash anew, and the head's; without the key no MAC."""
    last = study.events.last()
    said = {"study": study.slug, "number": last.number, "at": last.at.isoformat(), "actor": "", "data": {}}
    sha256 = event_hash(**said, action="forged", previous=last.previous)
    run(
        "UPDATE audit_event SET action = 'forged', data = '{}', sha256 = %s, actor_id = NULL, actor_name = '' "
        "WHERE id = %s",
        sha256,
        last.pk,
    )
    if head:
        run("UPDATE audit_head SET sha256 = %s WHERE study_id = %s", sha256, study.pk)


@pytest.mark.parametrize(
    ("head", "why"), [(True, "end of the log is not authenticated by this site"), (False, "its head with line")]
)
def test_a_forged_last_line_is_found(study, head, why):
    forge(study, head=head)
    refuses(study, why)


def test_a_line_without_a_mac_is_a_fault_even_if_all_have_none(study):
    run("UPDATE audit_event SET mac = '', \"key\" = '' WHERE study_id = %s", study.pk)
    refuses(study, "has no MAC")
    assert f"{study.events.count()} lines of the log have no MAC" in list(problems(study))[-1]


def test_a_log_that_was_emptied_does_not_begin_again(study):
    run("DELETE FROM audit_head WHERE study_id = %s", study.pk)
    run("DELETE FROM audit_event WHERE study_id = %s", study.pk)
    refuses(study, "no authenticated end")


def test_a_changed_key_is_not_laundered_by_one_more_line(study):
    with override_settings(SECRET_KEY=OTHER):
        refuses(study, "another secret key")


def test_a_key_change_with_the_old_key_at_hand_is_one_line_of_its_own(study, settings):
    old, was = settings.SECRET_KEY, keys.key_name()
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[old]):
        record(study=study, action="results exported")
        seen, change = study.events.order_by("-number")[:2]
        assert (change.action, change.data) == ("key changed", {"from": was, "to": keys.key_name()})
        assert (seen.action, seen.key) == ("results exported", keys.key_name())
        assert list(problems(study)) == []
    with override_settings(SECRET_KEY=OTHER):  # the old one is forgotten: the chain still holds under the new one
        assert not [problem for problem in problems(study) if problem.startswith("Event")]


def test_an_answer_signed_by_an_earlier_key_is_read_on(study, settings):
    pair = study.presentations.get(position=1)
    factories.read_pair(pair)
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        factories.read_pair(study.presentations.get(position=2))
        assert list(problems(study)) == []


def test_who_was_renamed_is_no_tampering(study):
    admin = study.memberships.get(role="admin").user
    admin.username = "married"
    admin.save()
    assert study.events.first().actor_name != "married"
    assert list(problems(study)) == []
    save = study.events.count()
    move(study=study, to=State.PAUSED, actor=admin)
    assert study.events.get(number=save + 1).actor_name == "married"
    assert list(problems(study)) == []


def test_heads_that_lag_behind_or_are_not_there_are_no_fault(study):
    heads.path_of(study.slug).unlink()
    move(study=study, to=State.PAUSED, actor=None)
    assert list(problems(study)) == []


def test_a_strange_line_in_the_file_of_heads_is_said_and_stops_nobody(study):
    heads.write(slug=study.slug, number=10_000, sha256="0" * 64, mac="0" * 64)
    move(study=study, to=State.PAUSED, actor=None)
    assert list(problems(study)) == ["The file of heads holds a line (10000) that this site did not write."]


def test_an_alarm_is_said_once_for_admins_and_each_time_in_the_sites_own_log(study, caplog):
    forge(study, head=False)
    for _ in range(3):
        with pytest.raises(RecordError):
            record(study=study, action="results seen")
    assert len(heads.alarms(study.slug)) == 1
    assert [r.levelno for r in caplog.records if r.name == "readerstudy.audit"] == [logging.CRITICAL] * 3


def test_a_page_ends_with_the_sentence_and_shows_the_alarm(study):
    forge(study, head=False)
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    answer = client.post(reverse("move", args=[study.slug, "paused"]))
    assert answer.status_code == 409
    assert "The record of this study does not hold, so nothing was changed." in html(answer)
    for page in (reverse("home"), reverse("log", args=[study.slug])):
        assert "its head with line" in html(client.get(page))


def test_the_reading_room_keeps_its_answers_as_while_a_study_is_paused(study):
    reader = study.memberships.get(role="reader")
    client = Client()
    client.force_login(reader.user)
    body = client.get(reverse("current", args=[study.slug])).json()
    pair = study.presentations.get(token=body["token"])
    run("UPDATE reading_answerhead SET number = 1 WHERE presentation_id = %s", pair.pk)
    base = reverse("current", args=[study.slug]).removesuffix("current/")
    answer = client.put(
        f"{base}{pair.token}/ratings/{study.criteria.first().pk}/",
        {
            "key": "00000000-0000-4000-8000-000000000000",
            "score": 3,
            "status": "rated",
            "on": {"state": "in_progress", "revision": 0},
        },
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_open")
    assert "does not hold" in answer.json()["detail"]


def test_a_job_fails_with_the_sentence(study, monkeypatch):
    forge(study, head=False)
    from readerstudy.jobs import registry

    registry.find("reading.prepare")
    refused = lambda job, report: lambda: record(study=study, action="results seen")  # noqa: E731
    monkeypatch.setitem(registry._functions, "test.refused", refused)
    monkeypatch.setitem(registry._kinds, "test.refused", registry.kind("test.refused"))
    job, _ = request_job(function="test.refused", study=study, label="x", parameters={}, inputs={})
    perform(claim(job_id=job.pk, worker="test"))
    job.refresh_from_db()
    assert job.state == "failed"
    assert "does not hold" in job.error


def test_a_study_that_is_gone_is_found_from_the_heads_and_its_address_is_not_given_again(
    study, django_capture_on_commit_callbacks
):
    slug, last = study.slug, study.events.last()
    run("UPDATE protocol_readerstudy SET slug = 'hidden' WHERE id = %s", study.pk)
    assert list(lost_studies()) == [
        (
            slug,
            "The study is gone, and no tombstone says that it was removed on purpose. "
            f"Its log had {last.number} lines.",
        )
    ]
    assert create_study(title="x", user=factories.make_user(), model_name="resunet").slug == f"{slug}-2"
    with django_capture_on_commit_callbacks(execute=True):
        tombstone(study_slug=slug, reason="a trial", number=last.number, sha256=last.sha256)
    assert heads.removal_mac(slug)
    assert list(lost_studies()) == []
    run("UPDATE audit_tombstone SET reason = 'another'")
    assert list(lost_studies()) == [(slug, "Its tombstone is not authenticated by this site.")]


def test_a_tombstone_that_is_older_than_the_log_is_found(study, django_capture_on_commit_callbacks):
    slug, first = study.slug, study.events.first()
    with django_capture_on_commit_callbacks(execute=True):
        tombstone(study_slug=slug, reason="a trial", number=first.number, sha256=first.sha256)
    assert list(lost_studies()) == [(slug, "There is a tombstone of this study, and the study.")]
    run("UPDATE protocol_readerstudy SET slug = 'hidden' WHERE id = %s", study.pk)
    assert [problem[:46] for _, problem in lost_studies()] == ["The study was removed with 1 lines in its log,"]


def test_heads_go_to_syslog_where_the_settings_name_one(study, django_capture_on_commit_callbacks):
    from readerstudy.settings import syslog_handler

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        made = syslog_handler(f"127.0.0.1:{server.getsockname()[1]}")
        handler = logging.handlers.SysLogHandler(address=made["address"])
        heads.syslog.addHandler(handler)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                record(study=study, action="results seen")
            said = server.recv(4096).decode()
        finally:
            heads.syslog.removeHandler(handler)
            handler.close()
    assert f"{study.slug} {study.events.last().number} {study.events.last().sha256}" in said


def test_what_a_service_changed_behind_a_broken_log_is_undone():
    draft = factories.make_study(subjects=1)
    forge(draft, head=False)
    with pytest.raises(RecordError):
        save_settings(study=draft, actor=None, min_distance=9)
    draft.refresh_from_db()
    assert draft.min_distance == 5


def test_an_action_that_nobody_knows_is_not_logged(study):
    with pytest.raises(ValueError, match="not a valid Action"):
        record(study=study, action="results seen too")
