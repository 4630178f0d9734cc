"""The results page and the files that leave the study."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.report.contents import SECTIONS
from analysis.report.render import PAPERS
from analysis.tables import codebook as codebook_rows
from analysis.tables import schema
from processing.errors import InputError
from readerstudy.accounts.permissions import may
from readerstudy.archive.downloads import send_file, send_json, stream_csv
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import retry
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import have_protocol
from readerstudy.reading.figure_files import with_figure_files
from readerstudy.reading.selectors import reading_progress
from readerstudy.reading.whole_record import note_export
from readerstudy.results import contexts, exports, large_files, services, study_report
from readerstudy.results.identities import TELLS, Guard


@never_cache
@study_page("see_results", any_state=True)
@require_safe
@with_figure_files
def results(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Tables and figures of a closed study; before that only how far the reading is, with no answer in it."""
    if study.images_only:
        return redirect("image_metrics", study.slug)
    if not may(request.membership, "see_results"):
        return render(
            request, "results/still_closed.html", {"study": study, "tab": "results", "readers": reading_progress(study)}
        )
    have_protocol(study)
    made = services.results_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made)
    if request.htmx:  # from the page that waited for it
        return HttpResponse(headers={"HX-Refresh": "true"})
    unblinded = services.note_seen(study=study, user=request.user)
    files = [{"table": name, "description": schema(name)["description"]} for name in exports.TABLES]
    context = {
        "study": study,
        "tab": "results",
        "files": files,
        "unblinded": unblinded,
        **contexts.first_page(study, made),
    }
    context["numbers"] = exports.number_table_names(made.reading)
    return render(request, "results/results.html", context)


def _being_made(request: StudyRequest, study: ReaderStudy, job: Job, status: int = 200, file: str = "") -> HttpResponse:
    """How far the analysis is, or the writing of a file; whoever opens the page asks again for one that failed."""
    if not request.htmx and retry(job=job):
        job.refresh_from_db()
    template = "results/being_made_live.html" if request.htmx else "results/being_made.html"
    status = 200 if request.htmx else status  # what says how far it is comes in the place of what said so before
    way = _way(request) if job.error.endswith(TELLS) else ""
    context = {"study": study, "tab": "results", "job": job, "file": file, "as_it_is": way}
    return render(request, template, context, status=status)


@never_cache
@study_page("see_results")
@require_safe
@with_figure_files
def section(request: StudyRequest, study: ReaderStudy, section: str) -> HttpResponse:
    """One of the pages behind the first: tests, agreement, readers, integrity, subgroups."""
    if section not in SECTIONS:
        raise Http404
    made = services.results_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made)
    unblinded = services.note_seen(study=study, user=request.user)
    context = {"unblinded": unblinded, **contexts.section(study, made, section)}
    return render(request, "results/section.html", {"study": study, "tab": "results", "sub": section, **context})


REPORT_TYPES = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "bib": "application/x-bibtex; charset=utf-8",
}


def _known(table: str) -> str:
    if table not in exports.TABLES:
        raise Http404
    return table


@never_cache
@study_page("export")
@require_safe
def table(request: StudyRequest, study: ReaderStudy, table: str) -> HttpResponse | StreamingHttpResponse:
    """One table as CSV; `?all=1` gives every revision of the ratings. A long one a job writes first. One that would
    tell who somebody is leaves with `?as_it_is=1` alone, which the log says."""
    every = _known(table) == "ratings" and request.GET.get("all") == "1"
    options = {"every_revision": True} if every else {}
    name = exports.file_name(study, table, **options)
    if _as_it_is(request):
        note_export(study=study, user=request.user, file=name, as_it_is=True)
        return stream_csv(exports.table_lines(study, table, **options), name)
    try:
        lines = exports.short_table(study, table, name, **options)
    except InputError as problem:
        return _held_back(request, study, problem)
    if lines is None:
        return _large_file(request, study, large_files.form_of_table(table, **options), name)
    note_export(study=study, user=request.user, file=name)
    return stream_csv(lines, name)


def _as_it_is(request: StudyRequest) -> bool:
    """Whether a file was asked for even if it tells who somebody is."""
    return request.GET.get("as_it_is") == "1"


def _held_back(request: StudyRequest, study: ReaderStudy, problem: InputError) -> HttpResponse:
    """Why a file does not leave, and how it does all the same if it would tell who somebody is."""
    said = str(problem)
    if said.endswith(TELLS):
        said += f" It leaves all the same by {_way(request)}, which the log says."
    messages.error(request, said)
    return redirect("results", study.slug)


