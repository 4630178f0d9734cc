"""Which code this process runs, and which the database was brought up to date for.

While a site is renewed, a worker of the release before still runs: it would do new jobs in the old way, and store what
the new code does not expect. It takes none until it is started again.
"""

import hashlib
from functools import cache
from pathlib import Path

from django.db.models.functions import Now

from readerstudy.jobs.models import Release

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("readerstudy", "processing", "analysis")


@cache
def running() -> str:
    """SHA-256 over the sources that this process was started with: asked for first when it starts."""
    total = hashlib.sha256()
    for file in sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        total.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def note(**_: object) -> None:
    """The tables have been brought up to date by this code."""
    Release.objects.update_or_create(pk=1, defaults={"code": running(), "at": Now()})


def problem() -> str:
    """Why this process must take no jobs, in a sentence; "" where it runs the site's code."""
    known = Release.objects.filter(pk=1).values_list("code", flat=True).first()
    if known == running():
        return ""
    return (
        f"This worker runs another version of the code ({running()[:12]}) than the site ({(known or 'none')[:12]}). "
        "Start it again; if that does not help, run `python -m readerstudy.serving.prepare`."
    )
