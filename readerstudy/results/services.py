"""Have a study's tables analysed, by a job where ratings are many; keep that; log who looked."""

import csv
import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from analysis import reading
from readerstudy.accounts.models import User
from readerstudy.audit.actions import AFTER_LOCKING, Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import RecordError, ensure_sections_sealed, record
from readerstudy.images.analyses import (
    SEED,
    analyse_images,
    erase_analyses,
    files_sha256,
    read_table,
    store_analysis,
    stored_analysis,
)
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
from readerstudy.reading.whole_record import ensure_whole
from readerstudy.results.exports import protocol_json, table_csv
from readerstudy.states import State

ANALYSE = "results.analyse"
AT_ONCE = 500  # ratings of a small study, which a request analyses itself; more is a job's work
VERIFIED_FOR = 15 * 60  # seconds for which a page shows what is kept without asking whether the record still holds
# Lines of the log after which the results are what they were.
NO_MATTER = AFTER_LOCKING | {Action.READING_SIGNED, Action.RADIOMIC_SETTINGS_CHANGED, Action.FEATURES_COMPUTED}
FILES = ("ratings", "integrity", "findings", "series", "guesses", "metrics")
Report = Callable[[float, str], None]


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


def _to_nobody(share: float, doing: str) -> None:
    """A report that nobody waits for."""


def _is_small(study: ReaderStudy) -> bool:
    return not Rating.objects.filter(presentation__study=study)[AT_ONCE : AT_ONCE + 1].exists()


def _files(study: ReaderStudy) -> dict[str, bytes]:
    """The very files that are exported, and analysed."""
    return {name: table_csv(study, name) for name in FILES} | {"protocol": protocol_json(study)}


def results_key(study: ReaderStudy) -> str:
    """What results depend on, as one hash, with the analysis: the files that are analysed, of a small study; else the
    protocol and the last line of the log that tells of a change in them, so that no table is written for a page."""
    if _is_small(study):
        return files_sha256(_files(study))
    last = study.events.exclude(action__in=NO_MATTER).order_by("-number").values_list("sha256", flat=True).first()
    return files_sha256({"protocol": protocol_json(study), "last change": (last or "").encode()})


def results_or_job(study: ReaderStudy) -> Results | Job:
    """The results, or the job that makes them. Those of a small study are made at once: RecordError, and an alarm, if
    rows were changed behind the site's back.

    What is kept came from a record that held. Where that was seen long ago, a job verifies the record again: if it does
    not hold any more, nothing is kept.
    """
    key = results_key(study)
    if made := _kept_results(study, key):
        if not _is_small(study) and time.time() - _path(study, key).stat().st_mtime > VERIFIED_FOR:
            _verify_again(study, key)
        return made
    if _is_small(study):
        return make_results(study)
    job = request_results(study, key)
    if job.state == Job.State.DONE:  # just now; or its file was lost, or lies where only the worker sees it
        return results(study)
    return job


def results(study: ReaderStudy) -> Results:
    """The results, made now if nothing that is kept fits."""
    return _kept_results(study, results_key(study)) or make_results(study)


def request_results(study: ReaderStudy, key: str) -> Job:
    """Ask for the job that verifies the record and makes the results under this key."""
    job, _ = request_job(function=ANALYSE, study=study, label="Results", parameters={"key": key}, inputs={"key": key})
    return job


def _verify_again(study: ReaderStudy, key: str) -> None:
    """Ask for that job once more, if it is not on its way."""
    job = request_results(study, key)
    if Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()[0]:
        request_results(study, key)


def request_on_closing(study: ReaderStudy, **_: object) -> None:
    """A study moved to another state: one that was closed will be looked at."""
    if study.state == State.CLOSED:
        request_results(study, results_key(study))


def make_results(study: ReaderStudy, report: Report = _to_nobody) -> Results:
    """Verify the whole record; analyse the very files that are exported, unless that is kept, and keep it.

    RecordError, an alarm, and nothing is kept any more, if rows were changed behind the site's back. report: told how
    far that is.
    """
    report(0.05, "verifying the record")
    try:
        ensure_whole(study)
    except RecordError:
        erase_analyses(study)
        raise
    key = results_key(study)
    if kept := _kept_results(study, key):
        _path(study, key).touch()
        return kept
    report(0.3, "writing tables")
    files = _files(study)
    report(0.4, "analysing")
    made = {"sha256": files_sha256(files), **analyse(files)}
    store_analysis(_path(study, key), made)
    return Results(**json.loads(json.dumps(made)))  # as they are kept


def _kept_results(study: ReaderStudy, key: str) -> Results | None:
    made = stored_analysis(_path(study, key))
    return None if made is None else Results(**made)


def _path(study: ReaderStudy, key: str) -> Path:
    return settings.VAR_DIR / "results" / f"{study.slug}-{key}.json"


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
    ensure_sections_sealed(study, "protocol", "memberships", "amendments")
    if not Event.objects.filter(study=study, actor=user, action=Action.RESULTS_SEEN).exists():
        record(study=study, action=Action.RESULTS_SEEN, actor=user)
