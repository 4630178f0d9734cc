"""What a reader can fetch, and what it does not tell."""

import json
import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from processing.pair import make_pair
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member, remove_member
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import PreparedPair, Presentation
from tests import factories
from tests.accounts.test_permissions import ADDRESSES, METHODS, is_asked
from tests.once import made_once
from tests.pixels import volume, with_pixels
from tests.telling import tells

pytestmark = pytest.mark.django_db


HALF_NEX = {"degrade": {"half_nex_fraction": 0.05, "seed": 12}}


@made_once()
def study():
    made = factories.make_study(subjects=2, readers=2, title="FAST-DL against SOC, non-inferiority")
    factories.simulate(made, HALF_NEX)
    return factories.open_(with_pixels(made))


def signed_in(member) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(member.user)
    return client


def base(study) -> str:
    return reverse("current", args=[study.slug]).removesuffix("current/")


HEADERS_THAT_TELL = ("ETag", "Last-Modified", "Content-Encoding", "Content-Disposition", "Location", "Age", "Expires")


def masked(content: bytes) -> str:
    """A body without what is random in it: tokens, the form's token, keys."""
    text = re.sub(rb'("(?:token|next|previous)":\s*)"[^"]+"', rb'\1"*"', content)
    text = re.sub(rb"/[^/\"]+/frames/", b"/*/frames/", text)
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", text).decode()


def received(client: Client, study, token: str) -> list:
    """Everything of one pair as it goes over the line: status, headers, length, body without tokens and pixels."""
    got = []
    body = client.get(f"{base(study)}{token}/").json()
    paths = ["room/", "briefing/", "current/", f"{token}/", *(f"{token}/frames/{n}/" for n in body["order"])]
    paths += [f"{token}/frames/{body['frames']}/", f"{token}/findings/1/", f"{token}/ratings/1/", f"{token}/x/"]
    for path in paths:
        for method in ("get", "head", "options", "patch"):
            answer = getattr(client, method)(base(study) + path)
            headers = {name: value for name, value in answer.headers.items() if name not in ("Set-Cookie", "Expires")}
            pixels = "/frames/" in path and answer.status_code == 200
            got.append(
                [method, path.replace(token, "*"), answer.status_code, headers, len(answer.content)]
                + ([] if pixels else [masked(answer.content)])
            )
    return got


@pytest.mark.slow
def test_swapping_the_sides_changes_nothing_but_pixels(study):
    reader = study.memberships.get(code="R1")
    for position in range(1, 7):
        presentation = study.presentations.get(reader=reader, position=position)
        seen = []
        for side in ("left", "right"):
            Presentation.objects.filter(pk=presentation.pk).update(first_side=side)
            seen.append(
                received(signed_in(reader), study, signed_in(reader).get(base(study) + "current/").json()["token"])
            )
        assert seen[0] == seen[1]
        presentation.refresh_from_db()
        factories.read_pair(presentation)


def test_all_comparisons_of_a_case_travel_in_equal_bytes(study):
    for case in study.cases.all():
        pairs = case.pairs.all()
        assert len(pairs) == 3
        assert len({json.dumps([pair.offsets, pair.geometry, pair.order]) for pair in pairs}) == 1
    smallest = make_pair(volume(4, 1), volume(8, 2)).frames["first_left"]
    largest = make_pair(volume(120, 1), volume(40, 2)).frames["first_left"]
    assert max(map(len, smallest)) < max(map(len, largest)), "the test's arms must differ in size"


def forbidden_words(study) -> set[str]:
    """Names, codes and hashes that tell an arm, a series or a case."""
    words = {arm.code for arm in study.arms.all()} | {study.title, "first_side", "comparison", "repeat", "sha256"}
    words |= {case.code for case in study.cases.all()} | {series.sha256 for series in study.series.all()}
    words |= {"degraded", *(series.simulated for series in study.series.all() if series.simulated)}
    words |= {series.sha256[:12] for series in study.series.all()}
    for pair in PreparedPair.objects.filter(study=study):
        words |= {pair.first_left_sha256, pair.first_right_sha256, pair.comparison.code}
    words |= {study.protocol_sha256, study.schedule_sha256, str(study.seed)}
    return words | {name for arm in study.arms.all() for name in (arm.maker, arm.css) if name}


GARBAGE = ["x", "0", "-1", "999999999999999999999999", "%00", "..%2f..", "<b>", "null", "[]", "é" * 300]


