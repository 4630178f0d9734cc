"""Cases and their series: training, feedback, pictures."""

import re

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from processing.errors import InputError
from processing.grid import oriented
from processing.pictures.picture import middle_slice_png
from readerstudy.archive import store
from readerstudy.material import services, volumes
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


def case_of(study: ReaderStudy, number: int) -> Case:
    """A case of this study by its number; 404 if there is none."""
    case = Case.objects.filter(study=study, pk=number).select_related("subject__site", "study").first()
    if case is None:
        raise Http404
    return case


@study_page("edit_protocol")
@require_POST
def training(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    services.set_training(case=case_of(study, case), training="on" in request.POST, actor=request.user)
    return redirect("case", study.slug, case)


@study_page("edit_protocol")
@require_POST
def feedback(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """What readers are told after a practice pair of this case."""
    services.set_feedback(case=case_of(study, case), text=request.POST.get("feedback", ""), actor=request.user)
    messages.success(request, "Readers are told this after each practice pair of the case.", extra_tags="feedback")
    return redirect("case", study.slug, case)


@study_page("add_material")
@require_POST
def set_aside(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Do without a case, or take it up again."""
    found = case_of(study, case)
    try:
        if "back" in request.POST:
            services.take_up(case=found, actor=request.user)
        else:
            services.set_aside(case=found, reason=request.POST.get("reason", ""), actor=request.user)
    except InputError as error:
        messages.error(request, str(error), extra_tags="aside")
    return redirect(reverse("case", args=[study.slug, case]) + "#aside")


@study_page("type_scan_times")
@require_POST
def scan_time(request: StudyRequest, study: ReaderStudy, series: int) -> HttpResponse:
    """The scan time of a series as typed, minutes:seconds or seconds; empty: as the header says."""
    found = Series.objects.filter(study=study, pk=series).select_related("case", "arm", "study").first()
    if found is None:
        raise Http404
    try:
        seconds = seconds_of(request.POST.get("time", ""))
        services.set_acquisition_seconds(series=found, seconds=seconds, actor=request.user)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("case", study.slug, found.case_id)


def seconds_of(text: str) -> float | None:
    """3:24, 204 or 204.5; None for nothing. InputError for anything else."""
    if not text.strip():
        return None
    said = re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,5}(?:\.\d{1,3})?)", text.strip(), re.ASCII)
    if said is None or (said[1] and float(said[2]) >= 60):
        raise InputError("Type the scan time as minutes:seconds, such as 3:24, or in seconds.")
    return 60.0 * int(said[1] or 0) + float(said[2])


def picture(load, plane: str) -> HttpResponse:
    """The middle slice of what `load` gives, as radiologists look at a case of this plane, as PNG."""
    try:
        png = middle_slice_png(oriented(load(), plane=plane))
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": "private, no-cache"})


def stored_picture(sha256: str) -> HttpResponse:
    """A PNG of the archive; 404 if there is none, or its file went."""
    try:
        png = store.read(sha256) if sha256 else None
    except FileNotFoundError:
        png = None
    if png is None:
        raise Http404
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": "private, no-cache"})


@study_page("see_material")
def series_picture(request: StudyRequest, study: ReaderStudy, series: int) -> HttpResponse:
    found = Series.objects.filter(study=study, pk=series).select_related("case").first()
    if found is None:
        raise Http404
    return picture(lambda: volumes.load(found), found.case.plane)


@study_page("see_material")
def alignment_picture(request: StudyRequest, study: ReaderStudy, alignment: int) -> HttpResponse:
    """Two acquisitions in one picture, before and after registration."""
    found = Alignment.objects.filter(study=study, pk=alignment).first()
    return stored_picture(found.picture if found else "")
