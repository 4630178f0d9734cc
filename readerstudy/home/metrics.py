"""What a monitoring system reads: how the site fares, in Prometheus's text format. No names, no studies."""

import hmac
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.accounts.clients import address_of
from readerstudy.archive import last_backup
from readerstudy.home.watch import last_verification
from readerstudy.jobs import disk
from readerstudy.jobs.clock import ago, since
from readerstudy.jobs.models import Alert, Job
from readerstudy.jobs.selectors import workers
from readerstudy.reading.models import Rating
from readerstudy.serving import request_times

FORMAT = "text/plain; version=0.0.4; charset=utf-8"


def may_read(request: HttpRequest) -> bool:
    """Whether the settings allow this client, by its address or by the token that it sends."""
    _, _, sent = request.headers.get("Authorization", "").partition("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode()):
        return True
    address = address_of(request)
    # A proxy that the settings do not name stands between: its own address says nothing of the client.
    hidden = "X-Forwarded-For" in request.headers and address == request.META.get("REMOTE_ADDR")
    return bool(address) and not hidden and any(ip_address(address) in network for network in settings.METRICS_FROM)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 for who may not read them."""
    if not may_read(request):
        raise Http404
    return HttpResponse("".join(f"{line}\n" for line in lines()), content_type=FORMAT)


def lines() -> Iterator[str]:
    """The text, line by line."""
    counts = dict(Job.objects.values_list("state").annotate(Count("pk")))
    by_state = {f'{{state="{state}"}}': counts.get(state, 0) for state in Job.State.values}
    yield from _family("jobs", "gauge", "Jobs by state.", by_state)
    oldest = Job.objects.filter(state=Job.State.WAITING).aggregate(age=Max(since("created_at")))["age"]
    yield from _family("oldest_waiting_job_seconds", "gauge", "Age of the oldest job that waits.", _seconds(oldest))
    there = workers()
    idle = sum(bool(worker.reason) for worker in there)
    by_kind = {'{takes_jobs="yes"}': len(there) - idle, '{takes_jobs="no"}': idle}
    yield from _family("workers", "gauge", "Workers with a sign of life within a minute.", by_kind)
    yield from _family("disk_free_bytes", "gauge", "Room on the disk of the site.", {"": disk.free()})
    yield from _family("disk_reserve_bytes", "gauge", "Below it uploads are refused.", {"": disk.reserve()})
    answers = Rating.objects.filter(rated_at__gt=ago(minutes=1)).count()
    yield from _family("answers_per_minute", "gauge", "Ratings of the last minute.", {"": answers})
    yield from _family("alerts", "gauge", "Things that are the matter.", {"": Alert.objects.count()})
    at = last_backup.at()
    age = timezone.now() - at if at else None
    yield from _family("backup_age_seconds", "gauge", "Since the last backup.", _seconds(age))
    if last := last_verification():
        broken = sum(bool(row["problems"]) for row in last.result["records"])
        yield from _family("records_broken", "gauge", "Records that do not hold.", {"": broken})
    yield from _family(
        "responses_total",
        "counter",
        "Answers by class of status.",
        {f'{{status="{kind}"}}': count for kind, count in request_times.by_class().items()},
    )
    found, seconds = request_times.histogram()
    bounds = [*request_times.BOUNDS, "+Inf"]
    times: dict[str, float] = {f'_bucket{{le="{bound}"}}': count for bound, count in zip(bounds, found, strict=True)}
    times |= {"_sum": seconds, "_count": found[-1]}
    yield from _family("request_seconds", "histogram", "Time of answers.", times)


def _seconds(age: timedelta | None) -> dict[str, float]:
    return {"": float("nan") if age is None else age.total_seconds()}


def _family(name: str, kind: str, about: str, values: dict) -> Iterator[str]:
    yield f"# HELP readerstudy_{name} {about}"
    yield f"# TYPE readerstudy_{name} {kind}"
    yield from (f"readerstudy_{name}{label} {value}" for label, value in values.items())
