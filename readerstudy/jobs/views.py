"""What runs, waits, failed; retry, cancel, run what is missing."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from readerstudy.jobs import disk, macs, selectors, services
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import kind
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State

LISTS = {"waiting": "pk", "done": "-finished_at", "cancelled": "-finished_at"}
SHOWN = 100


@never_cache
@study_page("see_jobs")
def jobs(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    counts, steps = selectors.counts(study), selectors.steps(study)
    shown = request.GET.get("show", "")
    shown = shown if shown in LISTS else ""
    left = [step["seconds_left"] for step in steps if step["running"] + step["waiting"]]
    failed = selectors.jobs_in(study, Job.State.FAILED)
    context = {
        "tab": "jobs",
        "study": study,
        "counts": counts,
        "steps": steps,
        "shown": shown,
        "limit": SHOWN,
        "all": sum(counts[state] for state in ("waiting", "running", "done", "failed")),
        "busy": counts["running"] + counts["waiting"],
        "seconds_left": sum(left) if left and None not in left else None,
        "running": selectors.running(study),
        "stalled": selectors.stalled(study),
        "idle": selectors.idle_workers(),
        "no_room": disk.problem(),
        "outdated": selectors.outdated(study) if study.state == State.DRAFT else [],
        "failed": [{"job": job, "kind": kind(job.function).verb} for job in failed[:SHOWN]],
        "listed": [
            {"job": job, "kind": kind(job.function).verb}
            for job in selectors.jobs_in(study, shown).order_by(LISTS[shown])[:SHOWN]
        ]
        if shown
        else [],
    }
    return render(request, "jobs/live.html" if request.htmx else "jobs/jobs.html", context)


def _job(study: ReaderStudy, number: int) -> Job:
    job = Job.objects.filter(study=study, pk=number).first()
    if job is None:
        raise Http404
    return job


@study_page("run_jobs")
@require_POST
def retry(request: StudyRequest, study: ReaderStudy, job: int) -> HttpResponse:
    if not services.retry(job=(found := _job(study, job))):
        refused = found.state == Job.State.FAILED and not macs.is_signed(found)
        messages.warning(request, services.NOT_ASKED_FOR if refused else "This job is on its way already.")
    return redirect("jobs", study.slug)


@study_page("run_jobs")
@require_POST
def retry_all(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    services.retry_failed(study=study)
    return redirect("jobs", study.slug)


@study_page("run_jobs")
@require_POST
def cancel(request: StudyRequest, study: ReaderStudy, job: int) -> HttpResponse:
    if not services.cancel(job=_job(study, job)):
        messages.warning(request, "This job had ended already.")
    return redirect("jobs", study.slug)


@study_page("run_jobs")
@require_POST
def run_missing(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    if not services.ask_for_missing(study, renew=study.state == State.DRAFT):
        messages.info(
            request, "Nothing is missing that could be made from what is there. Failed jobs have a retry of their own."
        )
    return redirect("jobs", study.slug)
