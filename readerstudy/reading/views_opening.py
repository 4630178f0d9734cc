"""Open a study, and move it from state to state."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.accounts.permissions import may
from readerstudy.jobs.models import Job
from readerstudy.protocol import selectors, services
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.forms import TypeTitleForm
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.opening import last_opening, request_opening
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.reading.schedule_summary import schedule_summary
from readerstudy.reading.selectors import reading_progress
from readerstudy.states import State


@never_cache
@study_page("see_protocol")
def opening(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """How far opening is, for the page that waits for it; once it has ended the page is loaded again."""
    job = last_opening(study)
    if not request.htmx:
        return redirect("protocol", study.slug)
    if study.state == State.DRAFT and job and job.state in (Job.State.WAITING, Job.State.RUNNING):
        return render(request, "reading/opening_live.html", {"study": study, "opening": job})
    return HttpResponse(headers={"HX-Refresh": "true"})


@never_cache
@study_page("see_protocol", any_state=True)
def move(request: StudyRequest, study: ReaderStudy, to: str) -> HttpResponse:
    """Open, pause, resume, close or lock. Final steps ask for the study's title."""
    step = next((step for step in selectors.moves_from(study) if step.to == to), None)
    if step is None or not may(request.membership, step.action):
        messages.error(request, f"The study is {study.get_state_display()}; that step cannot be taken now.")
        return redirect("protocol", study.slug)
    form = TypeTitleForm(request.POST or None, study=study) if step.final else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            if step.action == "open_study":
                request_opening(study=study, actor=request.user)
            else:
                services.move(study=study, to=to, actor=request.user)
        except InputError as error:
            messages.error(request, str(error))
        return redirect("protocol", study.slug)
    return render(
        request,
        "reading/change_state.html",
        {
            "tab": "protocol",
            "study": study,
            "step": step,
            "form": form,
            "missing": not_ready(study) if step.action == "open_study" else [],
            "schedule": schedule_summary(study),
            "document": selectors.protocol_document(study),
            "readers": reading_progress(study),
        },
    )
