"""The charter: its page, its versions as files, and what people write of it."""

import json

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from analysis.errors import InputError as AnalysisError
from analysis.report import charter as pages
from analysis.report import charter_changes, pdf
from analysis.report import render as report
from processing.errors import InputError
from readerstudy.archive.downloads import send_file, send_json
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import Charter, ReaderStudy
from readerstudy.reading import charter
from readerstudy.reading.forms_charter import CharterForm
from readerstudy.states import State


@never_cache
@study_page("see_protocol")
@require_safe
def charter_page(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """The charter as it is now, or one version of it, with what differs from the version before."""
    version, shown, earlier = _asked(request, study)
    return render(
        request,
        "reading/charter.html",
        {
            "tab": "protocol",
            "study": study,
            "draft": study.state == State.DRAFT,
            "version": version,
            "versions": study.charters.order_by("-number").select_related("actor"),
            "body": mark_safe(report.charter(pages.parts(shown))),  # noqa: S308  its templates escape
            "changes": _changes(shown, earlier) if earlier else None,
            "form": CharterForm(initial=shown["words"]),
        },
    )


def _changes(shown: dict, earlier: dict) -> dict:
    table = charter_changes.table(shown, earlier)
    return {"title": table.title, "table": mark_safe(report.table(table))}  # noqa: S308


def _asked(request: StudyRequest, study: ReaderStudy) -> tuple[Charter | None, dict, dict | None]:
    """The version that is asked for, else the draft as it is now (None), else the last one; its content, and that of
    the version before."""
    number = request.GET.get("version", "")
    if number:
        version = study.charters.filter(number=number).first() if number.isdecimal() and len(number) < 5 else None
        if version is None:
            raise Http404
    else:
        version = None if study.state == State.DRAFT else charter.last_kept(study)
    if version:
        before = charter.before(version)
        return version, charter.shown(version), charter.shown(before) if before else None
    before = charter.last_kept(study)
    return None, charter.content(study), charter.shown(before) if before else None


@never_cache
@study_page("see_protocol")
@require_safe
def charter_file(request: StudyRequest, study: ReaderStudy, form: str) -> HttpResponse:
    """The charter as PDF, as a page, or as the JSON that both are made of."""
    version, shown, earlier = _asked(request, study)
    name = f"{study.slug}-charter{f'-{version.number}' if version else '-draft'}.{form}"
    if form == "json":
        return send_json(json.dumps(shown, indent=1, ensure_ascii=False), name)
    paper = request.GET.get("paper", report.PAPERS[0])
    if form not in ("pdf", "html") or paper not in report.PAPERS:
        raise Http404
    page = pages.page(shown, earlier=earlier, paper=paper)
    if form == "html":
        return send_file(page.encode(), name, "text/html; charset=utf-8")
    try:
        return send_file(pdf.pdf(page), name, "application/pdf")
    except AnalysisError as problem:
        messages.error(request, str(problem))
        return redirect("charter", study.slug)


@never_cache
@study_page("edit_protocol")
@require_http_methods(["POST"])
def edit_charter(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep another version with these words."""
    form = CharterForm(request.POST)
    try:
        if not form.is_valid():
            raise InputError("Not kept: a text is longer than 3,000 characters.")
        kept = charter.write(study=study, words=form.words, actor=request.user)
        messages.success(request, f"This is version {kept.number} of the charter. It is in the log.")
    except InputError as problem:
        messages.error(request, str(problem))
    return redirect("charter", study.slug)
