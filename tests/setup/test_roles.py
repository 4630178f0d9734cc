"""PostgreSQL with two roles: what the application's may not do, and that the site lives with what it may."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import Server, make_roles, server
from tests.prepared import place

ROOT = Path(__file__).resolve().parents[2]
PREPARE = ("-m", "readerstudy.serving.prepare")
OPEN, CLOSED = "paired-mri-reading", "paired-mri-reading-2"
BEFORE = """
from itertools import count
from django.core.management import call_command
from django.db import connection
from readerstudy.accounts.models import User
from readerstudy.jobs import services
from readerstudy.protocol.services import move
from tests import factories
services.send = lambda job_id: None
factories.numbers = count(10 * User.objects.count())
"""
MAKE = """
for state in ("open", "closed"):
    study = factories.open_(factories.make_study(subjects=1))
    factories.read_pair(study.presentations.get(position=1))
move(study=study, to=state, actor=None)
"""
# From a new study to its lock; a finding's withdrawal, a correction, an account, a page.
LIFE = """
import uuid
from django.test import Client
from readerstudy.accounts.services import add_person
from readerstudy.reading.models import Finding
from readerstudy.reading.services import rate, report_finding, start, withdraw_finding
study = factories.open_(factories.make_study(subjects=1, title="Life"))
first, *others = study.presentations.select_related("study", "reader__user").order_by("position")
write = lambda pair: {"key": uuid.uuid4(), "on": factories.now(pair)}
report_finding(presentation=start(presentation=first), kind="loss", side="left", **write(first))
withdraw_finding(finding=Finding.objects.get(presentation=first), **write(first))
for pair in (first, *others):
    factories.read_pair(pair)
others[-1].refresh_from_db()
rate(presentation=others[-1], criterion=study.criteria.first(), score=5, status="rated", **write(others[-1]))
admin = study.memberships.get(role="admin").user
add_person(study=study, username="guest", role="analyst", new=True, actor=admin)
client = Client(headers={"host": "localhost"})
client.force_login(admin)
assert client.get(f"/studies/{study.slug}/log/").status_code == 200
for job in study.jobs.all():
    services.cancel(job=job)
for state in ("paused", "open", "closed", "locked"):
    study = move(study=study, to=state, actor=admin)
call_command("verify_audit")
"""
REMOVE = "SELECT audit_remove_study((SELECT id FROM protocol_readerstudy WHERE slug = '{slug}'))"
TOMBSTONE = (
    "INSERT INTO audit_tombstone (slug, number, sha256, reason, actor_name, at, data, mac, key) "
    "SELECT slug, {number}, audit_head.sha256, 'x', '', now(), '{{}}', 'x', 'x' FROM protocol_readerstudy "
    "JOIN audit_head ON study_id = protocol_readerstudy.id WHERE slug = '{slug}'"
)
# Rows of each model: of every study, and of all.
COUNT = """
import json
from readerstudy.audit.removal import rows_of_study
from readerstudy.protocol.models import ReaderStudy
def rows(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount
rows_of = {study.slug: {m._meta.label: rows(ids.format(study=study.pk)) for m, ids in rows_of_study()}
           for study in ReaderStudy.objects.exclude(title="Life")}
print(json.dumps(rows_of | {"all": {m._meta.label: m._base_manager.count() for m, _ in rows_of_study()}}))
"""
OWNERS = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
REMOVED = f"""
call_command("remove_study", "{CLOSED}", reason="The consent was for two years.")
call_command("verify_audit")
"""


@dataclass
class Site:
    """A site's settings, and the same database as a superuser sees it."""

    server: Server
    env: dict[str, str]
    superuser: str

    def python(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env | extra, capture_output=True, text=True, check=False)

    def does(self, *arguments: str) -> str:
        done = self.python(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def runs(self, code: str) -> str:
        return self.does("manage.py", "shell", "--no-imports", "-c", BEFORE + code)

    def sql(self, statement: str, *, role: str | None = None) -> list[tuple]:
        """Rows that a statement of the superuser finds, or of the role in that setting."""
        with psycopg.connect(self.env[role] if role else self.superuser, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with server() as running, tempfile.TemporaryDirectory() as var:
        env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        made = Site(running, env | make_roles(running) | {"READERSTUDY_VAR": var, "READERSTUDY_DEMO": "0"}, running.url)
        place(Path(var), only_static=True)
        made.does(*PREPARE)
        made.runs(MAKE)
        yield made


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET action = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event CASCADE",
        "UPDATE audit_tombstone SET reason = 'x'",
        "DELETE FROM audit_tombstone",
        "UPDATE reading_rating SET score = 5",
        "DELETE FROM reading_rating",
        "UPDATE reading_statement SET value = 'x'",
        "UPDATE reading_finding SET kind = 'creation'",
        "DELETE FROM reading_finding",
        "DELETE FROM reading_signature",
        "INSERT INTO audit_removal (id) VALUES (1)",
        "ALTER TABLE reading_rating DISABLE TRIGGER ALL",
        "ALTER TABLE reading_rating ADD COLUMN more text",
        "DROP TRIGGER audit_no_update ON reading_rating",
        "DROP TABLE reading_rating CASCADE",
        "CREATE TABLE audit_removal (id integer)",
        "CREATE TEMPORARY TABLE audit_tombstone (slug text)",
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "SET session_replication_role = replica",
        "SET ROLE readerstudy_owner",
        "GRANT DELETE ON reading_rating TO readerstudy_app; DELETE FROM reading_rating",
        "DELETE FROM django_migrations",
    ],
)
def test_the_applications_role_is_refused(site: Site, statement: str) -> None:
    with pytest.raises(psycopg.DatabaseError, match=r"permission denied|must be owner|does not exist"):
        site.sql(statement, role="DATABASE_URL")


def test_a_later_migration_leaves_no_table_open_to_the_application(site: Site) -> None:
    site.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO readerstudy_app")
    assert site.sql("UPDATE django_migrations SET name = name WHERE id = 0", role="DATABASE_URL") == []
    again = site.python(*PREPARE)
    assert again.returncode == 0
    assert "owns the tables" not in again.stderr
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.sql("UPDATE django_migrations SET name = name WHERE id = 0", role="DATABASE_URL")


@pytest.mark.parametrize("statement", ["UPDATE reading_rating SET score = 5", "TRUNCATE reading_rating CASCADE"])
def test_the_owner_is_stopped_by_the_triggers(site: Site, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        site.sql(statement, role="DATABASE_OWNER_URL")


def test_the_site_lives_with_the_rights_that_it_has(site: Site) -> None:
    assert "unbroken" in site.runs(LIFE)


def test_a_study_that_is_being_read_cannot_be_removed(site: Site) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="may not be removed"):
        site.sql(
            f"BEGIN; {TOMBSTONE.format(slug=OPEN, number='audit_head.number')}; {REMOVE.format(slug=OPEN)}; COMMIT",
            role="DATABASE_URL",
        )
    refused = site.python("manage.py", "remove_study", OPEN, "--reason", "It was a trial.")
    assert refused.returncode == 1
    assert "close it before" in refused.stderr


def test_the_function_wants_a_tombstone_that_names_the_end_of_the_log(site: Site) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="may not be removed"):
        site.sql(REMOVE.format(slug=CLOSED), role="DATABASE_URL")
    with pytest.raises(psycopg.errors.RaiseException, match="may not be removed"):
        site.sql(
            f"BEGIN; {TOMBSTONE.format(slug=CLOSED, number=1)}; {REMOVE.format(slug=CLOSED)}; COMMIT",
            role="DATABASE_URL",
        )