@pytest.mark.slow
def test_nothing_that_a_reader_can_fetch_names_an_arm_a_series_or_a_hash(study):
    reader = study.memberships.get(code="R1")
    client, words = signed_in(reader), forbidden_words(study)
    token = client.get(base(study) + "current/").json()["token"]
    other = study.presentations.filter(reader__code="R2").first().token
    criterion, series, case = study.criteria.first().pk, study.series.first().pk, study.cases.first().pk
    real = {
        "token": [token, other],
        "criterion": [criterion],
        "series": [series],
        "case": [case],
        "index": [0, 99],
        "finding": [1],
        "member": [study.memberships.first().pk],
        "table": ["ratings", "series"],
        "to": ["closed"],
        "part": ["arms"],
        "job": [1],
        "upload": [1],
        "candidate": [1],
        "volume": [1],
        "name": ["x"],
    }
    paths: dict[str, str | None] = dict.fromkeys(["/", "/new/", "/login/", "/password/", "/static/", "/nothing/"])
    for name, _, others, converters in ADDRESSES:
        for values in zip(*([*real.get(other, [1]), *GARBAGE] for other in others), strict=False) if others else [()]:
            try:
                paths[reverse(name, kwargs={"slug": study.slug} | dict(zip(others, values, strict=True)))] = name
            except Exception:  # this garbage has no address of this shape
                continue
        kinds = [type(converters[other]).__name__ for other in others]
        if others and all(kind == "StringConverter" for kind in kinds):
            paths[f"/studies/{study.slug}/" + GARBAGE[5]] = None
    bodies = [{}, {"key": "x"}, {"key": str(uuid.uuid4()), "score": 9, "status": "rated"}, [], "<"]
    asked = 0
    for place, (path, name) in enumerate(sorted(paths.items())):
        for method in (one for one in METHODS if is_asked(name, one, place)):
            for body in bodies if method in ("post", "put") and "/reading/" in path else [{}]:
                more = {} if method in ("get", "head") else {"content_type": "application/json"}
                answer = getattr(client, method)(path, body if method in ("get", "head") else json.dumps(body), **more)
                content = b"".join(answer) if answer.streaming else answer.content
                where = f"{method} {path} {body}: {answer.status_code}"
                assert answer.status_code < 500, where
                if "/frames/" not in path or answer.status_code != 200:
                    text = content.decode(errors="replace") + str(dict(answer.headers))
                    assert tells(words, text.replace(path, "")) == [], where
                if "/studies/" in path:
                    for header in HEADERS_THAT_TELL[:4]:
                        assert header not in answer.headers, where
                asked += 1
    assert asked > 500


def test_the_address_of_a_study_does_not_name_its_arms(study):
    assert tells({arm.code for arm in study.arms.all()}, base(study).upper()) == []
    assert study.slug == "paired-mri-reading"


def test_findings_are_numbered_within_their_pair(study):
    for code in ("R1", "R2"):
        client = signed_in(study.memberships.get(code=code))
        token = client.get(base(study) + "current/").json()["token"]
        on = {"state": "in_progress", "revision": 0}
        for number in (1, 2):
            finding = {"key": str(uuid.uuid4()), "on": on, "kind": "loss", "side": "left"}
            answer = client.post(f"{base(study)}{token}/findings/", finding, content_type="application/json")
            on = answer.json()["on"]
            assert (answer.json()["id"], on["revision"]) == (number, number)
        query = f"?key={uuid.uuid4()}&state={on['state']}&revision={on['revision']}"
        assert client.delete(f"{base(study)}{token}/findings/1/{query}").status_code == 200
        assert [f["id"] for f in client.get(base(study) + "current/").json()["answers"]["findings"]] == [2]


def test_a_pair_before_is_out_of_reach_where_the_protocol_takes_answers_as_final(study):
    ReaderStudy.objects.filter(pk=study.pk).update(allow_back=False)
    reader = study.memberships.get(code="R1")
    client = signed_in(reader)
    first = client.get(base(study) + "current/").json()["token"]
    factories.read_pair(study.presentations.select_related("study").get(token=first))
    assert client.get(f"{base(study)}{first}/").status_code == 404


def test_who_has_seen_arms_never_becomes_a_reader():
    study = factories.make_study(subjects=1, readers=1)
    user = factories.make_user()
    remove_member(member=add_member(study=study, user=user, role=Role.ANALYST))
    with pytest.raises(Exception, match="was Analyst of this study and may have seen its arms"):
        add_member(study=study, user=user, role=Role.READER)


def test_debug_pages_and_source_maps_are_not_served(study, settings):
    assert settings.DEBUG is False
    built = settings.BASE_DIR / "static/viewer"
    assert list(built.glob("*.map")) == []
    for script in built.glob("*.js"):
        assert "sourceMappingURL=" not in script.read_text()[-500:]
