"""Programs change what people change on the pages, by the same rules; nobody's change is lost."""

import pytest
from django.core import mail

from readerstudy.accounts.models import Role, User
from readerstudy.accounts.services import add_member
from readerstudy.api import tokens, versions
from readerstudy.api.models import Scope
from readerstudy.audit.studies import study_for_update
from readerstudy.jobs.models import Job
from readerstudy.material.models import Series
from readerstudy.protocol.services import create_study, move, save_settings
from readerstudy.protocol.study_templates import TEMPLATES
from readerstudy.results import exports, services
from readerstudy.results.services import Results
from readerstudy.states import State
from tests import factories
from tests.accounts.test_permissions import ADDRESSES, address, client_of
from tests.api.program import Program
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    study = factories.make_study(subjects=2, readers=1)
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    factories.log_as_is(study)
    return study


@pytest.fixture
def program(study):
    return Program(study)


def test_a_change_names_what_it_was_made_on_and_is_refused_where_that_was_changed(program, study):
    seen = program.json("settings/")
    assert seen["title"] == "Trial"
    unsaid = program.ask("settings/", {"title": "B"}, method="patch", seen=None)
    assert (unsaid.status_code, unsaid.json()["title"]) == (428, "Precondition Required")
    first = program.etags["settings/"]
    assert program.json("settings/", {"guesses": 3}, method="patch")["guesses"] == 3
    late = program.ask("settings/", {"title": "B"}, method="patch", seen=first)
    assert (late.status_code, late.json()["detail"]) == (
        412,
        "It was changed meanwhile. Look at it again, then decide.",
    )
    assert program.ask("settings/", {"title": "B"}, method="patch", seen="*").status_code == 200
    study.refresh_from_db()
    assert (study.title, study.guesses) == ("B", 3)
    assert study.events.latest("number").action == "settings changed"


def committed_while_it_waits(study, monkeypatch, change) -> None:
    """Another person's change commits while this request waits for the study."""

    def held(asked):
        change(type(study).objects.get(pk=study.pk))
        return study_for_update(asked)

    monkeypatch.setattr(versions, "study_for_update", held)


def test_a_change_that_commits_while_another_waits_is_not_lost(program, study, monkeypatch):
    program.json("settings/")
    actor = study.memberships.filter(role=Role.ADMIN).first().user

    def theirs(now):
        save_settings(study=now, actor=actor, title="Theirs", guesses=4)

    committed_while_it_waits(study, monkeypatch, theirs)
    assert program.ask("settings/", {"title": "Mine"}, method="patch").status_code == 412
    study.refresh_from_db()
    assert study.title != "Mine"  # theirs went with the transaction in which this test made it


def test_a_study_that_moves_while_a_step_waits_is_not_moved_on(program, study, monkeypatch):
    factories.open_(study)
    program.json("state/")
    actor = study.memberships.filter(role=Role.ADMIN).first().user
    committed_while_it_waits(study, monkeypatch, lambda now: move(study=now, to=State.PAUSED, actor=actor))
    assert program.ask("state/", {"to": "paused"}).status_code == 412


def test_settings_are_refused_in_the_words_of_the_pages(program, study):
    program.json("settings/")
    for changes, field, said in (
        ({"reader_title": "SOC or FAST"}, "reader_title", "leave out FAST and SOC"),
        ({"margin_mean": -1}, "margin_mean", "A margin is above 0"),
        ({"repeat_share": 2}, "repeat_share", "less than or equal to 1"),
        ({"primary_comparison": 10**9}, "primary_comparison", "valid choice"),
    ):
        answer = program.ask("settings/", changes, method="patch")
        assert answer.status_code == 400, changes
        assert said in str(answer.json()["errors"][field]), answer.json()
    study.refresh_from_db()
    assert float(study.repeat_share) == 0


def test_settings_that_are_sent_back_as_they_were_change_nothing(program, study):
    seen, lines = program.json("settings/"), study.events.count()
    assert program.json("settings/", seen, method="patch") == seen
    assert study.events.count() == lines
    changed = program.patch("settings/", repeat_share=0.25, practice_pairs=4, margin_net=0.2, ask_integrity=False)
    assert [changed[name] for name in ("repeat_share", "practice_pairs", "margin_net")] == [0.25, 4, 0.2]
    assert {**changed, "repeat_share": 0.0, "practice_pairs": None, "margin_net": None, "ask_integrity": True} == seen