def test_no_tombstone_is_committed_while_its_study_lives(site: Site) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="lives"):
        site.sql(TOMBSTONE.format(slug=CLOSED, number="audit_head.number"), role="DATABASE_URL")


def test_a_closed_study_is_removed_with_everything_and_leaves_a_signed_tombstone(site: Site) -> None:
    said = site.runs(f"{COUNT}{REMOVED}{COUNT}")
    before, after = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert before[CLOSED]["reading.Rating"] == before[OPEN]["reading.Rating"] == 8
    expected = {name: count - before[CLOSED][name] for name, count in before["all"].items()}
    expected["jobs.Job"] += 1  # which erases the files
    assert after == {OPEN: before[OPEN], "all": expected}
    assert site.sql("SELECT slug, reason FROM audit_tombstone") == [(CLOSED, "The consent was for two years.")]


def test_without_an_owner_the_preparation_warns(site: Site) -> None:
    alone = site.python(*PREPARE, DATABASE_URL=site.superuser, DATABASE_OWNER_URL="")
    assert "owns the tables" in alone.stderr


def test_a_site_from_before_comes_over(site: Site) -> None:
    site.sql("CREATE DATABASE before TEMPLATE postgres")
    superuser = site.superuser.removesuffix("postgres") + "before"
    old = Site(site.server, site.env | {"DATABASE_URL": superuser, "DATABASE_OWNER_URL": ""}, superuser)
    old.sql("REASSIGN OWNED BY readerstudy_owner TO postgres; DROP OWNED BY readerstudy_app")
    site.sql("ALTER DATABASE postgres OWNER TO readerstudy_owner")  # it was reassigned too
    assert old.sql(OWNERS) == [("postgres",)]
    old.runs("factories.make_user('somebody')")
    new = Site(site.server, site.env | make_roles(site.server, database="before"), superuser)
    new.does(*PREPARE)
    new.runs("factories.make_user('somebody-else')")
    assert new.sql(OWNERS) == [("readerstudy_owner",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        new.sql("DELETE FROM audit_event", role="DATABASE_URL")


RESTORED = """
from tests.audit.test_restored import as_before
study = factories.open_(factories.make_study(subjects=2))
factories.read_pair(study.presentations.get(position=1))
as_before(study)
print(study.slug)
"""


def test_a_restored_study_is_sealed_by_the_owner_and_guarded_again(site: Site) -> None:
    superuser = Site(site.server, site.env | {"DATABASE_URL": site.superuser, "DATABASE_OWNER_URL": ""}, site.superuser)
    slug = superuser.runs(RESTORED).split()[-1]
    sealed = (
        f'call_command("seal_restored", "{slug}", reason="The disk broke.")\ncall_command("verify_audit", "{slug}")'
    )
    assert "declares that the database was restored" in site.runs(sealed)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.sql("UPDATE reading_rating SET score = 5", role="DATABASE_URL")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        site.sql("UPDATE reading_rating SET score = 5")
