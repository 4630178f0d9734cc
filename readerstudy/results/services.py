"""Have a study's tables analysed, once per content, and log who looked and who took what."""

import csv
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from analysis import reading
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import ensure_sections_sealed, record
from readerstudy.images.analyses import analyse_images, analysed_once, read_table
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import ensure_whole
from readerstudy.results.exports import protocol_json, table_csv

SEED = 0  # of the analysis: the default of `python -m analysis reading`
SOURCES = (".py", ".css", ".html")
KEPT = ("results", "images", "scan-times", "stability")
FILES = ("ratings", "integrity", "findings", "series", "guesses", "metrics")


@dataclass(frozen=True)
class Results:
    """What the analysis made of the exported files. None where there is nothing to analyse.

    reading: JSON of `python -m analysis reading`; images: that of `python -m analysis integrity`; sha256: of all
    that went in; findings: rows of findings.csv on main pairs; range_rules: how the metrics took their intensity range.
    """

    reading: dict | None
    images: dict | None
    sha256: str
    findings: list[dict]
    range_rules: list[str]


def results(study: ReaderStudy) -> Results:
    """The analysis of the very files that are exported. Other files are analysed anew, and only of a study that holds:
    RecordError, and an alarm, if rows were changed behind the site's back."""
    files = {name: table_csv(study, name) for name in FILES} | {"protocol": protocol_json(study)}

    def make(files: dict[str, bytes]) -> dict:
        ensure_whole(study)
        return analyse(files)

    sha256, made = analysed_once(study, "results", files, make)
    return Results(sha256=sha256, **made)


def analyse(files: dict[str, bytes]) -> dict:
    """Read the exported files back as the command line does, and analyse them."""
    with tempfile.TemporaryDirectory() as folder:
        frames = {name: read_table(name, files[name], Path(folder)) for name in FILES if name != "metrics"}
    ratings = frames["ratings"]
    answers = {name: frames[name] for name in ("findings", "integrity", "series", "guesses")}
    made = {"reading": None, **analyse_images(files)}
    if ratings is not None and (ratings["kind"] == "main").any():
        made["reading"] = reading.analyse(ratings, protocol=json.loads(files["protocol"]), seed=SEED, **answers)
    shown = {row["presentation"] for row in _rows(files["integrity"]) if row["kind"] == "main"}
    return {**made, "findings": [row for row in _rows(files["findings"]) if row["presentation"] in shown]}


def _rows(content: bytes) -> csv.DictReader:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


@transaction.atomic
def note_seen(*, study: ReaderStudy, user: User) -> None:
    """Log the first time that this person sees the results: arms and preferences are then known to them. RecordError,
    and an alarm, if what a page of results shows beside the analysis was changed behind the site's back."""
    ensure_sections_sealed(study, "protocol", "memberships", "amendments", "schedule")
    if not Event.objects.filter(study=study, actor=user, action=Action.RESULTS_SEEN).exists():
        record(study=study, action=Action.RESULTS_SEEN, actor=user)
