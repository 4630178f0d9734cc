"""Ways past the permissions: other studies' numbers, forged and stale sessions, races, interim looks."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role
from readerstudy.accounts.permissions import PERMISSIONS
from readerstudy.accounts.services import add_member, remove_member
from readerstudy.audit.lock_manifest import manifest, manifest_sha256
from readerstudy.images.radiomics import active_settings
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim, finish
from readerstudy.material.models import VolumeOfInterest
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading.models import Presentation, Rating
from readerstudy.reading.services import ConflictError, rate, report_time
from readerstudy.states import State
from tests import factories
from tests.accounts.test_permissions import ADDRESSES, CHANGES, client_of, is_asked

pytestmark = pytest.mark.django_db


def with_everything(study: ReaderStudy) -> dict:
    """Something behind every kind of number in an address; what each argument would be."""
    case, series = study.cases.first(), study.series.first()
    job = factories.make_job(study, uuid.uuid4().hex, state="failed", error="x")
    admin = study.memberships.get(role="admin").user
    upload = Upload.objects.create(study=study, user=admin) if _fits(Upload, "user") else study.uploads.first()
    volume = VolumeOfInterest.objects.create(
        study=study, case=case, drawn_on=series, name="disc", sha256="0" * 64, voxels=9, millilitres=1
    )
    presentation = study.presentations.first()
    return {
        "case": case.pk,
        "series": series.pk,
        "job": job.pk,
        "upload": upload.pk if upload else 1,
        "volume": volume.pk,
        "member": study.memberships.get(role="admin").pk,
        "token": presentation.token if presentation else "x",
        "criterion": study.criteria.first().pk,
        "index": 0,
        "finding": 1,
        "table": "ratings",
        "part": "arms",
        "to": "paused",
        "candidate": 1,
    }


def _fits(model, field: str) -> bool:
    return field in {f.name for f in model._meta.fields}


def manifests(study: ReaderStudy) -> str:
    return manifest_sha256(manifest(study))


@pytest.mark.slow
def test_numbers_of_another_study_do_not_exist_here():
    ours = factories.open_(factories.make_study(subjects=1, readers=1))
    theirs = factories.open_(factories.make_study(subjects=1, readers=1, title="Theirs"))
    numbers, before = with_everything(theirs), None
    before = manifests(theirs)
    tried, others_in_turn = 0, ("post", "put", "patch", "delete")
    for turn, state in enumerate(State.values):
        ReaderStudy.objects.filter(pk=ours.pk).update(state=state)
        for member in ours.memberships.select_related("user"):
            client = client_of(member.user)
            for place, (name, _, others, _) in enumerate(ADDRESSES):
                if not set(others) & {"case", "series", "job", "upload", "volume", "member", "token", "candidate"}:
                    continue
                path = reverse(name, kwargs={"slug": ours.slug} | {other: numbers.get(other, 1) for other in others})
                # Each method is tried at each address in some state; HEAD and OPTIONS answer without content.
                for method in ("get", others_in_turn[(turn + place) % len(others_in_turn)]):
                    answer = getattr(client, method)(path)
                    found = answer.status_code < 300 and (answer.content or answer.headers.get("HX-Redirect"))
                    assert not found, f"{member.role} {method} {path} in {state}: {answer.status_code}"
                    tried += 1
                ReaderStudy.objects.filter(pk=ours.pk).update(state=state)
    assert tried > 300
    assert manifests(theirs) == before


def test_a_pair_of_the_own_list_in_another_study_is_not_found_here():
    user = factories.make_user()
    studies = [factories.make_study(subjects=1, readers=0, title=title) for title in ("One", "Two")]
    for study in studies:
        add_member(study=study, user=user, role=Role.READER)
        factories.open_(study)
    client = client_of(user)
    token = studies[1].presentations.get(position=1).token
    assert client.get(f"/studies/{studies[1].slug}/reading/{token}/").status_code == 200
    assert client.get(f"/studies/{studies[0].slug}/reading/{token}/").status_code == 404
    assert client.get(f"/studies/{studies[0].slug}/reading/{token}/frames/0/").status_code == 404


def test_who_was_removed_reaches_nothing_with_the_session_that_is_still_open():
    study = factories.make_study(subjects=1, readers=1)
    for role in (Role.ANALYST, Role.ADMIN):
        member = add_member(study=study, user=factories.make_user(), role=role)
        client = client_of(member.user)
        assert client.get(f"/studies/{study.slug}/").status_code == 200
        remove_member(member=member)
        assert client.get(f"/studies/{study.slug}/").status_code == 404


def test_a_deactivated_account_is_signed_out_at_once():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    user = study.memberships.get(role="reader").user
    client = client_of(user)
    assert client.get(f"/studies/{study.slug}/reading/current/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get(f"/studies/{study.slug}/reading/current/").status_code == 401


def test_a_reader_who_may_create_studies_still_reads_blind():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    user = study.memberships.get(role="reader").user
    user.is_staff = user.is_superuser = True
    user.save()
    for path in ("", "protocol/", "material/", "results/", "log/", "unblinding/", "people/"):
        assert client_of(user).get(f"/studies/{study.slug}/{path}").status_code == 404


def test_signing_in_changes_the_session_so_that_a_planted_one_is_worth_nothing():
    user = factories.make_user("fixed")
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.post("/login/", {"username": "fixed", "password": "a long password"})
    assert client.cookies["sessionid"].value != planted
    assert Client(headers={"cookie": f"sessionid={planted}"}).get("/").status_code == 302
    assert user.is_authenticated


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written_without_the_token_of_the_form(method):
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    criterion, token = study.criteria.first().pk, study.presentations.get(position=1).token
    before = manifests(study)
    for role, paths in {
        "reader": [
            *(f"reading/{token}/{what}/" for what in (f"ratings/{criterion}", "confirm", "time", "viewing")),
            "reading/display/done/",
        ],
        "admin": ["protocol/to/paused/", "people/", "unblinding/", "jobs/run/"],
    }.items():
        client = Client(enforce_csrf_checks=True)
        client.force_login(study.memberships.get(role=role).user)
        for path in paths:
            data = {"key": str(uuid.uuid4()), "score": 3, "status": "rated", "seconds": 1}
            answer = getattr(client, method)(f"/studies/{study.slug}/{path}", data, content_type="application/json")
            assert answer.status_code in (403, 404, 405), path
    assert manifests(study) == before


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_method_cannot_be_overridden(header):
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    client = client_of(study.memberships.get(role="reader").user)
    token, criterion = study.presentations.get(position=1).token, study.criteria.first().pk
    client.get(f"/studies/{study.slug}/reading/current/")
    data = {"key": str(uuid.uuid4()), "score": 3, "status": "rated", "_method": "PUT"}
    path = f"/studies/{study.slug}/reading/{token}/ratings/{criterion}/"
    assert client.post(path, data, content_type="application/json", headers={header: "PUT"}).status_code == 405
    assert not Rating.objects.exists()


def test_fields_that_nobody_asked_for_are_not_taken():
    study = factories.open_(factories.make_study(subjects=1, readers=2))
    client = client_of(study.memberships.get(code="R1").user)
    client.get(f"/studies/{study.slug}/reading/current/")
    pair = study.presentations.get(reader__code="R1", position=1)
    other = study.presentations.get(reader__code="R2", position=1)
    stuffed = {
        "key": str(uuid.uuid4()),
        "on": {"state": "in_progress", "revision": 0, "score": 5},
        "score": 3,
        "status": "rated",
        "revision": 99,
        "presentation": other.pk,
        "rated_at": "2000-01-01T00:00:00Z",
        "first_side": "left",
        "state": "confirmed",
        "reader": other.reader_id,
    }
    path = f"/studies/{study.slug}/reading/{pair.token}/ratings/{study.criteria.first().pk}/"
    assert client.put(path, stuffed, content_type="application/json").status_code == 200
    rating = Rating.objects.get()
    assert (rating.presentation_id, rating.revision) == (pair.pk, 1)
    assert rating.rated_at.year > 2000


def test_an_answer_that_was_on_its_way_when_the_study_closed_is_refused():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.start(presentation=study.presentations.get(position=1))
    pair = Presentation.objects.select_related("study", "reader__user").get(study=study, position=1)
    move(study=study, to=State.CLOSED, actor=None)  # after this request had passed its permission check
    with pytest.raises(ConflictError, match="closed"):
        rate(
            presentation=pair,
            criterion=study.criteria.first(),
            score=3,
            status="rated",
            key=uuid.uuid4(),
            on=factories.now(pair),
        )
    with pytest.raises(ConflictError, match="closed"):
        report_time(presentation=pair, seconds=5, key=uuid.uuid4())
    assert not Rating.objects.exists()


def test_nobody_becomes_a_reader_while_the_study_is_being_opened():
    study = factories.make_study(subjects=1, readers=1)
    stale = ReaderStudy.objects.get(pk=study.pk)
    factories.open_(study)
    with pytest.raises(InputError, match="fixed by the schedule"):
        add_member(study=stale, user=factories.make_user(), role=Role.READER)


def test_a_job_that_ends_after_locking_stores_nothing():
    study = factories.make_closed_study(subjects=1, readers=1)
    job = claim(job_id=factories.make_job(study).pk, worker="w")
    ReaderStudy.objects.filter(pk=study.pk).update(state=State.LOCKED, locked_at=timezone.now())
    stored = []
    with pytest.raises(InputError, match="locked"):
        finish(job=job, store=lambda: stored.append(1))
    assert stored == []


# What nobody may see before the study is closed


QUERY = "?all=1&readings=1&view=table"


@pytest.mark.slow
@pytest.mark.parametrize("role", ["admin", "analyst"])
@pytest.mark.parametrize("state", [State.OPEN, State.PAUSED])
def test_no_page_or_file_tells_answers_before_closing(role, state, monkeypatch):
    """Two studies alike but for their answers give the same pages and files, byte for byte."""
    # The log grows with every download.
    monkeypatch.setattr("readerstudy.reading.whole_record.record", lambda **_: None)
    pages = []
    study = factories.make_study(subjects=2, readers=1)
    active_settings(study)  # made, and logged, when somebody first looks
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    factories.open_(study)
    reader = study.memberships.get(role="reader")
    factories.read_all(reader, [1])
    ReaderStudy.objects.filter(pk=study.pk).update(state=state)
    factories.log_as_is(study)
    numbers = {"case": study.cases.first().pk, "series": study.series.first().pk, "table": "ratings", "part": "arms"}
    client = client_of(study.memberships.filter(role=role).first().user)
    for scores in ((1, "none"), (5, "findings")):
        _set_answers(study, *scores)
        got = {}
        for name, _, others, _ in ADDRESSES:
            path = reverse(name, kwargs={"slug": study.slug} | {other: numbers.get(other, 1) for other in others})
            for query in ("", QUERY) if state == State.OPEN else ("",):
                answer = client.get(path + query)
                content = b"".join(answer) if answer.streaming else answer.content
                content = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", content)
                got[path + query] = (answer.status_code, _without_times(content))
                if answer.status_code != 200:
                    break  # what is refused is refused whatever else is asked
        pages.append(got)
    differing = [path for path in pages[0] if pages[0][path] != pages[1][path]]
    assert differing == []
    assert any(status == 200 for status, _ in pages[0].values())


def _without_times(content: bytes) -> bytes:
    return re.sub(rb"\d\d:\d\d(:\d\d)?|\d+ (s|min|h) ago|just now", b"", content)


def _set_answers(study: ReaderStudy, score: int, integrity: str) -> None:
    from tests.tampering import run

    mine = "(SELECT id FROM reading_presentation WHERE study_id = %s)"
    run(f"UPDATE reading_rating SET score = %s WHERE presentation_id IN {mine}", score, study.pk)
    run(
        f"UPDATE reading_statement SET value = %s WHERE subject = 'integrity' AND presentation_id IN {mine}",
        integrity,
        study.pk,
    )


# A locked study


@pytest.mark.slow
def test_no_request_changes_a_locked_study():
    study = factories.make_closed_study(subjects=1, readers=1)
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    numbers = with_everything(study)
    factories.log_as_is(study)
    Job.objects.filter(study=study).delete()
    study = move(study=study, to=State.LOCKED, actor=None)
    before = manifests(study)
    stuffed = {"on": "1", "back": "1", "default": "1", "title": study.title, "reason": "x" * 20}
    for member in Membership.objects.filter(study=study).select_related("user"):
        client = client_of(member.user)
        for place, (name, action, others, _) in enumerate(ADDRESSES):
            allowed = {action, *CHANGES.get(name, {}).values()}
            # Whoever may remove may, and with the title typed all goes at once. What a role never does, the walk over
            # permissions asks for.
            if name in ("remove_person", "remove_study") or not any(member.role in PERMISSIONS[one] for one in allowed):
                continue
            path = reverse(name, kwargs={"slug": study.slug} | {other: numbers.get(other, 1) for other in others})
            for method in ("get", "post", "put", "patch", "delete"):
                if is_asked(name, method, place):
                    getattr(client, method)(path, stuffed)
    study.refresh_from_db()
    assert study.state == State.LOCKED
    assert manifests(study) == before
