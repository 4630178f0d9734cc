"""Whether the site can work, for whoever watches it: a balancer, a container engine, systemd."""

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive import near, quarantine, store_mark
from readerstudy.jobs.selectors import idle_workers

DAY = timedelta(days=1)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: who does not get it starts the process again."""
    return JsonResponse({"web": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 unless this web server reaches the database and sees the site's store. Without details: anybody may ask.

    `workers` says whether one runs that may not work, as it sees another store or is of another release; the site works
    without it.
    """
    try:
        if "quarantine" in settings.STORAGES:  # each machine has copies, and a folder for requests, of its own
            near.forget_erased()
            quarantine.erase_here_older_than(timezone.now() - DAY)
        sees, idle = not store_mark.problem(), bool(idle_workers())
    except DatabaseError:
        return JsonResponse({"database": "unreachable"}, status=503)
    said = {"database": "ok", "store": "ok" if sees else "another", "workers": "idle" if idle else "ok"}
    return JsonResponse(said, status=200 if sees else 503)
