"""Sign in, and the home page: what to do next."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from readerstudy.accounts import keys, views
from readerstudy.accounts.models import Role, SiteRole
from readerstudy.home import selectors, watch
from readerstudy.home.next_steps import tasks_of
from readerstudy.protocol.access import SignedInRequest
from readerstudy.viewing.selectors import check_of_sitting

REMOVED = 10  # studies of which the home page tells
STUDIES = 50  # on one page
TASKS = 25  # the most pressing ones


class SignIn(views.SignIn):
    """With what each account of the demonstration has to do."""

    def get_context_data(self, **kwargs) -> dict:
        accounts = selectors.demo_accounts() if settings.DEMO else []
        return super().get_context_data(accounts=accounts, **kwargs)


@never_cache
@login_required
def home(request: SignedInRequest) -> HttpResponse:
    """Readings, to-do list and studies, whichever this person has."""
    readings = selectors.readings_of(request.user)
    members = selectors.studies_of(request.user)
    page = Paginator(members, STUDIES).get_page(request.GET.get("page"))
    studies, mine = [one.study for one in members], [one.study for one in members if one.role == Role.ADMIN]
    rows = selectors.study_rows(members)
    tasks = tasks_of(rows)
    shown = {one.pk for one in page}
    context: dict[str, object] = {
        "first": readings[0] if readings and readings[0]["stage"] == "open" else None,
        "readings": readings[1:] if readings and readings[0]["stage"] == "open" else readings,
        "rows": [row for row in rows if row["member"].pk in shown],
        "page": page,
        "tasks": tasks[:TASKS],
        "later": max(0, len(tasks) - TASKS),
        "sees_accounts": request.user.may(SiteRole.SEES_ACCOUNTS),
        "may_create": request.user.may(SiteRole.CREATES_STUDIES),
        "removed": selectors.removed_studies(REMOVED) if request.user.may(SiteRole.CREATES_STUDIES) else [],
        "may_operate": watch.may_operate(request.user),
    }
    if readings:
        context["caps"] = keys.caps(keys.bound(request.user))
    if context["first"]:
        context["display"] = check_of_sitting(request.session, readings[0]["member"])
    if mine:
        context |= {
            "alarms": selectors.alarms(mine),
            "week": selectors.reading_this_week(studies),
            "lately": selectors.latest_events(studies),
            "machine": selectors.workers_and_disk(studies),
        }
    return render(request, "home/home.html", context)