def _way(request: StudyRequest) -> str:
    query = request.GET.copy()
    query["as_it_is"] = "1"
    return f"{request.path}?{query.urlencode()}"


@never_cache
@study_page("export")
@require_safe
def numbers(request: StudyRequest, study: ReaderStudy, table: str) -> HttpResponse | StreamingHttpResponse:
    """One table of results as CSV: every number with its method, n and reason."""
    made = services.results_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made, status=409)
    found = exports.number_tables(made.reading)
    if table not in found:
        raise Http404
    name = f"{study.slug}-{table}.csv"
    said = {"as_it_is": True} if _as_it_is(request) else {}
    try:
        lines = exports.number_table(study, found[table], name, **said)
    except InputError as problem:
        return _held_back(request, study, problem)
    note_export(study=study, user=request.user, file=name, **said)
    return stream_csv(lines, name)


@study_page("export")
@require_safe
def codebook(request: StudyRequest, study: ReaderStudy, table: str) -> StreamingHttpResponse:
    name = f"{study.slug}-{_known(table)}-codebook.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(exports.codebook_lines(table), name)


@study_page("export")
@require_safe
def codebooks(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What each column of each table means."""
    books = [{"table": name, "schema": schema(name), "rows": codebook_rows(name)} for name in exports.TABLES]
    return render(request, "results/codebooks.html", {"study": study, "tab": "results", "books": books})


@never_cache
@study_page("export")
@require_safe
def protocol(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    name = f"{study.slug}-protocol.json"
    note_export(study=study, user=request.user, file=name)
    return send_json(exports.protocol_json(study), name)


@never_cache
@study_page("export")
@require_safe
def report(request: StudyRequest, study: ReaderStudy, form: str) -> HttpResponse | FileResponse:
    """The report as PDF, which a job prints, or as a page, or the sources of its methods as BibTeX. `?images=1`: with
    the images of what readers found, which the log says."""
    paper, images = request.GET.get("paper", PAPERS[0]), request.GET.get("images") == "1"
    if form not in REPORT_TYPES or paper not in PAPERS:
        raise Http404
    made = services.results_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made, status=409)
    radiomics = services.radiomics_or_job(study)
    if isinstance(radiomics, Job):
        return _being_made(request, study, radiomics, status=409)
    if made.reading is None:
        raise Http404
    name = f"{study.slug}-report{'-with-images' if images and form != 'bib' else ''}.{form}"
    if form == "pdf":
        return _large_file(request, study, f"report-{paper}{'-images' if images else ''}", name)
    if form == "bib":
        content = study_report.bibtex(study, made, radiomics)
    else:
        content = study_report.html(study, made, radiomics, paper=paper, pictures=images)
    said = {"as_it_is": True} if _as_it_is(request) else {}
    try:
        Guard(study, **said).ensure_page("The report", content)
    except InputError as problem:
        return _held_back(request, study, problem)
    note_export(study=study, user=request.user, file=name, **said)
    return send_file(content, name, REPORT_TYPES[form])


@never_cache
@study_page("export")
@require_safe
def workbook(request: StudyRequest, study: ReaderStudy) -> HttpResponse | FileResponse:
    """All tables and all results in one workbook; of many ratings a job writes it first."""
    made = services.results_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made, status=409)
    return _large_file(request, study, "xlsx", f"{study.slug}-results.xlsx")


@never_cache
@study_page("export")
@require_safe
def results_zip(request: StudyRequest, study: ReaderStudy) -> HttpResponse | FileResponse:
    """All tables, codebooks, protocol and results in one zip, with the commands that give the same numbers."""
    made = services.everything_or_job(study)
    if isinstance(made, Job):
        return _being_made(request, study, made, status=409)
    return _large_file(request, study, "zip", f"{study.slug}-results.zip")


def _large_file(request: StudyRequest, study: ReaderStudy, form: str, name: str) -> HttpResponse | FileResponse:
    """The file, or how far the job is that writes it, and then that it is ready."""
    said = {"as_it_is": True} if _as_it_is(request) else {}
    try:
        found = large_files.file_or_job(study, form, **said)
    except InputError as problem:
        return _held_back(request, study, problem)
    if isinstance(found, Job):
        return _being_made(request, study, found, status=409, file=name)
    file, sha256 = found
    if request.htmx:  # from the page that waited for it
        file.close()
        return render(request, "results/being_made_live.html", {"study": study, "ready": name})
    note_export(study=study, user=request.user, file=name, sha256=sha256, **said)
    return FileResponse(file, as_attachment=True, filename=name)
