"""Files that take long to write: the zip and the workbook of a study with many ratings, a table with many lines, and
the report as PDF, which takes a second for every two of its pages. Written by a job, kept, and taken from there."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from analysis.report import pdf
from analysis.report.render import PAPERS
from readerstudy.archive import kept
from readerstudy.audit.actions import AFTER_LOCKING, Action
from readerstudy.images.analyses import name_of, store_analysis, stored_analysis
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import LaterError
from readerstudy.jobs.services import request_job
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results import everything, exports, services, study_report
from readerstudy.results.identities import Guard, names_of
from readerstudy.results.kinds import WRITE

AT_ONCE = 10_000  # ratings that a request writes itself: some 3 s for a workbook, less for a zip
# Forms of the report: its paper, and whether it shows the images of what readers found.
REPORTS = {f"report-{paper}{end}": (paper, bool(end)) for paper in PAPERS for end in ("", "-images")}


def form_of_table(table: str, *, every_revision: bool = False) -> str:
    """The form of one of the tables as CSV."""
    return f"csv-{table}{'-all' if every_revision else ''}"


# Forms of a table: its name, and whether every revision stands in it.
TABLES: dict[str, tuple[str, dict[str, bool]]] = {
    **{form_of_table(table): (table, {}) for table in exports.TABLES},
    form_of_table("ratings", every_revision=True): ("ratings", {"every_revision": True}),
}
AS_IT_IS = "-as-it-is"  # the end of a form that is not held back if it tells of somebody
Report = Callable[[float, str], None]
Made = TypeVar("Made")
Written = tuple[BinaryIO, str]


def write(file: BinaryIO, study: ReaderStudy, form: str, report: Report = lambda share, doing: None) -> None:
    """Write one of `zip`, `xlsx`, TABLES and REPORTS. LaterError while what stands in it is still computed; InputError
    if it would tell who somebody is, which the form allows that ends in AS_IT_IS, or nothing here prints."""
    guard, form = Guard(study, as_it_is=form.endswith(AS_IT_IS)), _kind(form)
    if form in REPORTS:
        paper, pictures = REPORTS[form]
        made, radiomics = _made(services.results_or_job(study)), _made(services.radiomics_or_job(study))
        report(0.1, "tables and figures")
        page = study_report.html(study, made, radiomics, paper=paper, pictures=pictures)
        guard.ensure_page("The report", page)
        report(0.3, "laying out the pages")
        file.write(pdf.pdf(page))
    elif form == "xlsx":
        exports.write_workbook(file, study, _made(services.results_or_job(study)).reading, report, guard=guard)
    elif form in TABLES:
        table, options = TABLES[form]
        exports.write_table(file, study, table, guard, report, **options)
    else:
        everything.write_zip(file, study, _made(services.everything_or_job(study)), report, guard=guard)


def _made(found: Made | Job) -> Made:
    if isinstance(found, Job):
        raise LaterError("The results are being computed.")
    return found


def file_or_job(study: ReaderStudy, form: str, *, as_it_is: bool = False) -> Written | Job:
    """The file, at its beginning, with its SHA-256, or the job that writes it: what was written is taken again until
    anything changes. as_it_is: even if it tells who somebody is."""
    form += AS_IT_IS if as_it_is else ""
    if _kind(form) in ("zip", "xlsx") and services.ratings_count(study) <= AT_ONCE:
        file = tempfile.TemporaryFile()  # noqa: SIM115  who takes it closes it
        write(file, study, form)
        return file, _sha256(file)
    key = _key(study, form)
    if found := written(study, form, key):
        return found
    job = _request(study, form, key)
    if job.state == Job.State.DONE:  # what it wrote is gone
        Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()
        job = _request(study, form, key)
    return job


def _request(study: ReaderStudy, form: str, key: str) -> Job:
    kind = _kind(form)
    if kind in TABLES:
        label = f"Table {kind.removeprefix('csv-')}"
    else:
        label = "Report as PDF" if kind in REPORTS else f"{kind.upper()} of all results"
    said = {"form": form, "key": key}
    return request_job(function=WRITE, study=study, label=label, parameters=said, inputs={"key": key})[0]


def _kind(form: str) -> str:
    return form.removesuffix(AS_IT_IS)


def _key(study: ReaderStudy, form: str) -> str:
    """What a file depends on, as one hash: the analysis, the last line of the log that tells of a change, and the names
    that must not stand in it: a locked study can get members. A report says of locking, too."""
    no_matter = {Action.RESULTS_SEEN, Action.RESULTS_EXPORTED} if _kind(form) in REPORTS else AFTER_LOCKING
    last = study.events.exclude(action__in=no_matter).order_by("-number").values_list("sha256", flat=True).first()
    names = json.dumps(sorted(names_of(study).items()))
    return hashlib.sha256(f"{form} {services.results_key(study)} {last}{names}".encode()).hexdigest()


def _names(study: ReaderStudy, form: str, key: str) -> tuple[str, str]:
    """Of the file, and of what says its SHA-256 under the site's signature."""
    name = name_of(study, f"exports/{form}", key)
    return name.removesuffix("json") + _ending(form), name


def _ending(form: str) -> str:
    kind = _kind(form)
    return "pdf" if kind in REPORTS else kind.partition("-")[0]


def written(study: ReaderStudy, form: str, key: str) -> Written | None:
    """The kept file, at its beginning, with its SHA-256; None if it is not there, or not what was written."""
    name, about = _names(study, form, key)
    said, file = stored_analysis(about), kept.open_file(name)
    if said is None or file is None:
        return None
    if (digest := _sha256(file)) != said["sha256"]:
        file.close()
        return None
    return file, digest


def _sha256(file: Any) -> str:
    """SHA-256 of a whole file, which is then at its beginning."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def write_and_keep(study: ReaderStudy, form: str, key: str, report: Report) -> int:
    """Write the file into its place, in that of what was kept before; returns its bytes."""
    name, about = _names(study, form, key)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft.{_ending(form)}"
        with draft.open("w+b") as file:
            write(file, study, form, report)
            digest = _sha256(file)
        size = draft.stat().st_size
        for old in kept.names(f"{name.rpartition('-')[0]}-{'?' * 64}.{_ending(form)}"):
            kept.erase(old)
        kept.put_file(name, draft)
    store_analysis(about, {"sha256": digest})
    return size