def test_a_protocol_is_built_row_by_row(program, study):
    half = {"code": "HALF", "acquisition": "accelerated", "reconstruction": "standard", "made_from": "SOC"}
    half |= {"made_by": "half_nex", "strength": 5.0, "seed": 12}
    made = program.json("arms/", half, status=201)
    assert {name: made[name] for name in half} == half
    dl = {"code": "HALF-DL", "acquisition": "accelerated", "reconstruction": "dl", "made_from": "HALF"}
    program.json("arms/", dl | {"made_by": "model:restore"}, status=201)
    pair = program.json("comparisons/", {"first": "HALF-DL", "second": "HALF"}, status=201)
    row = program.patch(f"comparisons/{pair['id']}/", question="Which is sharper?")
    assert (row["first"], row["question"]) == ("HALF-DL", "Which is sharper?")
    words = {"name": "Nerve roots", "asks": "Are they seen?", "better": "More of them", "anchors": list("abcde")}
    criterion = program.json("criteria/", words, status=201)
    assert (criterion["code"], criterion["anchors"]) == ("nerve_roots", list("abcde"))
    assert program.patch(f"criteria/{criterion['id']}/", regions=["lumbar"])["regions"] == ["lumbar"]
    program.patch("settings/", primary_comparison=pair["id"], primary_criterion=criterion["id"])
    said = program.json("protocol/")
    assert said["primary"] == {"first": "HALF-DL", "second": "HALF", "criterion": "nerve_roots"}
    assert said["arms"][-2]["degrade"] == {"half_nex_fraction": 0.05, "seed": 12}
    assert program.json("arms/")["results"][-2] == made
    refused = program.ask(f"arms/{made['id']}/", method="delete", seen="*")
    assert (refused.status_code, "compared" in refused.json()["detail"]) == (422, True)
    program.delete(f"comparisons/{pair['id']}/")
    assert [one["first"] for one in program.json("comparisons/")["results"]].count("HALF-DL") == 0
    assert study.events.latest("number").data["removed"] == "HALF-DL vs HALF"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("arms/", {"code": "SOC", "acquisition": "reference", "reconstruction": "standard"}, "non_field_errors"),
        ("arms/", {"code": "X", "acquisition": "reference", "reconstruction": "dl", "made_from": "Y"}, "made_from"),
        ("comparisons/", {"first": "SOC", "second": "SOC"}, "second"),
        ("criteria/", {"name": "A", "asks": "b", "better": "c", "anchors": ["1"]}, "anchors"),
        ("sites/", {"code": "Site 1"}, "non_field_errors"),
    ],
)
def test_rows_that_cannot_be_are_refused_by_field(program, path, body, field):
    answer = program.ask(path, body)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]


def test_sites_are_added_and_subjects_given_to_them(program, study):
    site = program.json("sites/", {"code": "North", "name": "Northern hospital"}, status=201)
    subject = study.subjects.first()
    path = f"subjects/{subject.pk}/"
    assert program.patch(path, site="North")["site"] == "North"
    assert program.ask(path, {"site": "South"}, method="patch").status_code == 422
    taken = program.ask(f"sites/{site['id']}/", method="delete", seen="*")
    assert taken.json()["detail"] == "North has subjects. Give them another site first."


def test_cases_are_used_otherwise_set_aside_and_removed(program, study):
    case = study.cases.first()
    path = f"cases/{case.pk}/"
    changed = program.patch(path, training=True, feedback="Look at the discs.")
    assert (changed["training"], changed["feedback"]) == (True, "Look at the discs.")
    assert program.patch(path, set_aside="moved too much")["set_aside"] == "moved too much"
    assert program.patch(path, set_aside="")["set_aside"] == ""
    actions = list(study.events.order_by("-number").values_list("action", flat=True)[:4])
    assert actions == ["case taken up again", "case set aside", "feedback changed", "case moved"]
    program.delete(path)
    assert not study.cases.filter(pk=case.pk).exists()
    program.delete(f"subjects/{study.subjects.get(code='S02').pk}/")
    assert not study.series.exists()


def test_a_scan_time_is_typed_and_what_never_waited_is_not_taken_back(program, study):
    series = Series.objects.get(study=study, arm__code="SOC", case__subject__code="S01")
    changed = program.patch(f"series/{series.pk}/", acquisition_seconds=204.5)
    assert changed["parameters"]["acquisition_seconds"] == 204.5
    for step in ("back", "move"):
        answer = program.ask(f"series/{series.pk}/{step}/", {"weighting": "T1"}, seen="*")
        assert (answer.status_code, "never waited" in answer.json()["detail"]) == (422, True)


