"""Whatever is asked: no request breaks the site, and every answer is one that the schema describes."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.response import Response
from schemathesis.checks import FailureGroup, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from readerstudy.api.endpoint import Rate
from readerstudy.api.jobs import Jobs
from readerstudy.protocol.services import move
from readerstudy.results import services
from readerstudy.results.services import Results
from readerstudy.states import State
from tests import factories
from tests.api.program import Program
from tests.api.test_interface import schema
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OF_RESULTS = ("/results/", "/tables/", "/numbers/", "/codebooks/")


@made_once()
def draft():
    """With a job and an upload."""
    study = factories.make_study(subjects=1)
    factories.make_job(study, state="failed", error="It broke.")
    study.uploads.create(user=study.memberships.get(role="admin").user, files=1, bytes=1)
    factories.log_as_is(study)
    return study


@made_once()
def closed():
    """Before anybody has read a pair."""
    return move(study=factories.open_(factories.make_study(subjects=1)), to=State.CLOSED, actor=None)


def real(study) -> dict[str, object]:
    """Something that is there for each argument of an address."""
    one = {
        name: getattr(study, rows).first() for name, rows in (("case", "cases"), ("series", "series"), ("arm", "arms"))
    }
    one |= {"job": study.jobs.first(), "upload": study.uploads.first(), "candidate": study.candidates.first()}
    numbers = {name: row.pk if row else 1 for name, row in one.items()}
    return numbers | {"model": "restore", "table": "ratings", "slug": study.slug}


def rows_of(study, path: str) -> object:
    """The first row of the list that an address is below."""
    name = path.removesuffix("/{number}/").rpartition("/")[2]
    named = {"people": "memberships", "programs": "tokens"}
    row = getattr(study, named.get(name, name)).first() if path.endswith("/{number}/") else None
    return row.pk if row else 1


def asked(study, operation, *, examples: int) -> list[int]:
    """Ask one operation of the interface so many times, each undone at once; the statuses of the answers."""
    program, known, seen = Program(study), real(study) | {"number": rows_of(study, operation.path)}, []

    @given(case=operation.as_strategy(), there=st.sampled_from([True, True, True, False]))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case, there: bool) -> None:
        for name in case.path_parameters or {}:
            if there or name == "slug":
                case.path_parameters[name] = known[name]
        headers = {"Authorization": f"Bearer {program.words}"} | ({"If-Match": "*"} if there else {})
        with transaction.atomic():
            answer = case.call(headers=headers)
            transaction.set_rollback(True)
        seen.append(answer.status_code)
        full = [not_a_server_error] if answer.status_code == 507 else []  # of the disk: said, and no fault of the site
        case.validate_response(answer, checks=[one for one in CHECKS if one not in full])

    ask()
    return seen


@pytest.fixture
def operations(monkeypatch):
    """Every operation that the schema describes, as the site answers it in this process, however often."""
    monkeypatch.setattr(Rate, "allow_request", lambda *_: True)
    nothing = Results(reading=None, images=None, sha256="", findings=[], range_rules=[], simulated="")
    monkeypatch.setattr(services, "results_or_job", lambda study: nothing)  # an analysis takes seconds
    monkeypatch.setattr(services, "everything_or_job", lambda study: {})
    described = schemathesis.openapi.from_dict(schema())
    described.app = get_wsgi_application()
    ends = (request_started, request_finished)
    for signal in ends:  # which would close the connection that holds the test's transaction
        signal.disconnect(close_old_connections)
    yield [found.ok() for found in described.get_all_operations()]
    for signal in ends:
        signal.connect(close_old_connections)


def test_no_request_breaks_the_site_and_every_answer_is_described(draft, closed, operations):
    answered = {}
    for operation in operations:
        study = closed if any(part in operation.path for part in OF_RESULTS) else draft
        answered[f"{operation.method} {operation.path}"] = asked(study, operation, examples=4)
    assert len(answered) > 70
    assert sum(any(status < 300 for status in found) for found in answered.values()) > 45


def test_an_answer_that_is_not_described_is_found(draft, operations, monkeypatch):
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("planted")

    (jobs,) = [one for one in operations if one.path.endswith("/jobs/")]
    for planted in (breaks, lambda *_, **__: Response(status=418), lambda *_, **__: Response({"count": "many"})):
        monkeypatch.setattr(Jobs, "get", planted)
        with pytest.raises((FailureGroup, ValueError)):
            asked(draft, jobs, examples=3)
