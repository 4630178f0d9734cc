"""What `verify_audit` finds of what an administrator of the database did to reader studies, on both databases.

    python -m benchmarks.tampering [--database SQLite|PostgreSQL] [--only WORDS]

Small studies are made through the site's own services. Each manipulation then meets a fresh copy of them: with every
right on the database, past the triggers, but without the site's secret key and without the files that the site keeps
outside the database. Where the manipulation says so, the site does its ordinary work once more. Then `verify_audit`
runs without a study. Every manipulation must be caught; where nothing was manipulated nothing may be said. Exit
status 1 if not.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import postgresql

if TYPE_CHECKING:
    from benchmarks.manipulations import Manipulation
    from benchmarks.tampered_study import Studies

ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Outcome:
    """How one manipulation ended, and in which words the site said so. A control manipulates nothing."""

    name: str
    control: bool
    caught: bool
    words: str

    def __str__(self) -> str:
        said = ("FALSE ALARM" if self.caught else "clean") if self.control else ("caught" if self.caught else "MISSED")
        return f"  {said:6}  {self.name}{': ' if self.words else ''}{self.words}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tampering", description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=DATABASES, action="append", help="both if not given")
    parser.add_argument("--only", default="", help="manipulations with these words in their name")
    parser.add_argument("--here", metavar="ADMINISTRATOR", help=argparse.SUPPRESS)  # the database of the settings
    asked = parser.parse_args(arguments)
    if asked.here:
        here(asked.here, asked.only)
        return 0
    outcomes = {name: on(name, asked.only) for name in asked.database or DATABASES}
    words, status = verdict(outcomes)
    print(words)
    return status


def verdict(outcomes: dict[str, list[Outcome]]) -> tuple[str, int]:
    """The last line, and the exit status: 0 if all of at least one was caught on each database, and no control."""
    sums, right = [], True
    for database, found in outcomes.items():
        tried = [one.caught for one in found if not one.control]
        sums.append(f"{sum(tried)} of {len(tried)} on {database}")
        right &= bool(tried) and all(tried) and not any(one.caught for one in found if one.control)
    return f"caught {', '.join(sums)}", 0 if right else 1


def on(database: str, only: str) -> list[Outcome]:
    """Everything on one database, in a process of its own; each outcome is printed as it comes."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="tampering-") as folder, served(database, folder) as (settings, place):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
        environment |= {"READERSTUDY_VAR": folder, "DJANGO_SETTINGS_MODULE": "readerstudy.settings", **settings}
        command = [sys.executable, "-m", "benchmarks.tampering", "--here", place, "--only", only]
        print(f"{database}:", flush=True)
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout or ():
                outcomes.append(Outcome(**json.loads(line)))
                print(outcomes[-1], flush=True)
    if child.returncode:
        raise RuntimeError(f"It came to no end on {database}; the reason stands above.")
    return outcomes


@contextmanager
def served(database: str, folder: str) -> Iterator[tuple[dict[str, str], str]]:
    """An empty database: the settings that a site has of it, and what an administrator needs to come in."""
    if database == "SQLite":
        yield {}, str(Path(folder) / "db.sqlite3")
        return
    with postgresql.server() as running:
        yield postgresql.make_roles(running), running.url


def here(place: str, only: str) -> None:
    """Make the studies in the database of the settings, and print one outcome a line, as JSON."""
    import django

    django.setup()
    logging.disable()  # alarms too: what is measured is what the check says
    from django.conf import settings
    from django.core.management import call_command

    from readerstudy.archive.store_mark import mark_new_store

    call_command("migrate", interactive=False, verbosity=0)
    mark_new_store()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from benchmarks import tampered_study
    from benchmarks.copies import copies
    from benchmarks.manipulations import CONTROLS, MANIPULATIONS, answers, jobs, log, meaning, passing  # noqa: F401

    studies = tampered_study.make()
    fresh = copies(place)
    for kind, control in ((CONTROLS, True), (MANIPULATIONS, False)):
        for one in kind:
            if only in one.name:
                with fresh() as copy:
                    print(json.dumps(asdict(outcome(one, control, copy, studies))), flush=True)


def outcome(one: Manipulation, control: bool, place: str, studies: Studies) -> Outcome:
    """Manipulate, then let the site look."""
    from django.test import override_settings

    from benchmarks.administrator import Administrator
    from benchmarks.manipulations import RefusedError, keys_from

    refused = ""
    with closing(Administrator(place)) as administrator:
        try:
            one.change(administrator, studies)
        except RefusedError as refusal:
            refused = f"the site refused to go on: {refusal}"
    with override_settings(**(keys_from(one.key) if one.key else {})):
        found = verify()
    words = [*found[:1], *([f"… {len(found) - 1} more"] if len(found) > 1 else []), *([refused] if refused else [])]
    return Outcome(one.name, control, bool(words), " · ".join(words))


def verify() -> list[str]:
    """What `verify_audit` complains of; [] if it is content."""
    from django.core.management import CommandError, call_command

    complaints = io.StringIO()
    try:
        call_command("verify_audit", stdout=io.StringIO(), stderr=complaints)
    except CommandError:
        return complaints.getvalue().strip().splitlines()
    return []


if __name__ == "__main__":
    sys.exit(main())
