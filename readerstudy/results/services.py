"""Have a study's tables analysed, once per content, and log who looked and who took what."""

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

import analysis
from analysis import image_metrics, reading, tables
from analysis import scan_times as scan_time_analysis
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.seals import everything
from readerstudy.audit.services import ensure_sealed, fault, record
from readerstudy.protocol.models import ReaderStudy, State
from readerstudy.reading import answers
from readerstudy.results.exports import protocol_json, table_csv

SEED = 0  # of the analysis: the default of `python -m analysis reading`
SOURCES = (".py", ".css", ".html")
KEPT = ("results", "images", "scan-times", "stability")
FILES = ("ratings", "integrity", "findings", "series", "guesses", "metrics")


@cache
def analysis_version() -> str:
    """SHA-256 of all that the analysis is made of: other code, other results."""
    digest = hashlib.sha256()
    room = Path(analysis.__file__).parent
    source = {str(path.relative_to(room)): path for path in room.rglob("*") if path.suffix in SOURCES}
    source |= {path.name: path for path in tables.SCHEMAS.glob("*.json")}
    for name, path in sorted(source.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


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

    sha256, made = _kept(study, "results", files, make)
    return Results(sha256=sha256, **made)


def images(study: ReaderStudy) -> dict:
    """The analysis of the image metrics alone, which may be seen in every state: `images` and `range_rules`."""
    files = {"metrics": table_csv(study, "metrics")}
    return _kept(study, "images", files, analyse_images)[1]


def scan_times(study: ReaderStudy) -> dict | None:
    """The analysis of series.csv: `python -m analysis scan-times`; None without an acquired series."""
    acquired = study.series.filter(active=True, made_from=None, case__subject__withdrawn_at=None)
    reference = acquired.filter(arm__acquisition="reference", arm__reconstruction="standard").first()
    if not acquired.exists():
        return None
    arm = reference.arm.code if reference else None
    files = {"series": table_csv(study, "series"), "reference": (arm or "").encode()}
    return _kept(study, "scan-times", files, lambda files: analyse_scan_times(files, reference=arm))[1]


def _kept(study: ReaderStudy, kind: str, files: dict[str, bytes], make: Callable[[dict], dict]) -> tuple[str, dict]:
    """What `make` says of the files, kept in a file named by the hash of what went in; that hash."""
    digest = hashlib.sha256(f"{analysis_version()} {SEED} of a record that holds".encode())
    for name, content in files.items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    folder = settings.VAR_DIR / kind
    path = folder / f"{study.slug}-{digest.hexdigest()}.json"
    if not path.exists():
        keep(path, make(files))
    return digest.hexdigest(), json.loads(path.read_text())


def keep(path: Path, made: dict) -> None:
    """Keep `made` in the file STUDY-HASH.json, whole or not at all, in the place of what was kept of this study."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(made))
    for old in path.parent.glob(f"{path.stem[:-65]}-{'?' * 64}.json"):
        old.unlink(missing_ok=True)
    draft.replace(path)


def forget(study: ReaderStudy) -> None:
    """Erase what is kept of earlier analyses: a subject in them was withdrawn. They are made again when asked for."""
    for kind in KEPT:
        for path in (settings.VAR_DIR / kind).glob(f"{study.slug}-{'?' * 64}.json"):
            path.unlink(missing_ok=True)


def analyse(files: dict[str, bytes]) -> dict:
    """Read the exported files back as the command line does, and analyse them."""
    with tempfile.TemporaryDirectory() as folder:
        frames = {name: _frame(name, files[name], Path(folder)) for name in FILES if name != "metrics"}
    ratings = frames["ratings"]
    answers = {name: frames[name] for name in ("findings", "integrity", "series", "guesses")}
    made = {"reading": None, **analyse_images(files)}
    if ratings is not None and (ratings["kind"] == "main").any():
        made["reading"] = reading.analyse(ratings, protocol=json.loads(files["protocol"]), seed=SEED, **answers)
    shown = {row["presentation"] for row in _rows(files["integrity"]) if row["kind"] == "main"}
    return {**made, "findings": [row for row in _rows(files["findings"]) if row["presentation"] in shown]}


def analyse_images(files: dict[str, bytes]) -> dict:
    """The same for metrics.csv alone: `images`, None without any, and `range_rules`."""
    with tempfile.TemporaryDirectory() as folder:
        metrics = _frame("metrics", files["metrics"], Path(folder))
    if metrics is None:
        return {"images": None, "range_rules": []}
    rules = sorted(metrics["range_rule"].dropna().astype(str).unique())
    return {"images": image_metrics.analyse(metrics), "range_rules": rules}


def analyse_scan_times(files: dict[str, bytes], *, reference: str | None) -> dict:
    """Scan times against the reference arm, as the command line has them."""
    with tempfile.TemporaryDirectory() as folder:
        return scan_time_analysis.analyse(_frame("series", files["series"], Path(folder)), reference=reference)


def _frame(name: str, content: bytes, folder: Path):
    """A table as the command line reads it; None without a row."""
    path = folder / f"{name}.csv"
    path.write_bytes(content)
    return getattr(tables, f"read_{name}")(path) if content.count(b"\n") > 1 else None


def _rows(content: bytes) -> csv.DictReader:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


def ensure_shown(study: ReaderStudy, *sections: str) -> None:
    """RecordError, and an alarm, if sealed rows of these sections, which a page shows, are not as the log said last."""
    with transaction.atomic():
        ensure_sealed(study=study, seals=[(name, None) for name in sections])


def ensure_whole(study: ReaderStudy) -> None:
    """The same of all sealed rows, and of all answers once reading is over: before it is, none of them leaves."""
    with transaction.atomic():
        ensure_sealed(study=study, seals=everything())
        if study.state in (State.CLOSED, State.LOCKED) and (problem := next(answers.problems(study), "")):
            raise fault(slug=study.slug, problem=problem.rstrip("."))


@transaction.atomic
def note_seen(*, study: ReaderStudy, user: User) -> None:
    """Log the first time that this person sees the results: arms and preferences are then known to them. RecordError,
    and an alarm, if what a page of results shows beside the analysis was changed behind the site's back."""
    ensure_shown(study, "protocol", "memberships", "amendments", "schedule")
    if not Event.objects.filter(study=study, actor=user, action=Action.RESULTS_SEEN).exists():
        record(study=study, action=Action.RESULTS_SEEN, actor=user)


@transaction.atomic
def note_export(*, study: ReaderStudy, user: User, file: str, **data) -> None:
    """Log that this person took this file away. RecordError, and an alarm, if anything in the study was changed behind
    the site's back."""
    ensure_whole(study)
    record(study=study, action=Action.RESULTS_EXPORTED, actor=user, file=file, **data)
