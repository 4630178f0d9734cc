"""Have a study's tables analysed, by a job where ratings are many; keep that; log who looked."""

import csv
import io
import json
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from analysis import reading, tables
from analysis.errors import InputError
from analysis.signature import examples
from readerstudy.accounts.models import User
from readerstudy.audit.actions import AFTER_LOCKING, Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import RecordError, ensure_sections_sealed, record
from readerstudy.images import in_volumes, signatures, stability
from readerstudy.images.analyses import (
    analyse_images,
    erase_analyses,
    files_sha256,
    name_of,
    read_table,
    scan_times,
    store_analysis,
    stored_analysis,
)
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job, retry
from readerstudy.material.selectors import simulation_note
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
from readerstudy.reading.whole_record import ensure_whole
from readerstudy.results.commands import OF_READINGS, SIGNATURE
from readerstudy.results.exports import protocol_json, table_csv, tables_csv
from readerstudy.results.kinds import ANALYSE
from readerstudy.results.tables import ratings_if_few

logger = logging.getLogger(__name__)
AT_ONCE = 500  # ratings of a small study, which a request analyses itself; more is a job's work
VERIFIED_FOR = timedelta(minutes=15)  # a page shows what is kept so long without asking if the record still holds
# Lines of the log after which the results are what they were.
NO_MATTER = AFTER_LOCKING | {
    Action.READING_SIGNED,
    Action.SCREENING_LOG_CHANGED,
    Action.SITE_LIST_CHANGED,
    Action.TABLE_IMPORTED,
    Action.TABLE_REMOVED,
    Action.RADIOMIC_SETTINGS_CHANGED,
    Action.STABILITY_CRITERIA_CHANGED,
    Action.FEATURES_COMPUTED,
    Action.VOLUMES_MEASURED,
    Action.VOLUME_OF_INTEREST_ADDED,
    Action.VOLUME_OF_INTEREST_CALLED_BACK,
    Action.VOLUME_OF_INTEREST_DRAWN,
    Action.VOLUME_OF_INTEREST_LOOKED_AT,
    Action.VOLUME_OF_INTEREST_REMOVED,
}
FILES = ("ratings", "integrity", "findings", "series", "guesses", "display_checks", "metrics")
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Results:
    """What the analysis made of the exported files. None where there is nothing to analyse.

    reading: JSON of `python -m analysis reading`; images: that of `python -m analysis integrity`; sha256: of all
    that went in; findings: rows of findings.csv on main pairs; range_rules: how the metrics took their intensity range;
    simulated: which arms nobody acquired, in a sentence.
    """

    reading: dict | None
    images: dict | None
    sha256: str
    findings: list[dict]
    range_rules: list[str]
    simulated: str


def _to_nobody(share: float, doing: str) -> None:
    """A report that nobody waits for."""


def _few(study: ReaderStudy) -> list | None:
    """The ratings of a small study; None of another one."""
    return ratings_if_few(study, AT_ONCE)


def ratings_count(study: ReaderStudy) -> int:
    """How many answers were given to criteria, every revision counted."""
    return Rating.objects.filter(presentation__study=study).count()


def _files(study: ReaderStudy, few: list | None = None) -> dict[str, bytes]:
    """The very files that are exported, and analysed."""
    tables = {name: table_csv(study, name) for name in FILES} if few is None else tables_csv(study, FILES, few)
    return tables | {"protocol": protocol_json(study)}


def results_key(study: ReaderStudy) -> str:
    """What results depend on, as one hash, with the analysis: the files that are analysed, of a small study; else the
    protocol and the last line of the log that tells of a change in them, so that no table is written for a page."""
    return _key_and_files(study, _few(study))[0]


def _key_and_files(study: ReaderStudy, few: list | None) -> tuple[str, dict[str, bytes]]:
    """The key, and the files if they were written for it. few: the ratings of a small study."""
    if few is not None:
        return files_sha256(files := _files(study, few)), files
    last = study.events.exclude(action__in=NO_MATTER).order_by("-number").values_list("sha256", flat=True).first()
    return files_sha256({"protocol": protocol_json(study), "last change": (last or "").encode()}), {}


def results_or_job(study: ReaderStudy) -> Results | Job:
    """The results, or the job that makes them. Those of a small study are made at once: RecordError, and an alarm, if
    rows were changed behind the site's back.

    What is kept came from a record that held. Where that was seen long ago, the job verifies the record again: what is
    kept is shown meanwhile, but not if the job fails or does not come to its end.
    """
    few = _few(study)
    key, _ = _key_and_files(study, few)
    made = _kept_results(study, key)
    if few is not None:
        return made or make_results(study, must_be_kept=False)
    job = _current_job(study, key)
    if made is None:
        # Made just now, and not to be seen here: it lies where only the worker sees it.
        return make_results(study, must_be_kept=False) if job.state == Job.State.DONE else job
    if job.state == Job.State.CANCELLED and retry(job=job):
        job.refresh_from_db()
    if job.state == Job.State.FAILED:
        erase_analyses(study)
    return job if job.state == Job.State.FAILED or _is_overdue(job) else made


