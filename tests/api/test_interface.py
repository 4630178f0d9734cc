"""The interface for programs: who gets in, what a token may, what answers look like."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from jsonschema import Draft202012Validator

from processing.errors import InputError
from readerstudy.access import writing
from readerstudy.access.models import Access
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member, end_sessions, remove_member, set_active
from readerstudy.api import tokens
from readerstudy.api.models import Scope, Token
from readerstudy.intake import receiving
from readerstudy.intake.models import Upload
from readerstudy.intake.receiving import LENGTHS, piece_key
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.protocol.services import move
from readerstudy.settings import BASE_DIR
from readerstudy.states import State
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    return study


@pytest.fixture
def ask(study):
    """Ask an address of the study as a member, with a token of these scopes; what came back."""
    made: dict[tuple, str] = {}

    def asked(name, *, role=Role.ADMIN, scopes=Scope.values, method="get", body=None, raw=None, query="", **arguments):
        member = study.memberships.filter(role=role).first()
        if (role, *scopes) not in made:
            made[role, *scopes] = tokens.make(member=member, name="program", scopes=scopes, days=7)[1]
        words = made[role, *scopes]
        path = reverse(f"api_{name}", args=[study.slug], kwargs=None) if not arguments else None
        path = path or reverse(f"api_{name}", kwargs={"slug": study.slug, **arguments})
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        more |= {} if raw is None else {"data": raw, "content_type": "application/octet-stream"}
        return getattr(Client(), method)(path + query, headers={"Authorization": f"Bearer {words}"}, **more)

    return asked


def _with(words: str, path: str):
    return Client().get(path, headers={"Authorization": f"Bearer {words}"})


def test_the_words_of_a_token_are_shown_once_and_kept_as_a_hash(study):
    member = study.memberships.filter(role=Role.ADMIN).get()
    token, words = tokens.make(member=member, name="nightly", scopes=[Scope.READ], days=7)
    assert words.startswith("rs_")
    assert words not in json.dumps(list(Token.objects.values()), default=str)
    assert Token.objects.get(pk=token.pk).sha256 == hashlib.sha256(words.encode()).hexdigest()
    line = study.events.latest("number")
    assert (line.action, line.data["scopes"]) == ("program admitted", ["read"])


BAD = [(" ", ["read"], 7), ("x", [], 7), ("x", ["all"], 7), ("x", ["read"], 8)]


@pytest.mark.parametrize(("name", "scopes", "days"), BAD)
def test_a_token_needs_a_name_something_to_do_and_an_end(study, name, scopes, days):
    with pytest.raises(InputError):
        tokens.make(member=study.memberships.filter(role=Role.ADMIN).get(), name=name, scopes=scopes, days=days)


@pytest.mark.parametrize("fault", ["wrong", "ended", "late", "closed account", "password of others", "left the study"])
def test_a_token_that_is_not_good_opens_nothing(study, fault):
    member = study.memberships.filter(role=Role.ANALYST).get()
    token, words = tokens.make(member=member, name="x", scopes=[Scope.READ], days=7)
    path = reverse("api_cases", args=[study.slug])
    assert _with(words, path).status_code == 200
    if fault == "wrong":
        words = words[:-1] + ("A" if words[-1] != "A" else "B")
    elif fault == "ended":
        assert tokens.end(token=token, actor=member.user)
        assert not tokens.end(token=token, actor=member.user)
    elif fault == "late":
        Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif fault == "closed account":
        member.user.is_active = False
        member.user.save()
    elif fault == "password of others":
        member.user.must_change_password = True
        member.user.save()
    else:
        member.delete()
    answer = _with(words, path)
    assert answer.status_code == (404 if fault == "left the study" else 401)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert "detail" in answer.json()


def test_a_token_is_of_one_study_whatever_its_person_may_elsewhere(study):
    member = study.memberships.filter(role=Role.ADMIN).get()
    other = factories.make_study(subjects=1)
    add_member(study=other, user=member.user, role=Role.ANALYST)
    _, words = tokens.make(member=member, name="x", scopes=Scope.values, days=7)
    assert _with(words, reverse("api_cases", args=[other.slug])).status_code == 404
    assert [one["slug"] for one in _with(words, reverse("api_studies")).json()] == [study.slug]


def test_a_scope_that_is_missing_is_named(ask):
    answer = ask("uploads", scopes=[Scope.READ], method="post", body={"files": 1, "bytes": 1})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This token does not allow to send series and place them."


def test_a_reader_sees_the_own_progress_and_nothing_that_names_an_arm(ask, study):
    answer = ask("own_progress", role=Role.READER)
    assert answer.json() == {"reader": "R1", "confirmed": 0, "total": answer.json()["total"], "last": None}
    said = ask("study", role=Role.READER).json()
    assert said == {"slug": study.slug, "title": study.reader_title, "state": "open", "role": "reader"}
    for name in ("protocol", "people", "sites", "subjects", "cases", "series", "log", "progress", "jobs", "candidates"):
        assert ask(name, role=Role.READER).status_code == 404, name


def test_the_page_is_behind_a_proof_and_shows_the_token_once(study):
    member = study.memberships.filter(role=Role.ADMIN).get()
    client = Client()
    client.force_login(member.user)
    assert client.get(reverse("tokens"))["Location"].startswith(reverse("prove"))
    client.post(reverse("prove"), {"password": "a long password", "next": reverse("tokens")})
    asked = {"name": "nightly", "study": member.pk, "scope": ["read", "results"], "days": "30"}
    page = client.post(reverse("tokens"), asked).content.decode()
    words = page.split('id="token">')[1].split("<")[0]
    assert _with(words, reverse("api_cases", args=[study.slug])).status_code == 200
    again = client.get(reverse("tokens")).content.decode()
    assert words not in again
    assert "nightly" in again
    client.post(reverse("end_token", args=[Token.objects.latest("pk").pk]))
    assert _with(words, reverse("api_cases", args=[study.slug])).status_code == 401
    assert client.post(reverse("tokens"), asked | {"study": "0"}).status_code == 422


def test_who_left_the_study_and_came_back_has_no_token_from_before(study):
    analyst = study.memberships.get(role=Role.ANALYST)
    _, words = tokens.make(member=analyst, name="x", scopes=[Scope.READ], days=7)
    remove_member(member=analyst)
    add_member(study=study, user=analyst.user, role=Role.ANALYST)
    assert tokens.found(words) is None


def test_nobody_ends_the_token_of_somebody_else(study):
    admin, analyst = (study.memberships.filter(role=role).get() for role in (Role.ADMIN, Role.ANALYST))
    token, words = tokens.make(member=admin, name="x", scopes=[Scope.READ], days=7)
    client = Client()
    client.force_login(analyst.user)
    assert client.post(reverse("end_token", args=[token.pk])).status_code == 404
    assert _with(words, reverse("api_cases", args=[study.slug])).status_code == 200


def test_an_admin_sees_and_ends_every_token_of_the_study_and_of_no_other(study):
    admin, analyst = (study.memberships.filter(role=role).get() for role in (Role.ADMIN, Role.ANALYST))
    token, words = tokens.make(member=analyst, name="nightly", scopes=[Scope.READ], days=7)
    other = factories.make_study(subjects=0)
    foreign, _ = tokens.make(member=other.memberships.get(role=Role.ADMIN), name="far", scopes=[Scope.READ], days=7)
    client = Client()
    client.force_login(admin.user)
    page = client.get(reverse("programs", args=[study.slug])).content.decode()
    assert analyst.user.username in page
    assert "nightly" in page
    assert "far" not in page.split("<table")[1]
    assert client.post(reverse("end_program", args=[study.slug, foreign.pk])).status_code == 404
    client.post(reverse("end_program", args=[study.slug, token.pk]))
    assert _with(words, reverse("api_cases", args=[study.slug])).status_code == 401
    assert tokens.of_study(other).get() == foreign


@pytest.mark.parametrize("how", ["signed out everywhere", "account closed and opened again"])
def test_what_ends_all_sessions_ends_programs(study, how):
    member = study.memberships.filter(role=Role.ANALYST).get()
    _, words = tokens.make(member=member, name="x", scopes=[Scope.READ], days=7)
    if how == "signed out everywhere":
        end_sessions(user=member.user)
    else:
        boss = factories.make_user(staff=True)
        set_active(user=member.user, on=False, actor=boss)
        set_active(user=member.user, on=True, actor=boss)
    assert _with(words, reverse("api_cases", args=[study.slug])).status_code == 401
    assert study.events.latest("number").action == "program shut out"


def test_a_program_leaves_the_upload_of_its_persons_browser_alone(ask, study):
    member = study.memberships.filter(role=Role.ADMIN).get()
    of_browser = receiving.begin(study=study, user=member.user, files=9, size=9)
    started = ask("uploads", method="post", body={"files": 1, "bytes": 1}).json()["upload"]
    assert started != of_browser.pk
    assert receiving.unfinished(study=study, user=member.user) == of_browser
    refused = ask("finish_upload", method="post", upload=of_browser.pk, body={"keys": [], "files": 1})
    assert refused.status_code == 422
    assert ask("upload", method="delete", upload=of_browser.pk).status_code == 422


def test_no_answer_is_kept_on_the_way_and_the_schema_has_problems_too(ask, study):
    answer = ask("cases")
    assert "no-store" in answer["Cache-Control"]
    assert "Authorization" in answer["Vary"]
    bad = Client().get(reverse("api_schema"), headers={"Authorization": "Bearer x"})
    assert (bad.status_code, bad["Content-Type"]) == (401, "application/problem+json")


def test_lists_come_in_pages_and_are_narrowed(ask, study):
    first = ask("series", query="?limit=2").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (study.series.count(), 2, None)
    assert "limit=2&offset=2" in first["next"]
    case = study.cases.first()
    found = ask("series", query=f"?case={case.code}&arm=SOC").json()["results"]
    assert [(one["case"], one["arm"]) for one in found] == [(case.code, "SOC")]
    subject = case.subject.code
    assert {one["subject"] for one in ask("cases", query=f"?subject={subject}").json()["results"]} == {subject}
    after = ask("log", query="?after=3&limit=1").json()["results"]
    assert after[0]["number"] == 4


def test_what_is_taken_is_noted_with_the_person_of_the_token(ask, study, settings):
    settings.ACCESS_LOG_SECONDS = 3600
    move(study=study, to=State.CLOSED, actor=None)
    answer = ask("table", table="ratings", role=Role.ANALYST)
    assert b"".join(answer.streaming_content).startswith(b"study,")
    assert study.events.filter(action="results exported").latest("number").data["file"] == f"{study.slug}-ratings.csv"
    writing.write()
    analyst = study.memberships.get(role=Role.ANALYST).user
    assert Access.objects.filter(user=analyst, address="api_table").exists()


def test_results_wait_for_the_end_of_reading(ask, study):
    answer = ask("results")
    assert (answer.status_code, answer.json()["detail"]) == (409, "Not while the study is open.")


def test_a_delivery_goes_in_piece_by_piece_and_is_sorted(ask, study):
    upload = ask("uploads", method="post", body={"files": 1, "bytes": 5}).json()["upload"]
    head, content = b"a.dcm\x001\x001", b"hello"
    key = piece_key(head, content)
    of = {"upload": upload, "method": "post"}
    assert ask("missing_pieces", body={"keys": [key]}, **of).json() == {"missing": [0], "known": []}
    bad = ask("missing_pieces", body={"keys": ["x"]}, upload=upload, method="post")
    assert (bad.status_code, list(bad.json()["errors"])) == (400, ["keys"])
    finish = {"keys": [key], "files": 1}
    assert ask("finish_upload", body=finish, **of).json() == {"missing": [0]}
    batch = LENGTHS.pack(len(head), len(content)) + head + content
    sent = ask("pieces", raw=batch, **of)
    assert sent.json() == {"new": 1}
    assert ask("finish_upload", body=finish, **of).json() == {"missing": []}
    assert ask("upload", upload=upload).json()["state"] == Upload.State.SORTING
    assert ask("jobs", query="?state=waiting").json()["results"][-1]["function"] == "intake.sort"


def test_the_page_sends_pieces_by_its_session_and_its_forms_token(study):
    client = Client(enforce_csrf_checks=True)
    client.force_login(study.memberships.get(role=Role.ADMIN).user)
    page = client.get(reverse("material", args=[study.slug])).content.decode()
    assert f'data-upload="{reverse("api_uploads", args=[study.slug])}"' in page
    headers = {"X-CSRFToken": re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)[1]}
    path = reverse("api_uploads", args=[study.slug])
    size = {"data": json.dumps({"files": 1, "bytes": 5}), "content_type": "application/json"}
    assert client.post(path, **size).status_code == 403
    number = client.post(path, headers=headers, **size).json()["upload"]
    batch = LENGTHS.pack(9, 5) + b"a.dcm\x001\x001" + b"hello"
    sent = {"data": batch, "content_type": "application/octet-stream"}
    assert client.post(f"{path}{number}/pieces/", headers=headers, **sent).json() == {"new": 1}
    assert client.delete(f"{path}{number}/", headers=headers).status_code == 204
    assert not Upload.objects.filter(pk=number).exists()


def test_an_address_that_there_is_not_is_a_problem_too(ask, study):
    answer = Client().get(f"/api/v1/studies/{study.slug}/nothing/")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    member = study.memberships.get(role=Role.ADMIN)
    words = tokens.make(member=member, name="x", scopes=[Scope.READ], days=1)[1]
    answer = _with(words, f"/api/v1/studies/{study.slug}/cases/-1/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_failed_job_is_tried_again(ask, study):
    job, _ = request_job(function="intake.sort", label="x", study=study, parameters={"upload": 0}, inputs={"x": 1})
    Job.objects.filter(pk=job.pk).update(state="failed", error="It broke.")
    assert ask("job", job=job.pk).json()["error"] == "It broke."
    assert ask("retry_job", job=job.pk, method="post").json() == {"changed": True}
    assert ask("cancel_job", job=job.pk, method="post").json() == {"changed": True}
    assert ask("cancel_job", job=job.pk, method="post").json() == {"changed": False}


def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_the_one_that_is_committed():
    made = OpenApiYamlRenderer().render(schema(), renderer_context={})
    assert made == (BASE_DIR / "docs/openapi.yaml").read_bytes(), "manage.py spectacular --file docs/openapi.yaml"


LISTS = ("people", "sites", "subjects", "cases", "series", "log", "progress", "uploads", "candidates", "jobs")


@pytest.mark.parametrize("name", ["study", "protocol", *LISTS])
def test_answers_are_as_the_schema_says(ask, study, name):
    described = schema()
    path = reverse(f"api_{name}", args=["x"]).replace("/x/", "/{slug}/")
    content = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer = ask(name).json()
    checked = Draft202012Validator({**content, "components": described["components"]})
    assert list(checked.iter_errors(answer)) == []
    assert list(checked.iter_errors([1])) or name == "protocol"
