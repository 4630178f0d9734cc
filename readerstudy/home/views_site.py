"""The page *Site*, for who operates it: the machine and the records, no data of a study."""

import django
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive import last_backup
from readerstudy.home import watch
from readerstudy.jobs import disk, release
from readerstudy.jobs.clock import since
from readerstudy.jobs.models import Alert, Job, Worker
from readerstudy.protocol.access import SignedInRequest
from readerstudy.serving import request_times


@never_cache
@login_required
@require_safe
def site(request: SignedInRequest) -> HttpResponse:
    """404 for who does not operate the site. Asked by its script it sends the part that changes."""
    if not watch.may_operate(request.user):
        raise Http404
    at, last = last_backup.at(), watch.last_verification()
    counts = dict(Job.objects.values_list("state").annotate(Count("pk")))
    running = {job.worker: job for job in Job.objects.filter(state=Job.State.RUNNING)}
    workers = list(Worker.objects.annotate(age=since("at")).order_by("worker"))
    waiting = Job.objects.filter(state=Job.State.WAITING).annotate(age=since("created_at")).order_by("created_at")
    records = last.result["records"] if last else []
    context = {
        "alerts": Alert.objects.all(),
        "answered": request_times.histogram()[0][-1],
        "within": request_times.within(0.95),
        "workers": [{"worker": one, "job": running.get(one.worker), "code": one.code[:12]} for one in workers],
        "at_work": sum(not one.reason for one in workers),
        "waiting": counts.get(Job.State.WAITING, 0),
        "failed": counts.get(Job.State.FAILED, 0),
        "oldest": waiting.first(),
        "free": disk.free(),
        "reserve": disk.reserve(),
        "full": disk.is_full(),
        "backup": at,
        "backup_is_old": at is None or (timezone.now() - at).days >= settings.BACKUP_DAYS,
        "backup_days": settings.BACKUP_DAYS,
        "verified": last,
        "records": records,
        "broken": sum(bool(row["problems"]) for row in records),
        "code": release.running()[:12],
        "other_release": bool(release.problem()),
        "database": f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}",
        "django": django.get_version(),
        "told": settings.ALERTS_TO,
    }
    return render(request, "home/site_live.html" if request.htmx else "home/site.html", context)
