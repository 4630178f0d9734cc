"""Diagnosis and lesion origin of subjects: seen, typed, taken away as a CSV."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from processing.errors import InputError
from readerstudy.archive.downloads import csv_lines, stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.material import cohort, screening
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@never_cache
@study_page("see_material")
@require_safe
def subjects(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Every subject with its codes, and who was not included. RecordError if the log knows the latter otherwise."""
    ensure_sections_sealed(study, "screening log")
    there = study.subjects.filter(withdrawn_at=None).select_related("site")
    rows = [{"subject": one, **{kind: cohort.coded(one, kind) for kind in cohort.KINDS}} for one in there]
    context = {"tab": "material", "study": study, "rows": rows, "meanings": cohort.meanings_of(study)}
    exclusions = screening.exclusions_of(study)
    context |= {"exclusions": exclusions, "log": screening.shown(exclusions)}
    return render(request, "material/subjects.html", context)


@study_page("add_material")
@require_POST
def code_subject(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep what was typed for one subject."""
    row = {name: request.POST.get(name, "").strip() for name in cohort.COLUMNS}
    try:
        cohort.set_clinical(study=study, rows=[row], actor=request.user)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("subjects", study.slug)


@study_page("keep_screening")
@require_POST
def type_screening(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep what was typed of subjects that were not included."""
    try:
        exclusions = screening.typed(request.POST.get("log", ""))
        screening.set_exclusions(study=study, exclusions=exclusions, actor=request.user)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("subjects", study.slug)


@never_cache
@study_page("see_material")
@require_safe
def subjects_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """The table that can be sent back with what is missing in it."""
    rows = study.subjects.filter(withdrawn_at=None).values("code", *cohort.FIELDS)
    lines = csv_lines(list(cohort.COLUMNS), ({"subject": row.pop("code"), **row} for row in rows))
    return stream_csv(lines, f"{study.slug}-subjects.csv")
