"""Who saw what: noted without delay, written together, searched, and changed by nobody."""

import csv
import io

import pytest
from django.db import DatabaseError, transaction
from django.urls import get_resolver

from readerstudy.access import services, writing
from readerstudy.access.models import Access
from readerstudy.access.verify import problems
from readerstudy.access.watching import PAGES, WORDS
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from tests import factories
from tests.accounts.test_permissions import client_of, guarded_patterns
from tests.once import made_once
from tests.pages import html
from tests.tampering import run


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    return study


@pytest.fixture(autouse=True)
def noted(settings, monkeypatch):
    """Things are noted; the tests write them, not a thread."""
    settings.ACCESS_LOG_SECONDS = 3600
    monkeypatch.setattr(writing, "_waiting", writing.Waiting())
    monkeypatch.setattr(writing, "_start", lambda own: None)


def client_as(study, role: str):
    return client_of(study.memberships.get(role=role).user)


def path(study, rest: str = "") -> str:
    return f"/studies/{study.slug}/{rest}"


def look(study) -> None:
    """A reader at slices of a pair; the admin at a picture's page, a table and pages."""
    reader, admin = client_as(study, "reader"), client_as(study, "admin")
    token = study.presentations.get(position=1).token
    for index in (0, 1, 1):
        assert reader.get(path(study, f"reading/{token}/frames/{index}/")).status_code == 200
    for rest in ("images/", "images/metrics.csv", "", "log/"):
        assert admin.get(path(study, rest)).status_code == 200, rest
    writing.write()


def test_every_name_is_one_of_an_address():
    known = {name for name, *_ in guarded_patterns(get_resolver())}
    assert PAGES.keys() | WORDS.keys() <= known


@pytest.mark.django_db
@pytest.mark.both_databases
def test_pictures_files_and_numbers_are_noted_once_for_what_was_seen_together(study):
    look(study)
    found = Access.objects.filter(study=study).order_by("pk").values_list("name", "kind", "address", "thing", "times")
    reader, admin = (study.memberships.get(role=role).user.username for role in ("reader", "admin"))
    assert list(found) == [
        (reader, "images", "frame", "R1-0001", 3),
        (admin, "numbers", "image_metrics", "", 1),
        (admin, "files", "metrics_csv", "", 1),
    ]
    assert list(problems(study)) == []


@pytest.mark.django_db
def test_what_is_refused_is_not_noted(study):
    token = study.presentations.get(position=1).token
    for role in ("admin", "analyst"):
        client_as(study, role).get(path(study, f"reading/{token}/frames/0/"))
        client_as(study, role).get(path(study, "results/all.zip"))
    client_as(study, "reader").get(path(study, "images/metrics.csv"))
    writing.write()
    assert not Access.objects.exists()


@pytest.mark.django_db
def test_noting_asks_the_database_nothing(study, settings, django_assert_num_queries):
    reader, token = client_as(study, "reader"), study.presentations.get(position=1).token
    asked = path(study, f"reading/{token}/frames/0/")
    reader.get(asked)
    with django_assert_num_queries(2):  # session and pair: tests/reading/test_frames.py
        reader.get(asked)


@pytest.mark.django_db
def test_it_is_searched_and_taken_as_a_table_of_the_same_lines(study):
    look(study)
    admin = client_as(study, "analyst")
    page = html(admin.get(path(study, "log/accesses/?thing=r1-")))
    assert "slices of a pair R1-0001" in page
    assert "table of image metrics" not in page
    answer = admin.get(path(study, "log/accesses/accesses.csv?kind=files"))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [(row["role"], row["kind"], row["what"]) for row in rows] == [("admin", "files", "table of image metrics")]
    assert admin.get(path(study, "log/accesses/?since=2000-01-01&until=2000-01-02")).status_code == 200
    assert "1 line" not in html(admin.get(path(study, "log/accesses/?until=2000-01-02")))
    assert admin.get(path(study, "log/accesses/?since=yesterday")).status_code == 422
    book = b"".join(admin.get(path(study, "log/accesses/codebook.csv"))).decode()
    assert rows[0].keys() == {line["column"] for line in csv.DictReader(io.StringIO(book))}


@pytest.mark.django_db
@pytest.mark.both_databases
def test_rows_are_only_added_and_a_change_or_a_gap_is_found(study):
    look(study)
    with pytest.raises(DatabaseError), transaction.atomic():
        Access.objects.update(name="somebody else")
    with pytest.raises(DatabaseError), transaction.atomic():
        Access.objects.all().delete()
    run("UPDATE access_access SET times = 1 WHERE address = 'frame'")
    [changed] = problems(study)
    assert "is not as it was written" in changed
    run("DELETE FROM access_access WHERE address = 'image_metrics'")
    assert [problem for problem in problems(study) if "are gone" in problem]


@pytest.mark.django_db
def test_what_cannot_be_written_waits_and_nothing_is_written_twice(study, monkeypatch):
    monkeypatch.setattr(writing, "AT_ONCE", 2)
    keep, calls = services.keep, []

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise DatabaseError
        keep(*arguments)

    monkeypatch.setattr(writing, "keep", failing)
    look(study)
    assert Access.objects.count() == 2
    look(study)
    assert sorted(Access.objects.values_list("times", flat=True)) == [1, 1, 2, 3, 3]
    assert list(problems(study)) == []


def test_a_fork_writes_under_a_number_of_its_own(monkeypatch):
    before = writing._own()
    monkeypatch.setattr(writing.os, "getpid", lambda: before.process + 1)
    assert writing._own().writer != before.writer