def everything_or_job(study: ReaderStudy) -> dict[str, dict] | Job:
    """Every analysis that there is of a study, by the name of its file, or the job that makes one of them."""
    made = results_or_job(study)
    if isinstance(made, Job):
        return made
    measured = radiomics_or_job(study)
    if isinstance(measured, Job):
        return measured
    named = {"results-reading": made.reading, "results-images": made.images, **measured}
    named |= {"results-scan-times": scan_times(study), **_signatures(study)}
    return {name: result for name, result in named.items() if result}


def radiomics_or_job(study: ReaderStudy) -> dict[str, dict | None] | Job:
    """The analyses of radiomic features and of volumes of interest, by the names of their files; None for one that
    there is not. Or the job that makes the first."""
    try:
        features, job = stability.analysis_or_job(study)
    except InputError:  # a table that cannot be analysed, as the page of stability says
        features, job = None, None
    if job is not None:
        return job
    return {"results-stability": features, "results-volumes": in_volumes.results(study)}


def _signatures(study: ReaderStudy) -> dict[str, dict]:
    """What the signatures that come with the site say, of those whose features are there. Others are not kept."""
    found = {}
    for name, model in examples().items():
        try:
            found[f"{SIGNATURE}{name}"] = signatures.analyse(study, model)
        except InputError:
            continue
    return found


def results(study: ReaderStudy) -> Results:
    """The results, made now if nothing that is kept fits."""
    return _kept_results(study, results_key(study)) or make_results(study, must_be_kept=False)


def request_results(study: ReaderStudy, key: str) -> Job:
    """Ask for the job that verifies the record and makes the results under this key."""
    job, _ = request_job(function=ANALYSE, study=study, label="Results", parameters={"key": key}, inputs={"key": key})
    return job


def _current_job(study: ReaderStudy, key: str) -> Job:
    """That job; once more if it ended well long ago."""
    job = request_results(study, key)
    if job.state == Job.State.DONE and _is_long_ago(job.finished_at):
        Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()
        job = request_results(study, key)
    return job


def _is_overdue(job: Job) -> bool:
    return job.state != Job.State.DONE and _is_long_ago(job.created_at)


def _is_long_ago(moment: datetime | None) -> bool:
    return moment is None or moment < timezone.now() - VERIFIED_FOR


def make_results(study: ReaderStudy, report: Report = _to_nobody, *, must_be_kept: bool = True) -> Results:
    """Verify the whole record; analyse the very files that are exported, unless that is kept, and keep it.

    The record is verified after the files were written. RecordError, an alarm, and nothing is kept any more, if rows
    were changed behind the site's back. report: told how far that is. must_be_kept: OSError where the disk is full;
    a request shows them all the same.
    """
    key, files = _key_and_files(study, _few(study))
    kept = _kept_results(study, key)
    report(0.05, "writing tables")
    if not kept:
        files = files or _files(study)
    report(0.15, "verifying the record")
    try:
        ensure_whole(study)
    except RecordError:
        erase_analyses(study)
        raise
    if kept:
        return kept
    report(0.4, "analysing")
    made = {"sha256": files_sha256(files), "simulated": simulation_note(study), **analyse(files)}
    report(0.95, "keeping them")  # not if the job was taken away
    if results_key(study) == key:  # else a subject was withdrawn meanwhile, or newer results lie there
        try:
            store_analysis(_name(study, key), made)
        except OSError:
            if must_be_kept:
                raise
            logger.exception("results of %s", study.slug)
    return Results(**json.loads(json.dumps(made)))  # as they are kept


def _kept_results(study: ReaderStudy, key: str) -> Results | None:
    made = stored_analysis(_name(study, key))
    return None if made is None else Results(**made)


def _name(study: ReaderStudy, key: str) -> str:
    return name_of(study, "results", key)


def analyse(files: dict[str, bytes]) -> dict:
    """Read the exported files back as the command line does, and analyse them."""
    with tempfile.TemporaryDirectory() as folder:
        ratings = read_table("ratings", files["ratings"], Path(folder))
        answers = {}
        for name in OF_READINGS:  # a table without a row says that there was nothing, which is an answer
            path = Path(folder) / f"{name}.csv"
            path.write_bytes(files[name])
            answers[name] = tables.read(path, name)
    made = {"reading": None, **analyse_images(files)}
    if ratings is not None and (ratings["kind"] == "main").any():
        made["reading"] = reading.analyse(ratings, protocol=json.loads(files["protocol"]), **answers, mixed=True)
    shown = {row["presentation"] for row in _rows(files["integrity"]) if row["kind"] == "main"}
    return {**made, "findings": [row for row in _rows(files["findings"]) if row["presentation"] in shown]}


def _rows(content: bytes) -> csv.DictReader:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


@transaction.atomic
def note_seen(*, study: ReaderStudy, user: User) -> datetime:
    """Log the first time that this person sees the results: arms and preferences are then known to them. Returns when
    somebody saw them first. RecordError, and an alarm, if what a page of results shows beside the analysis was changed
    behind the site's back."""
    ensure_sections_sealed(study, "protocol", "memberships", "amendments")
    seen = Event.objects.filter(study=study, action=Action.RESULTS_SEEN).order_by("-number")
    moments = dict(seen.values_list("actor", "at"))
    if user.pk not in moments:
        moments[user.pk] = record(study=study, action=Action.RESULTS_SEEN, actor=user).at
    return min(moments.values())
