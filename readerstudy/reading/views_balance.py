"""The balance report, for a statistician to read and to print."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import balance


@never_cache
@study_page("see_schedule")
@require_safe
def balance_report(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    return render(
        request,
        "reading/balance.html",
        {
            "tab": "reading_progress",
            "study": study,
            "report": balance.report(study),
            "thirds": balance.THIRDS,
        },
    )
