"""The log of a study."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from readerstudy.audit import heads
from readerstudy.audit.verify import SHOWN, log_problem
from readerstudy.home import log as selectors
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@never_cache
@study_page("see_log")
def log(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    readings = request.GET.get("readings") == "1"
    pages = Paginator(selectors.log_of(study, readings=readings), 100)
    last = study.events.order_by("-number").first()
    return render(
        request,
        "home/log.html",
        {
            "tab": "log",
            "study": study,
            "readings": readings,
            "query": "readings=1" if readings else "",
            "page": pages.get_page(request.GET.get("page")),
            "last": last,
            "problem": log_problem(study),
            "part": SHOWN if last and last.number > SHOWN else 0,
            "alarms": heads.alarms(study.slug),
        },
    )
