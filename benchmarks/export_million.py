"""Take a million ratings away as CSV, workbook and zip from a scratch SQLite database.

    python -m benchmarks.export_million [--ratings 1000000] [--forms csv xlsx zip]

One process fills the database, one makes the results that workbook and zip need, as their job does, and one each does
what the job does that writes the file: seconds, bytes, and the peak memory of that process, which for those that write
is to stay below 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from itertools import islice, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readerstudy.protocol.models import ReaderStudy

READERS = 20
LIMIT = 1_500_000_000  # bytes


def main() -> None:
    """Fill, write, print, fail above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--forms", nargs="+", choices=["csv", "xlsx", "zip"], default=["csv", "xlsx", "zip"])
    parser.add_argument("--step", choices=["fill", "csv", "analyse", "xlsx", "zip"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _django()
        fill(options.ratings) if options.step == "fill" else work(options.step)
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "READERSTUDY_VAR": folder, "READERSTUDY_DEMO": "0"}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "benchmarks.export_million", "--ratings", str(options.ratings), "--step"]
        subprocess.run([*command, "fill"], env=environment, check=True)
        steps = [one for one in ("csv", "xlsx", "zip") if one in options.forms]
        if {"xlsx", "zip"} & set(steps):
            steps.insert(steps.count("csv"), "analyse")
        found = {one: _measured([*command, one], environment) for one in steps}
    for name, said in found.items():
        size = f"{said['bytes'] / 1e6:.0f} MB" if "bytes" in said else "results"
        print(f"{name}: {size} in {said['seconds']:.1f} s; peak memory {said['peak'] / 1e9:.2f} GB")
    too_much = [name for name, said in found.items() if said["peak"] > LIMIT and name != "analyse"]
    if too_much or found.get("csv", {"lines": 1 + options.ratings})["lines"] != 1 + options.ratings:
        sys.exit(f"More than {LIMIT / 1e9:.1f} GB: {', '.join(too_much) or 'none'}; or ratings are lost.")


def _measured(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(said.stdout.splitlines()[-1])


def work(step: str) -> None:
    """Do what the job of the results does, or the one that writes a file; print what it took as JSON."""
    from readerstudy.protocol.models import ReaderStudy
    from readerstudy.results import large_files, services

    study, start = ReaderStudy.objects.get(), time.perf_counter()
    if step == "analyse":
        services.make_results(study)
        size = {}
    else:
        form, key = "csv-ratings" if step == "csv" else step, "0" * 64
        size = {"bytes": large_files.write_and_keep(study, form, key, lambda share, doing: None)}
        if step == "csv":
            file, _ = large_files.written(study, form, key)
            size["lines"] = sum(1 for _ in file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**size, "seconds": time.perf_counter() - start, "peak": peak}))


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()


def fill(ratings: int, count: int = READERS, *, of: str = "") -> ReaderStudy:
    """A closed study with this many ratings (a multiple of its criteria) of so many readers, by bulk_create.

    of: begins the names of its people.
    """
    from django.core.management import call_command
    from django.utils import timezone

    from readerstudy.accounts.services import add_member
    from readerstudy.material.models import Case, Subject
    from readerstudy.protocol.models import ReaderStudy
    from readerstudy.protocol.services import create_study
    from readerstudy.reading.models import ActiveTime, Presentation, Rating
    from tests.factories import keep_all, log_as_is, make_user

    if not of:
        call_command("migrate", verbosity=0)
    study, now = (
        create_study(title="Million", user=make_user(f"{of}admin", staff=True), model_name="resunet"),
        timezone.now(),
    )
    for number in range(count):
        add_member(study=study, user=make_user(f"{of}reader-{number}"), role="reader")
    readers, comparisons = list(study.memberships.filter(role="reader")), list(study.comparisons.all())
    criteria = list(study.criteria.all())
    wanted = ratings // len(criteria)
    cases = -(-wanted // (len(readers) * len(comparisons)))
    site = study.sites.get()
    subjects = Subject.objects.bulk_create(Subject(study=study, site=site, code=f"S{n:05d}") for n in range(cases))
    made = Case.objects.bulk_create(
        Case(study=study, subject=one, code=f"{one.code}-L", region="lumbar", plane="sagittal", weighting="T2")
        for one in subjects
    )
    pairs = islice(enumerate(product(made, comparisons, readers), start=1), wanted)
    while chunk := list(islice(pairs, 5_000)):
        shown = Presentation.objects.bulk_create(
            Presentation(
                study=study,
                reader=reader,
                case=case,
                comparison=comparison,
                position=position,
                kind="main",
                first_side=("left", "right")[position % 2],
                state="confirmed",
                seconds=20,
                confirmed_at=now,
            )
            for position, (case, comparison, reader) in chunk
        )
        keep_all(
            [
                Rating(
                    presentation=one,
                    criterion=criterion,
                    revision=1,
                    score=1 + (one.position + place) % 5,
                    status="rated",
                    key=uuid.uuid4(),
                    rated_at=now,
                )
                for one in shown
                for place, criterion in enumerate(criteria)
            ]
            + [ActiveTime(presentation=one, seconds=20, key=uuid.uuid4(), reported_at=now) for one in shown]
        )
    said = {"state": "closed", "opened_at": now, "closed_at": now, "schedule_sha256": "0" * 64}
    ReaderStudy.objects.filter(pk=study.pk).update(**said)
    log_as_is(study)
    return study


if __name__ == "__main__":
    main()
