"""How far each reader is. Counts and times, no answer."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import selectors
from readerstudy.reading.schedule_summary import schedule_summary
from readerstudy.states import State


@never_cache
@study_page("see_progress")
def progress(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    rows = selectors.reading_progress(study)
    context = {
        "tab": "reading_progress",
        "study": study,
        "rows": rows,
        "schedule": schedule_summary(study),
        "confirmed": sum(row["confirmed"] for row in rows),
        "total": sum(row["total"] for row in rows),
        "draft": study.state == State.DRAFT,
        "skipped": selectors.skipped(study),
    }
    return render(request, "reading/progress_live.html" if request.htmx else "reading/progress.html", context)
