"""A site of version 0.1.0 becomes one of the present: nothing is called tampered with, lost, or asked for again.

The fixture is made by `make_fixture`. On the database under test it is unpacked, migrated and used once, in a process
of its own (`present`); the tests look at what came of it. What the migrations make of a record that was tampered with
is the same code on every database, and is tried on SQLite.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.upgrade.make_fixture import PACKED, ROOT, SHARED

pytestmark = pytest.mark.slow
URL = os.environ.get("DATABASE_URL", "")
DATABASE = "postgresql" if URL else "sqlite"
STEPS = ("migrate", "record", "verify", "protocols", "jobs", "pages", "ask", "again", "read", "sort", "after")


@dataclass
class Fixture:
    """The site as its version left it, unpacked in a folder; on PostgreSQL in a database of its own."""

    var: Path
    url: str

    def change(self, *statements: str) -> None:
        """Change the database as somebody would who has it in hand: no trigger is in the way."""
        if self.url:
            with psycopg.connect(self.url) as connection:
                connection.execute("SET session_replication_role = replica")
                for statement in statements:
                    connection.execute(statement)
            return
        with closing(sqlite3.connect(self.var / "db.sqlite3", isolation_level=None)) as connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                connection.execute(statement)

    def run(self, *steps: str) -> subprocess.CompletedProcess:
        own = {"READERSTUDY_VAR": str(self.var)} | ({"DATABASE_URL": self.url} if self.url else {})
        return subprocess.run(
            [sys.executable, "-m", "tests.upgrade.present", *steps],
            cwd=ROOT,
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )

    def after(self, *steps: str) -> dict:
        """What came of each step."""
        done = self.run(*steps)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def unpack(tmp_path_factory: pytest.TempPathFactory):
    """Makes a Fixture, as often as it is called."""
    packed, made = tmp_path_factory.mktemp("packed"), []
    with tarfile.open(PACKED) as archive:
        archive.extractall(packed, filter="data")

    def one() -> Fixture:
        var = tmp_path_factory.mktemp("upgrade") / "var"
        shutil.copytree(packed / DATABASE, var)
        for name in SHARED:
            copy = shutil.copytree if (packed / name).is_dir() else shutil.copy2
            copy(packed / name, var / name)
        if not URL:
            return Fixture(var, "")
        name = f"upgrade_{uuid4().hex}"
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append(name)
        url = URL.rpartition("/")[0] + f"/{name}"
        with psycopg.connect(url) as connection:
            connection.execute((var / "dump.sql").read_text())
        return Fixture(var, url)

    yield one
    for name in made:
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def unpack_migrated(unpack, tmp_path_factory: pytest.TempPathFactory):
    """The same on SQLite, migrated: once for all that go on from there."""
    migrated = unpack()
    migrated.after("migrate")

    def one() -> Fixture:
        var = tmp_path_factory.mktemp("migrated") / "var"
        shutil.copytree(migrated.var, var)
        return Fixture(var, "")

    return one


@pytest.fixture(scope="module")
def upgraded(unpack) -> dict:
    return unpack().after(*STEPS)


@pytest.mark.both_databases
def test_the_migrations_run_and_the_log_the_answers_and_the_schedules_verify(upgraded):
    code, said = upgraded["migrate"]
    assert code == 0, said
    assert {name: code for name, (code, _) in upgraded["verify"].items()} == {"audit": 0, "locked": 0, "open": 0}, (
        upgraded["verify"]
    )


@pytest.mark.both_databases
def test_lines_and_answers_from_before_are_sealed_once_where_the_old_record_verifies(upgraded):
    for slug, lines in (("locked", 58), ("open", 40), ("draft", 15)):
        assert upgraded["record"][slug] == {
            "last": "sealed by upgrade",
            "unsigned": 0,
            "outside": lines,
            "refused": "",
            "alarms": [],
        }


@pytest.mark.both_databases
def test_studies_opened_before_keep_their_test_and_their_hash_and_drafts_take_the_exact_one(upgraded):
    before = ["cluster_sign_flip", "cluster_sign_flip", True]
    drafted = ["cluster_permutation", "cluster_permutation", False]
    assert upgraded["protocols"] == {"locked": before, "open": before, "draft": drafted}


@pytest.mark.both_databases
def test_every_page_opens_and_so_do_the_results_of_the_locked_study(upgraded):
    opened = upgraded["pages"]
    printed = {"/studies/locked/results/report.pdf": 409}  # a job prints it; until then its page says how far it is
    assert {path: status for path, status in opened.items() if status != 200} == printed
    for page in ("locked/results/", "locked/results/all.zip", "open/reading/room/", "draft/material/", "draft/jobs/"):
        assert f"/studies/{page}" in opened
    assert len(opened) > 150


@pytest.mark.both_databases
def test_outputs_of_the_version_before_are_called_outdated_and_made_again_in_the_draft_alone(upgraded):
    rows = {"locked done": 33, "open done": 41, "draft done": 11, "draft waiting": 1}
    outdated = ["locked", "open", "draft"]
    assert upgraded["jobs"] == {"rows": rows, "outdated": outdated}
    assert upgraded["again"] == {"rows": rows | {"draft waiting": 3, "locked waiting": 1}, "outdated": outdated}


@pytest.mark.both_databases
def test_a_list_goes_on_where_it_was_left_to_its_end(upgraded):
    read = upgraded["read"]
    assert read["found"]["first-reader"] == {
        "confirmed": 4,
        "scores": [2, 4, 4],
        "integrity": "findings",
        "findings": 1,
        "comment": "Blurred at the edge.",
    }
    assert read["states"] == {
        "first-reader confirmed": 11,
        "first-reader void": 4,
        "second-reader scheduled": 11,
        "second-reader void": 3,
        "third-reader confirmed": 10,
        "third-reader void": 5,
    }
    assert read["signed"] == ["first-reader", "third-reader"]


@pytest.mark.both_databases
def test_what_waits_in_the_quarantine_is_sorted_and_placed(upgraded):
    sort = upgraded["sort"]
    assert (sort["job"], sort["upload"], sort["left"]) == (["done", ""], "sorted", 0)
    assert (sort["placed"], sort["problems"], sort["cases"]) == (4, [], 3)
    assert sort["asked"]["material.enhance"] == 4 + 2  # of them two made by the version before


@pytest.mark.both_databases
def test_what_was_done_since_verifies_too(upgraded):
    assert [said for code, said in upgraded["after"].values() if code] == []


CONFIRMED = "SELECT id FROM reading_presentation WHERE state = 'confirmed' AND study_id IN (SELECT id FROM "
CONFIRMED += "protocol_readerstudy WHERE slug = '{}')"


@pytest.mark.both_databases
def test_an_answer_changed_before_the_upgrade_is_found_after_it(unpack):
    """In the open study one that was given after the pair was confirmed."""
    fixture = unpack()
    for study, which in (("locked", "min"), ("open", "max")):
        one = f"SELECT {which}(id) FROM reading_rating WHERE presentation_id IN ({CONFIRMED.format(study)})"
        fixture.change(f"UPDATE reading_rating SET score = score % 5 + 1 WHERE id = ({one})")
    code, said = fixture.after("migrate", "verify")["verify"]["audit"]
    assert code == 1
    for study in ("locked", "open"):
        assert re.search(rf"^{study}: .* pair R1-\d{{4}}", said, re.M), said


CHANGES = [
    [
        ("open", "UPDATE audit_event SET action = 'x' WHERE number = 4 AND study_id = {study}", "Event 4 was changed"),
        ("locked", "UPDATE results_metric SET value = 1 WHERE study_id = {study}", "Metric: rows were changed"),
    ],
    [("open", "DELETE FROM audit_event WHERE number > 30 AND study_id = {study}", "the last ones were removed")],
    [
        (
            "open",
            f"UPDATE reading_rating SET score = score % 5 + 1 WHERE presentation_id IN ({CONFIRMED.format('open')})",
            "The answers on",
        )
    ],
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: ", ".join(why for *_, why in changes))
def test_a_record_that_does_not_verify_is_not_sealed_and_takes_no_line_but_others_do(unpack, changes):
    fixture = unpack()
    fixture.change(
        *(
            sql.replace("{study}", f"(SELECT id FROM protocol_readerstudy WHERE slug = '{slug}')")
            for slug, sql, _ in changes
        )
    )
    made = fixture.after("migrate", "record", "verify")
    for slug, _, why in changes:
        found = made["record"].pop(slug)
        assert found["unsigned"] > 0
        assert found["outside"] == 0
        assert "does not hold" in found["refused"]
        assert any("Not sealed by the upgrade" in alarm and why in alarm for alarm in found["alarms"])
    assert {one["refused"] for one in made["record"].values()} == {""}
    code, said = made["verify"]["audit"]
    assert code == 1
    assert {line.partition(":")[0] for line in said.splitlines() if "unbroken" not in line} <= {
        *(slug for slug, *_ in changes),
        "Something was changed. See above.",
    }


def test_macs_that_were_taken_away_are_not_given_again_by_a_second_upgrade(unpack_migrated):
    fixture = unpack_migrated()
    fixture.change(
        "UPDATE audit_event SET mac = '', \"key\" = ''",
        "UPDATE reading_rating SET score = 1, mac = '', number = 0 WHERE score IS NOT NULL",
        "DELETE FROM reading_answerhead",
        "DELETE FROM audit_sealed",
        "DROP INDEX event_action",  # of the migrations after it
        "ALTER TABLE audit_tombstone DROP COLUMN data",
        "DELETE FROM django_migrations WHERE app = 'audit' AND name >= '0004_seal'",
    )
    made = fixture.after("migrate", "record", "verify")
    assert made["verify"]["audit"][0] == 1
    for found in made["record"].values():
        assert found["refused"]
        assert "stand outside the database already" in found["alarms"][-1]


def test_a_site_restored_from_before_the_upgrade_with_its_heads_goes_on_once_that_is_declared(unpack, unpack_migrated):
    before, fixture = unpack_migrated(), unpack()
    before.after("record")
    shutil.copytree(before.var / "heads", fixture.var / "heads")
    made = fixture.after("migrate", "record", "restored", "verify", "read", "sort", "after")
    for slug, found in made["record"].items():
        assert f"`manage.py seal_restored {slug} --reason WHY`" in found["alarms"][-1]
    assert [code for code, _ in made["restored"].values()] == [0, 0, 0]
    assert made["verify"]["audit"][0] == made["after"]["audit"][0] == 0
    assert made["verify"]["audit"][1].count("The disk broke. Outside the database its log ended with event") == 3
    assert made["sort"]["job"] == ["done", ""]


def test_work_and_outputs_under_other_names_would_be_noticed(unpack):
    fixture = unpack()
    fixture.change(
        "UPDATE jobs_job SET function = 'intake.arrange' WHERE state = 'waiting'",
        "UPDATE jobs_job SET key = id WHERE function IN ('reading.prepare', 'results.radiomics')",
        "UPDATE material_series SET model_sha256 = model_name WHERE made_from_id IS NOT NULL",
    )
    made = fixture.after("migrate", "ask", "jobs", "sort")
    rows = made["jobs"]["rows"]
    assert made["jobs"]["outdated"] == ["locked", "open", "draft"]
    assert [rows.get(f"{study} waiting", 0) for study in ("locked", "open", "draft")] == [4, 0, 4]
    assert made["sort"]["job"][0] == "failed"


@pytest.mark.both_databases
def test_a_table_that_lost_its_name_would_be_noticed(unpack):
    fixture = unpack()
    fixture.change("ALTER TABLE results_metric RENAME TO results_measure")
    done = fixture.run("migrate", "verify")
    assert done.returncode != 0
    assert "results_metric" in done.stderr
