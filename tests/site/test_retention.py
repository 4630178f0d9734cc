"""How long a study is kept, and how it goes: by its admin, with a tombstone, never by itself."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.services import add_member
from readerstudy.archive import quarantine, store
from readerstudy.audit import keys
from readerstudy.audit.models import Tombstone
from readerstudy.audit.services import tombstone_signature
from readerstudy.audit.verify import lost_studies, problems
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Instance
from readerstudy.material.study_removal import files_of_study, remove_whole_study
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import keep_until, move
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.make_closed_study(subjects=1, readers=1)


def page(study, path: str = "") -> str:
    return f"/studies/{study.slug}/{path}"


def erase_waiting() -> None:
    for number in Job.objects.filter(study=None, state="waiting").values_list("pk", flat=True):
        run_job(number)


def test_a_study_goes_with_its_files_and_another_one_keeps_its_own(study):
    other = factories.make_study(subjects=1, readers=0)
    shared = Instance.objects.filter(series__study=other).first()
    study.series.first().instances.update(sha256=shared.sha256)
    factories.log_as_is(study)
    mine, pairs = files_of_study(study), study.pairs.values_list("first_left_sha256", flat=True)
    kept = files_of_study(other) | set(other.pairs.values_list("first_left_sha256", flat=True))
    gone = (mine | set(pairs)) - kept
    assert gone
    assert all(map(store.exists, gone | kept))
    stone = remove_whole_study(study=study, reason="The consent was for two years.", actor=None)
    erase_waiting()
    assert not any(map(store.exists, gone))
    assert all(map(store.exists, kept))
    assert not ReaderStudy.objects.filter(pk=study.pk).exists()
    assert stone.data["rows"]["material.Subject"] == 1
    assert stone.data["rows"]["reading.Rating"] > 0
    assert stone.data["state"] == "closed"
    assert study.title not in str(stone.data)
    assert list(lost_studies()) == []


def test_what_a_tombstone_says_cannot_be_changed_unseen(study):
    stone = remove_whole_study(study=study, reason="x", actor=None)
    assert keys.signed_with(stone.mac, *tombstone_signature(stone)) == stone.key
    stone.data["rows"]["reading.Rating"] = 0
    assert keys.signed_with(stone.mac, *tombstone_signature(stone)) == ""


def test_what_rests_in_the_quarantine_goes_too(study, django_capture_on_commit_callbacks):
    upload = Upload.objects.create(study=study)
    folder = quarantine.folder(upload.pk)
    with django_capture_on_commit_callbacks(execute=True):
        remove_whole_study(study=study, reason="x", actor=None)
    assert not folder.exists()


@pytest.mark.parametrize("state", [State.CLOSED, State.LOCKED])
def test_a_study_is_kept_until_its_day_and_the_day_can_be_changed(study, state):
    if state == State.LOCKED:
        move(study=study, to=State.LOCKED, actor=None)
    today = timezone.localdate()
    keep_until(study=study, day=today, actor=None)
    study.refresh_from_db()
    with pytest.raises(InputError, match="is to be kept until"):
        remove_whole_study(study=study, reason="x", actor=None)
    keep_until(study=study, day=today - timedelta(days=1), actor=None)
    study.refresh_from_db()
    assert list(problems(study)) == []
    remove_whole_study(study=study, reason="x", actor=None)


def test_the_pages_say_until_when_and_announce_the_end(study, sign_in):
    admin = sign_in(study.memberships.get(role="admin").user)
    assert "No day is set" in html(admin.get(page(study)))
    assert "Write the day as" in html(admin.post(page(study, "retention/"), {"keep_until": "soon"}, follow=True))
    assert "Kept until 30 June 2040" in html(
        admin.post(page(study, "retention/"), {"keep_until": "2040-06-30"}, follow=True)
    )
    assert "to be kept until 30 June 2040" in html(admin.get(page(study, "remove/")))
    assert "The study may be removed" not in html(admin.get("/"))
    admin.post(page(study, "retention/"), {"keep_until": "2020-06-30"})
    assert "The study may be removed" in html(admin.get("/"))
    assert ReaderStudy.objects.filter(pk=study.pk).exists()  # announced, not done
    assert "set the study to be kept until 2020-06-30" in html(admin.get(page(study, "log/")))


def test_a_study_that_has_ended_goes_after_its_title_was_typed(study, sign_in):
    admin = sign_in(study.memberships.get(role="admin").user)
    asked = html(admin.get(page(study, "remove/")))
    assert "1 subject" in asked
    assert "ratings" in asked
    for wrong in ({"reason": "x"}, {"title": study.title}, {"reason": "x", "title": "Another"}):
        assert admin.post(page(study, "remove/"), wrong).status_code == 200
    assert ReaderStudy.objects.filter(pk=study.pk).exists()
    said = html(admin.post(page(study, "remove/"), {"reason": "two years", "title": study.title}, follow=True))
    assert f"{study.title} was removed" in said
    assert "Removed studies" in said
    assert "two years" in said
    assert Tombstone.objects.get().actor_name.startswith("admin-")


def test_a_draft_goes_for_a_reason_alone(sign_in):
    draft = factories.make_study(subjects=1, readers=0)
    admin = sign_in(draft.memberships.get(role="admin").user)
    assert page(draft, "remove/") in html(admin.get(page(draft)))
    assert admin.post(page(draft, "remove/"), {"reason": ""}).status_code == 200
    assert admin.post(page(draft, "remove/"), {"reason": "a trial"}).status_code == 302
    assert not ReaderStudy.objects.filter(pk=draft.pk).exists()


def test_a_study_that_is_read_cannot_go(sign_in):
    study = factories.open_(factories.make_study(subjects=1))
    admin = sign_in(study.memberships.get(role="admin").user)
    assert "Remove the study" not in html(admin.get(page(study)))
    assert admin.post(page(study, "remove/"), {"reason": "x", "title": study.title}).status_code == 409
    assert ReaderStudy.objects.filter(pk=study.pk).exists()


@pytest.mark.parametrize("path", ["retention/", "remove/"])
def test_only_an_admin_and_only_by_a_form_of_this_site(study, sign_in, path):
    sent = {"reason": "x", "title": study.title, "keep_until": "2040-06-30"}
    analyst = add_member(study=study, user=factories.make_user(), role="analyst").user
    for user in (study.memberships.get(role="reader").user, analyst):
        assert sign_in(user).post(page(study, path), sent).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(study.memberships.get(role="admin").user)
    assert strict.post(page(study, path), sent).status_code == 403
    assert ReaderStudy.objects.get(pk=study.pk).keep_until is None
