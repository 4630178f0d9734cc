"""A study at a glance, and its protocol with what is missing before it can be opened."""

from django.db.models import Count, Prefetch, Q, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from readerstudy.home.arm_chains import arm_chains
from readerstudy.home.next_steps import tasks_of
from readerstudy.home.selectors import latest_events, study_rows
from readerstudy.jobs.selectors import counts
from readerstudy.material.selectors import in_use
from readerstudy.protocol import selectors
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.briefing import opened_without
from readerstudy.protocol.models import Amendment, ReaderStudy
from readerstudy.reading.opening import last_opening
from readerstudy.reading.opening_checklist import checklist, in_the_way
from readerstudy.reading.schedule_summary import schedule_summary
from readerstudy.reading.selectors import reading_progress
from readerstudy.states import State


@study_page("see_overview")
def overview(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    [row] = study_rows([request.membership])
    return render(
        request,
        "home/overview.html",
        {
            "tab": "study",
            "study": study,
            "row": row,
            "tasks": tasks_of([row]),
            "jobs": counts(study),
            "readers": reading_progress(study),
            "lately": latest_events([study], 8),
            "people": study.memberships.select_related("user"),
        },
    )


@never_cache
@study_page("see_protocol")
def protocol(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    selectors.have_protocol(study)
    prefetch_related_objects([study], Prefetch("amendments", Amendment.objects.select_related("actor")))
    draft, points = study.state == State.DRAFT, checklist(study)
    cases = study.cases.filter(in_use(), training=False)
    if not draft:  # others wait for an amendment
        cases = cases.filter(presentations__isnull=False).distinct()
    return render(
        request,
        "home/protocol.html",
        {
            "tab": "protocol",
            "study": study,
            "points": points,
            "missing": len(in_the_way(points)),
            "opening": last_opening(study) if draft else None,
            "document": selectors.protocol_document(study),
            "schedule": schedule_summary(study),
            "draft": draft,
            "arms": selectors.arms_of(study),
            "chains": arm_chains(study),
            "criteria": study.criteria.all(),
            "comparisons": selectors.comparisons_of(study),
            "cases": cases.count(),
            "people": study.memberships.select_related("user"),
            "sites": study.sites.annotate(count=Count("subjects", filter=Q(subjects__withdrawn_at=None))).order_by(
                "code"
            ),
            "moves": selectors.moves_from(study),
            "amendments": study.amendments.all(),
            "opened_without": opened_without(study),
        },
    )
