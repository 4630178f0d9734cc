"""What opening a study costs: CPU seconds per pair of 512 × 512 × 30, none of which is prepared.

    python -m benchmarks.opening [--cases 2] [--size 512] [--slices 30]

The opening job itself runs, in this process, on a site of its own (SQLite and archive in a temporary folder): series
are read from the archive, put on one grid, encoded in both orders, stored; then the schedule is made and the study
opens. Opened a second time, with every pair there, it only checks their hashes. Exit status 1 above 2 s per pair.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

LIMIT = 2.0  # CPU seconds per pair


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opening", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=30)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="opening-") as folder:
        os.environ |= {"READERSTUDY_VAR": folder, "DJANGO_SETTINGS_MODULE": "readerstudy.settings"}
        os.environ.pop("DATABASE_URL", None)
        return measure(asked)


def measure(asked: argparse.Namespace) -> int:
    """Make a study, open it, tell what it took."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from readerstudy.archive import store_mark
    from readerstudy.jobs import services
    from readerstudy.jobs.tasks import run_job
    from readerstudy.protocol.models import ReaderStudy
    from readerstudy.reading.opening import request_opening
    from tests import factories, pixels

    services.send = lambda job_id: None  # no queue here
    store_mark.mark_new_store()
    study = factories.make_study(subjects=0, readers=3, title="Opening")
    study.arms.update(made_from=None, model_name="")
    factories.log_as_is(study)
    shape = (asked.slices, asked.size, asked.size)
    for case in range(asked.cases):
        for number, (arm, noise) in enumerate(pixels.NOISE.items()):
            volume = pixels.volume(noise, 10 * case + number, shape)
            factories.place_pixels(study, arm, volume, subject=f"S{case:02d}")
    admin = study.memberships.get(role="admin").user
    pairs = asked.cases * study.comparisons.count()
    seconds = []
    for _ in range(2):
        study = ReaderStudy.objects.get(pk=study.pk)
        job = request_opening(study=study, actor=admin)
        cpu, clock = time.process_time(), time.perf_counter()
        run_job(job.pk)
        seconds.append(((time.process_time() - cpu) / pairs, (time.perf_counter() - clock) / pairs))
        job.refresh_from_db()
        if job.state != "done":
            print(job.error, file=sys.stderr)
            return 1
        study.presentations.all().delete()
        ReaderStudy.objects.filter(pk=study.pk).update(state="draft", min_distance=study.min_distance + 1)
        factories.log_as_is(study)
    (cpu, clock), (again, _) = seconds
    print(f"{pairs} pairs of {asked.size} × {asked.size} × {asked.slices}")
    print(f"prepared and opened {cpu:.2f} s CPU per pair ({clock:.2f} s on the clock)")
    print(f"checked and opened  {again:.2f} s CPU per pair")
    return 0 if cpu <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