def test_people_get_roles_and_an_invitation_that_is_said_once(program, study):
    asked = {"username": "Nora", "role": "analyst", "new": True, "email": "nora@example.org"}
    said = program.json("people/", asked, status=201)
    assert said["person"]["role"] == "analyst"
    assert said["invitation"]["link"].startswith("http://testserver/invitation/")
    assert said["invitation"]["sent"]
    assert mail.outbox[-1].to == ["nora@example.org"]
    assert program.ask("people/", {"username": "Nora", "role": "reader"}).status_code == 422
    assert "errors" in program.ask("people/", {"username": "a b", "role": "analyst"}).json()
    program.delete(f"people/{said['person']['id']}/")
    assert not study.memberships.filter(user__username="Nora").exists()
    last = study.memberships.get(role=Role.ADMIN)
    refused = program.ask(f"people/{last.pk}/", method="delete", seen="*")
    assert refused.json()["detail"] == "A study needs an admin. Add another one first."


def test_an_admin_sees_and_ends_the_programs_of_others(program, study):
    analyst = study.memberships.get(role=Role.ANALYST)
    token, words = tokens.make(member=analyst, name="nightly", scopes=[Scope.READ], days=7)
    listed = program.json("programs/")["results"]
    assert {(one["person"], one["name"]) for one in listed} >= {(analyst.user.username, "nightly")}
    assert words not in str(listed)
    program.json(f"programs/{token.pk}/", method="delete", status=204)
    assert tokens.found(words) is None
    other = factories.make_study(subjects=0)
    foreign, _ = tokens.make(member=other.memberships.get(role=Role.ADMIN), name="x", scopes=[Scope.READ], days=7)
    assert program.ask(f"programs/{foreign.pk}/", method="delete").status_code == 404
    line = study.events.latest("number")
    assert (line.action, line.actor.username) == ("program shut out", study.memberships.get(role="admin").user.username)


def test_a_study_goes_from_state_to_state_and_final_steps_want_its_title(program, study):
    assert program.json("state/")["steps"] == [{"to": "open", "title": True}]
    assert program.json("schedule/")["pairs"] == 6
    wrong = program.ask("state/", {"to": "open", "title": "x"})
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "This is not the title. Type: Trial")
    job = program.json("state/", {"to": "open", "title": "Trial"}, status=202)
    assert (job["function"], Job.objects.get(pk=job["id"]).state) == ("reading.open", "waiting")
    Job.objects.filter(pk=job["id"]).delete()
    factories.open_(study)
    assert program.json("schedule/balance/")["problems"] == []
    program.json("state/")
    assert program.json("state/", {"to": "paused"})["state"] == "paused"
    assert program.ask("state/", {"to": "locked"}, seen="*").status_code == 409
    assert program.json("state/", {"to": "closed", "title": "Trial"})["state"] == "closed"
    assert study.events.latest("number").action == "study closed"


def test_what_is_missing_before_opening_is_said(program, study):
    study.memberships.filter(role=Role.READER).delete()
    factories.log_as_is(study)
    assert program.json("state/")["missing"] == ["0 readers with an account"]


def test_a_frozen_protocol_is_not_changed(program, study):
    factories.open_(study)
    for path in ("settings/", f"arms/{study.arms.first().pk}/", f"sites/{study.sites.first().pk}/"):
        answer = program.ask(path, {}, method="patch", seen="*")
        assert (answer.status_code, answer.json()["detail"]) == (409, "Not while the study is open."), path


def test_an_opened_study_is_amended(program, study):
    factories.open_(study)
    factories.make_user("late")
    said = program.json("amendments/", {"kind": "reader", "username": "late", "reason": "ill"}, status=201)
    assert (said["amendment"]["kind"], said["invitation"]) == ("reader_added", None)
    assert program.ask("amendments/", {"kind": "cases", "reason": "more", "cases": ["x"]}).status_code == 400
    assert program.ask("amendments/", {"kind": "subject", "reason": "asked"}).status_code == 400
    gone = program.json("amendments/", {"kind": "subject", "reason": "asked", "subject": "S02"}, status=201)
    assert gone["amendment"]["number"] == 2
    assert [one["reason"] for one in program.json("amendments/")["results"]] == ["ill", "asked"]


def test_a_model_is_run_on_the_whole_study(program, study):
    listed = {one["name"]: one for one in program.json("models/")}
    assert listed["restore"]["shipped"]
    assert listed["restore"]["sha256"]
    study.pairs.all().delete()
    Series.objects.filter(study=study, arm__code="FAST-DL").delete()
    factories.log_as_is(study)
    assert program.json("models/restore/run/", {"arm": "FAST-DL"}) == {"new": 2}
    assert program.json("models/restore/run/", {"arm": "FAST-DL"}) == {"new": 0}
    assert [one["waiting"] for one in program.json("models/runs/") if one["arm"] == "FAST-DL"] == [2]
    assert program.ask("models/none/run/", {"arm": "FAST-DL"}).status_code == 404
    assert program.ask("models/restore/run/", {"arm": "SOC"}).status_code == 422


