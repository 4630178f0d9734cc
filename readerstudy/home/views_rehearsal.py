"""The dry run of a draft: start it, follow it, see the tables of made-up answers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.home import rehearsal as dry_run
from readerstudy.jobs.models import Job
from readerstudy.material.selectors import simulation_note
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results import contexts
from readerstudy.results.services import Results


@never_cache
@study_page("rehearse")
def rehearsal(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    if request.method == "POST":
        try:
            dry_run.request_rehearsal(study=study, actor=request.user)
        except InputError as error:
            messages.error(request, str(error))
        return redirect("rehearsal", study.slug)
    job = dry_run.last_rehearsal(study)
    context = {"tab": "protocol", "study": study, "job": job}
    busy = job is not None and job.state in (Job.State.WAITING, Job.State.RUNNING)
    if request.htmx:
        return (
            render(request, "home/rehearsal_live.html", context)
            if busy
            else HttpResponse(headers={"HX-Refresh": "true"})
        )
    if job and job.state == Job.State.DONE:
        made = Results(**job.result["results"] | {"simulated": simulation_note(study)})
        context |= {"current": dry_run.is_current(job), **contexts.dry_run(study, made)}
    return render(request, "home/rehearsal.html", context | {"busy": busy})
