"""Imported tables: a sheet and its map, step by step; the results of what came of it; files; removal."""

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from processing.errors import InputError
from readerstudy.archive.downloads import stream_csv
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import retry
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import note_export
from readerstudy.results import contexts_imported, exports, imported, sheets
from readerstudy.results.imported_tables import Imported, table_of
from readerstudy.results.imported_tables import tables as imported_tables


@never_cache
@study_page("see_imported")
@require_safe
def tables(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What was imported, newest first."""
    context = {"study": study, "tab": "results", "sub": "imported", "tables": imported_tables(study)}
    return render(request, "results/imported/tables.html", context)


@never_cache
@study_page("import_tables")
@require_http_methods(["GET", "HEAD", "POST"])
def import_sheet(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """A sheet and its map: each step sends the sheet again, as nothing of it is kept until it is analysed."""
    context = {"study": study, "tab": "results", "sub": "imported"}
    if request.method != "POST":
        return render(request, "results/imported/sheet.html", context)
    said = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    try:
        sheet = sheets.content(sealed_files(request, "file"))
        if "analyse" in said:
            number, context["refused"] = _imported(request, study, sheet, said)
            if number is not None:
                path = reverse("imported_table", args=[study.slug, number])
                return HttpResponse(headers={"HX-Redirect": path}) if request.htmx else redirect(path)
        context |= {"title": said.get("title", ""), "codes": "codes" in said, "look": sheets.look(sheet, said)}
    except InputError as error:
        context["error"] = str(error)
    return render(request, f"results/imported/{'map' if request.htmx else 'sheet'}.html", context)


def _imported(request: StudyRequest, study: ReaderStudy, sheet: bytes, said: dict[str, str]) -> tuple[int | None, str]:
    """The number of the table that was imported, or why none was."""
    if "codes" not in said:
        return None, "Say that subjects and readers stand in the sheet by code alone; else take their names out first."
    try:
        made = sheets.make(sheet, said.get("map", ""))
        return imported.import_table(
            study=study, actor=request.user, title=said.get("title", ""), sheet=sheet, made=made
        ), ""
    except InputError as error:
        return None, str(error)


def _table(study: ReaderStudy, number: int) -> Imported:
    found = table_of(study, number)
    if found is None:
        raise Http404
    return found


def _results(request: StudyRequest, study: ReaderStudy, table: Imported) -> dict | HttpResponse:
    """The analysis, or how far it is; whoever opens the page asks again for one that failed."""
    made = imported.results_or_job(study, table)
    if not isinstance(made, Job):
        return made
    if not request.htmx and retry(job=made):
        made.refresh_from_db()
    template = "results/being_made_live.html" if request.htmx else "results/being_made.html"
    return render(request, template, {"study": study, "tab": "results", "job": made, "table": table})


@never_cache
@study_page("see_imported")
@require_safe
def table(request: StudyRequest, study: ReaderStudy, number: int) -> HttpResponse:
    """Tables and figures of the ratings that were imported, as of a study's own."""
    found = _table(study, number)
    made = _results(request, study, found)
    if isinstance(made, HttpResponse):
        return made
    if request.htmx:  # from the page that waited for it
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"study": study, "tab": "results", "sub": "", **contexts_imported.first_page(study, found, made)}
    context["numbers"] = exports.number_table_names(made)
    return render(request, "results/imported/table.html", context)


@never_cache
@study_page("see_imported")
@require_safe
def section(request: StudyRequest, study: ReaderStudy, number: int, section: str) -> HttpResponse:
    """One of the pages behind the first."""
    if section not in contexts_imported.SHOWN:
        raise Http404
    found = _table(study, number)
    made = _results(request, study, found)
    if isinstance(made, HttpResponse):
        return made
    context = {"study": study, "tab": "results", "sub": section}
    return render(
        request, "results/imported/section.html", context | contexts_imported.section(study, found, made, section)
    )


@never_cache
@study_page("see_imported")
@require_safe
def numbers(request: StudyRequest, study: ReaderStudy, number: int, name: str) -> HttpResponse | StreamingHttpResponse:
    """One table of results as CSV."""
    found = _table(study, number)
    made = _results(request, study, found)
    if isinstance(made, HttpResponse):
        return made
    rows = exports.number_tables(made).get(name)
    if rows is None:
        raise Http404
    file = _file_name(study, found, f"{name}.csv")
    note_export(study=study, user=request.user, file=file)
    return stream_csv(exports.number_lines(rows), file)


FILES = {
    "ratings.csv": ("ratings", "text/csv; charset=utf-8"),
    "map.yaml": ("map", "application/yaml; charset=utf-8"),
}


@never_cache
@study_page("see_imported")
@require_safe
def file(request: StudyRequest, study: ReaderStudy, number: int, file: str) -> HttpResponse:
    """The ratings, or the map that they were made by."""
    if file not in FILES:
        raise Http404
    found = _table(study, number)
    kept, content_type = FILES[file]
    return _sent(request, study, found, file, found.content(kept), content_type)


@never_cache
@study_page("see_imported")
@require_safe
def everything(request: StudyRequest, study: ReaderStudy, number: int) -> HttpResponse:
    """Ratings, map and results in one zip, with the commands that give the same."""
    found = _table(study, number)
    made = _results(request, study, found)
    if isinstance(made, HttpResponse):
        return made
    return _sent(request, study, found, "results.zip", imported.zipped(found, made), "application/zip")


def _file_name(study: ReaderStudy, table: Imported, file: str) -> str:
    return f"{study.slug}-imported-{table.number}-{file}"


def _sent(
    request: StudyRequest, study: ReaderStudy, table: Imported, file: str, content: bytes, content_type: str
) -> HttpResponse:
    name = _file_name(study, table, file)
    note_export(study=study, user=request.user, file=name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)


@study_page("import_tables")
@require_POST
def remove(request: StudyRequest, study: ReaderStudy, number: int) -> HttpResponse:
    """Let a table go, with what was made of it."""
    imported.remove_table(study=study, actor=request.user, table=_table(study, number))
    return redirect("imported_tables", study.slug)
