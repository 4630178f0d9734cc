"""Everything `make test` checks, one step after the other: `python -m tests [--lint | --coverage | --proofs]`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg

from requirements.install import find_npm
from tests.covered import share_by_package
from tests.postgresql import postgresql
from tests.prepared import PREPARED, TEMPLATE

ROOT = Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0))
WORKERS = min(CORES + 1, 4)  # one more than cores: tests in a browser wait as much as they compute
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-n",
    str(WORKERS),
    "--dist",
    "loadscope",
    "--no-loadscope-reorder",  # tests/conftest.py says what comes first
    "--durations=10",
    "--durations-min=10",
]
# Whole sites that are used, killed, upgraded and restored, and benchmarks played small: `make test` is spared them.
PROOFS = (
    "tests/upgrade",
    "tests/archive/test_backup.py",
    "tests/audit/test_tampering_benchmark.py",
    "tests/browser/room/engines",
    "tests/browser/test_geometry.py",
    "tests/browser/test_whole_path.py",
    "tests/reading/test_under_fire.py",
    "tests/results/test_reproduce.py",
    "tests/results/test_streaming.py",
    "tests/setup/test_roles.py",
    "tests/setup/test_second_worker.py",
    "tests/setup/test_supervisor.py",
    "tests/setup/test_validation.py",
)
WITHOUT_PROOFS = [f"--ignore={path}" for path in PROOFS]
# What never meets a database, or starts a site with one of its own, is not even looked through.
WITHOUT_DATABASE = ("processing", "analysis", "setup", "browser")
ON_POSTGRESQL = ["-m", "both_databases", *(f"--ignore=tests/{name}" for name in WITHOUT_DATABASE)]
# A site elsewhere; and the wish for no bytecode, with which each of the many processes compiles its imports again.
NOT_HANDED_ON = {"DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE"}
DJANGOFMT = str(Path(sys.executable).with_name("djangofmt"))  # it has no module to run
JINJA = [DJANGOFMT, "--profile", "jinja"]
NPM, ENVIRONMENT = find_npm()


def npm(script: str) -> list[str]:
    """One of the scripts in frontend/package.json."""
    return [*NPM, "--prefix", "frontend", "run", "--silent", script]


LINT = {  # the longest first: they run side by side
    "mypy: types of science and site": [sys.executable, "-m", "mypy"],
    "eslint: the site's JavaScript": npm("lint"),
    "tsc: its types": npm("types"),
    "Django: no migration is missing": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "ruff: lint": [sys.executable, "-m", "ruff", "check"],
    "ruff: format": [sys.executable, "-m", "ruff", "format", "--check"],
    "djangofmt: format of templates": [DJANGOFMT, "--check", "templates"],
    "djangofmt: lint of templates": [DJANGOFMT, "check", "templates"],
    "djangofmt: format of the report's templates": [*JINJA, "--check", "analysis/report/templates"],
    "djangofmt: lint of the report's templates": [*JINJA, "check", "analysis/report/templates"],
    "lines of templates and stylesheets": [sys.executable, "-m", "tests.lines"],
    "import-linter: directions of the house": [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
    ],
}
BESIDE = {"Tests of the site's JavaScript": npm("test")}
PREPARE = [sys.executable, "-m", "readerstudy.serving.prepare"]
MIGRATE = [sys.executable, "manage.py", "migrate", "--verbosity=0"]


def side_by_side(commands: dict[str, list[str]], environment: dict[str, str]) -> Iterator[tuple[str, bool, float]]:
    """Name, whether it passed, and seconds of each, in order; as many at a time as there are cores."""

    def run(command: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
        began = time.monotonic()
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, **said)
        return done, time.monotonic() - began

    with ThreadPoolExecutor(CORES) as pool:
        for name, (done, seconds) in zip(commands, pool.map(run, commands.values()), strict=True):
            print(f"\n== {name}\n{done.stdout}", end="", flush=True)
            yield name, done.returncode == 0, seconds


def new_database(url: str, name: str) -> str:
    """The address of a new database on that server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url.rpartition('/')[0]}/{name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--lint", action="store_true", help="only the lint step")
    only.add_argument(
        "--coverage", action="store_true", help="only the tests on SQLite, and what share of lines they run"
    )
    only.add_argument("--proofs", action="store_true", help="only the proofs, which the rest leaves out")
    options = parser.parse_args()
    results: list[tuple[str, bool, float]] = []
    proofs, alone = options.proofs, options.lint or options.coverage
    # A folder of our own: the tests never meet the data of a site that runs from this checkout.
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="readerstudy-tests-"))
        (Path(var) / "static").mkdir()  # else every test client warns that it is not there
        environment = {key: value for key, value in ENVIRONMENT.items() if key not in NOT_HANDED_ON}
        environment |= {"READERSTUDY_VAR": var, "OMP_NUM_THREADS": "1"}

        first = {} if options.coverage or proofs else dict(LINT)
        if not options.lint:
            environment[PREPARED] = str(Path(var, "prepared"))
            Path(environment[PREPARED]).mkdir()
            own = [f"READERSTUDY_VAR={environment[PREPARED]}", "READERSTUDY_DEMO=0"]
            first["A new site, for tests to begin with"] = ["env", *own, *PREPARE]
        if not alone:
            url = stack.enter_context(postgresql())
            migrated = new_database(url, "migrated")
            first["The same on PostgreSQL"] = ["env", f"DATABASE_URL={migrated}", *MIGRATE]
        if not alone and not proofs:
            first |= BESIDE
        results += side_by_side(first, environment)

        def check(name: str, command: list[str], **extra: str) -> None:
            print(f"\n== {name}", flush=True)
            began = time.monotonic()
            code = subprocess.run(command, cwd=ROOT, env={**environment, **extra}, check=False).returncode
            results.append((name, code == 0, time.monotonic() - began))

        if options.coverage:
            report = Path(var, "coverage.json")
            command = [*PYTEST, "--cov", f"--cov-report=json:{report}"]
            check("Tests on SQLite", command, COVERAGE_FILE=str(Path(var, "coverage")))
            print("\nLines that tests run, but for those in processes of their own:")
            found = json.loads(report.read_text()) if report.exists() else {"files": {}}
            for package, share in share_by_package(found).items():
                print(f"{share:6.1%}  {package}")
        elif not options.lint:
            what, which = ("Proofs", PROOFS) if proofs else ("Tests", WITHOUT_PROOFS)
            check(f"{what} on SQLite", [*PYTEST, *which])
            on = {"DATABASE_URL": url, TEMPLATE: "migrated"}
            check(f"{what} on PostgreSQL", [*PYTEST, *ON_POSTGRESQL, *which], **on)
    print()
    for name, passed, seconds in results:
        print(f"{'passed' if passed else 'FAILED'} {seconds:7.1f} s  {name}")
    return 0 if all(passed for _, passed, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