def test_the_log_is_narrowed(program, study):
    admin = study.memberships.get(role=Role.ADMIN).user.username
    program.patch("settings/", guesses=1)
    assert [one["action"] for one in program.json("log/?action=settings%20changed")["results"]] == ["settings changed"]
    assert {one["actor"] for one in program.json(f"log/?actor={admin}")["results"]} == {admin}
    last = study.events.latest("number").at
    assert program.json(f"log/?since={last:%Y-%m-%dT%H:%M:%S.%f}Z")["count"] == 1
    assert program.json("log/?until=2020-01-01")["count"] == 0
    for query in ("after=x", "since=x", "actor=%00", "since=0001-01-01T00:00:00%2B14:00"):
        assert program.ask(f"log/?{query}").status_code == 400, query


@pytest.mark.parametrize(
    ("path", "method", "scope"),
    [
        ("settings/", "patch", Scope.PROTOCOL),
        ("state/", "post", Scope.PROTOCOL),
        ("people/", "post", Scope.PEOPLE),
        ("programs/1/", "delete", Scope.PEOPLE),
        ("cases/1/", "patch", Scope.MATERIAL),
        ("models/restore/run/", "post", Scope.JOBS),
        ("images.zip", "get", Scope.IMAGES),
    ],
)
def test_each_change_wants_its_scope(study, path, method, scope):
    without = Program(study, scopes=[one for one in Scope.values if one != scope])
    answer = without.ask(path, {} if method != "get" else None, method=method, seen="*")
    assert (answer.status_code, answer.json()["detail"]) == (403, f"This token does not allow to {scope.label}.")


def test_who_only_looks_changes_nothing(study):
    analyst = Program(study, "analyst")
    for path in ("settings/", f"arms/{study.arms.first().pk}/", f"cases/{study.cases.first().pk}/"):
        assert "ETag" in analyst.ask(path)
        assert analyst.ask(path, {}, method="patch", seen="*").status_code == 404
    for path in ("people/", "programs/", "jobs/"):
        assert analyst.ask(path).status_code == 404


def test_a_study_of_images_alone_has_no_part_that_asks_readers():
    template = next(one for one in TEMPLATES.values() if one.images_only)
    made = create_study(title="Alone", user=factories.make_user(), model_name="restore", template=template)
    program = Program(made)
    assert program.ask("criteria/").status_code == 404
    answer = program.ask("settings/", {"guesses": 1}, method="patch", seen="*")
    assert answer.json()["errors"] == {"guesses": ["This study compares images alone."]}
    assert program.ask("settings/", {"title": "Images"}, method="patch", seen="*").status_code == 200


def test_results_leave_as_on_the_pages_and_wait_for_their_job(study, monkeypatch):
    factories.open_(study)
    move(study=study, to=State.CLOSED, actor=None)
    program = Program(study, "analyst")
    client = client_of(User.objects.get(memberships__study=study, memberships__role="analyst"))
    made = Results(reading={"comparisons": []}, images=None, sha256="", findings=[], range_rules=[], simulated="")
    monkeypatch.setattr(services, "results_or_job", lambda study: made)
    monkeypatch.setattr(services, "everything_or_job", lambda study: {})
    monkeypatch.setattr(exports, "number_tables", lambda reading: {"margins": [{"margin": 0.5}]} if reading else {})
    for path in ("all.zip", "numbers/margins.csv", "codebooks/ratings.csv"):
        answer = program.ask(path.replace("all.zip", "results/all.zip"))
        seen = client.get(f"/studies/{study.slug}/results/{path}")
        assert answer.status_code == seen.status_code == 200, path
        assert b"".join(answer.streaming_content) == b"".join(seen.streaming_content), path
    assert study.events.filter(action="results exported").count() == 6
    assert program.ask("numbers/none.csv").status_code == 404
    for name in ("results_or_job", "everything_or_job"):
        monkeypatch.setattr(services, name, lambda study: factories.make_job(study, function="results.analyse"))
    for path in ("results/", "results/all.zip", "numbers/margins.csv"):
        assert program.json(path, status=202)["function"] == "results.analyse"


def test_the_program_of_a_reader_finds_the_own_progress_and_nothing_else(study):
    factories.open_(study)
    reader = Program(study, "reader")
    found = set()
    for name, _, others, converters in ADDRESSES:
        if not name.startswith("api_"):
            continue
        path = address(study, name, others, converters).removeprefix(reader.base)
        for method in ("get", "post", "patch", "delete"):
            answer = reader.ask(path, None if method == "get" else {}, method=method, seen="*")
            assert "ETag" not in answer, path
            if answer.status_code != 404:
                found.add((name, method, answer.status_code))
    own = {"api_study", "api_own_progress"}
    assert {(name, status) for name, method, status in found if method == "get"} == {(name, 200) for name in own}
    assert {status for name, method, status in found if method != "get"} == {405}
    assert {name for name, *_ in found} == own
