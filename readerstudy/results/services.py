"""Have a study's tables analysed, once per content, and log who looked and who took what."""

import csv
import hashlib
import io
import json
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

import analysis
from analysis import integrity as image_metrics
from analysis import reading, tables
from readerstudy.accounts.models import User
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results.exports import protocol_json, table_csv

SEED = 0  # of the analysis: the default of `python -m analysis reading`
SEEN = "results seen"
FILES = ("ratings", "integrity", "findings", "series", "metrics")


@cache
def analysis_version() -> str:
    """SHA-256 of the analysis' source and schemas: other code, other cache."""
    digest = hashlib.sha256()
    for path in sorted([*Path(analysis.__file__).parent.glob("*.py"), *tables.SCHEMAS.glob("*.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
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
    """The analysis of the very files that are exported, kept in a file named by the hash of what went in."""
    files = {name: table_csv(study, name) for name in FILES}
    files["protocol"] = protocol_json(study)
    digest = hashlib.sha256(f"{analysis_version()} {SEED}".encode())
    for name, content in files.items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    folder = settings.VAR_DIR / "results"
    path = folder / f"{study.slug}-{digest.hexdigest()}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = analyse(files)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(made))
        for old in folder.glob(f"{study.slug}-{'?' * 64}.json"):
            old.unlink(missing_ok=True)
        draft.replace(path)
    return Results(sha256=digest.hexdigest(), **json.loads(path.read_text()))


def analyse(files: dict[str, bytes]) -> dict:
    """Read the exported files back as the command line does, and analyse them."""
    with tempfile.TemporaryDirectory() as folder:
        frames = {}
        for name in FILES:
            path = Path(folder) / f"{name}.csv"
            path.write_bytes(files[name])
            frames[name] = getattr(tables, f"read_{name}")(path) if files[name].count(b"\n") > 1 else None
    ratings, metrics = frames["ratings"], frames["metrics"]
    answers = {name: frames[name] for name in ("findings", "integrity", "series")}
    made = {"reading": None, "images": None, "range_rules": []}
    if ratings is not None and (ratings["kind"] == "main").any():
        made["reading"] = reading.analyse(ratings, protocol=json.loads(files["protocol"]), seed=SEED, **answers)
    if metrics is not None:
        made["images"] = image_metrics.analyse(metrics)
        made["range_rules"] = sorted(metrics["range_rule"].dropna().astype(str).unique())
    shown = {row["presentation"] for row in _rows(files["integrity"]) if row["kind"] == "main"}
    return {**made, "findings": [row for row in _rows(files["findings"]) if row["presentation"] in shown]}


def _rows(content: bytes) -> csv.DictReader:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


def note_seen(*, study: ReaderStudy, user: User) -> None:
    """Log the first time that this person sees the results: arms and preferences are then known to them."""
    if not Event.objects.filter(study=study, actor=user, action=SEEN).exists():
        record(study=study, action=SEEN, actor=user)


def note_export(*, study: ReaderStudy, user: User, file: str, **data) -> None:
    """Log that this person took this file away."""
    record(study=study, action="results exported", actor=user, file=file, **data)
