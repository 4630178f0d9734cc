"""Stream a million ratings as CSV from a scratch SQLite database.

    python -m benchmarks.export_million [--ratings 1000000]

One process fills the database, another one asks the view for ratings.csv and reads the stream to its end: seconds,
rows, bytes, time to the first byte, and the peak memory of that process, which is to stay below 1.5 GB.
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
    """Fill, stream, print, fail above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--step", choices=["fill", "stream"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _django()
        fill(options.ratings) if options.step == "fill" else stream()
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "READERSTUDY_VAR": folder, "READERSTUDY_DEMO": "0"}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "benchmarks.export_million", "--ratings", str(options.ratings), "--step"]
        subprocess.run([*command, "fill"], env=environment, check=True)
        said = subprocess.run([*command, "stream"], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(said.stdout.splitlines()[-1])
    print(
        f"{found['rows']:,} ratings, {found['bytes'] / 1e6:.0f} MB in {found['seconds']:.1f} s, first byte after "
        f"{found['first']:.2f} s; peak memory {found['peak'] / 1e9:.2f} GB (at most {LIMIT / 1e9:.1f})"
    )
    if found["peak"] > LIMIT or found["rows"] != options.ratings:
        sys.exit(1)


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


def stream() -> None:
    """Ask the view for ratings.csv as an admin and read it to the end; print what it took as JSON."""
    from django.test import Client

    from readerstudy.accounts.models import User
    from readerstudy.protocol.models import ReaderStudy

    client, study = Client(HTTP_HOST="127.0.0.1"), ReaderStudy.objects.get()
    client.force_login(User.objects.get(username="admin"), backend="readerstudy.accounts.backends.AccountBackend")
    client.get("/login/")  # load everything that a running site has loaded
    start, first, size, lines = time.perf_counter(), 0.0, 0, 0
    response = client.get(f"/studies/{study.slug}/results/tables/ratings.csv")
    for part in response.streaming_content:
        first = first or time.perf_counter() - start
        size += len(part)
        lines += part.count(b"\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds = time.perf_counter() - start
    print(json.dumps({"rows": lines - 1, "bytes": size, "seconds": seconds, "first": first, "peak": peak}))


if __name__ == "__main__":
    main()
