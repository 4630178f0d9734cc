"""What runs, waits, failed; how far a whole study is."""

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.fields.json import KT

from readerstudy.jobs.clock import ago, since
from readerstudy.jobs.models import Job, Worker
from readerstudy.jobs.registry import kind, kinds
from readerstudy.protocol.models import ReaderStudy


def jobs_in(study: ReaderStudy, *states: str) -> QuerySet[Job]:
    return Job.objects.filter(study=study, state__in=states)


def counts(study: ReaderStudy) -> dict[str, int]:
    """Number of jobs in each state; every state is a key."""
    found = dict(Job.objects.filter(study=study).values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in Job.State.values}


def steps(study: ReaderStudy) -> list[dict]:
    """One row per kind of work, made arms apart: name, what, counts per state, total, seconds left (None while
    unknown: nothing of its kind has been done yet). Work that was asked for again counts once, as it stands now."""
    wanted = Job.objects.filter(study=study).exclude(state=Job.State.CANCELLED)
    newest = wanted.values("function", "label").annotate(newest=Max("pk")).values("newest")
    taken = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    rows = (
        Job.objects.filter(pk__in=newest)
        .values("function", arm=KT("parameters__arm"))
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state=Job.State.DONE)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            waiting=Count("pk", filter=Q(state=Job.State.WAITING)),
            failed=Count("pk", filter=Q(state=Job.State.FAILED)),
            mean=Avg(taken, filter=Q(state=Job.State.DONE)),
        )
    )
    arms = {str(arm.pk): arm for arm in study.arms.select_related("made_from")}
    workers = max(1, sum(row["running"] for row in rows))
    result = []
    for row in rows:
        left = row["running"] + row["waiting"]
        seconds = left * row["mean"].total_seconds() / workers if left and row["mean"] else None
        step = kind(row["function"])
        name, what, place = step.title, step.what, float(step.place)
        if arm := arms.get(str(row["arm"])):
            name, place = arm.code, step.place + arm.place / 1000
            what = f"{arm.made_from.code} by {arm.maker}" if arm.made_from else what
        result.append({**row, "name": name, "what": what, "seconds_left": seconds, "place": place})
    return sorted(result, key=lambda row: (row["place"], row["name"]))


def running(study: ReaderStudy) -> list[dict]:
    """Jobs that run now, with the seconds that each probably still takes (None in its first moments)."""
    rows = []
    for job in jobs_in(study, Job.State.RUNNING).annotate(age=since("started_at")):
        passed = job.age.total_seconds() if job.age else 0
        left = passed * (1 - job.progress) / job.progress if job.progress > 0.03 else None
        rows.append({"job": job, "kind": kind(job.function).verb, "seconds_left": left})
    return rows


def outdated(study: ReaderStudy) -> list[dict]:
    """What an earlier version made: arm, model and number of outputs each."""
    return [row for one in kinds() if one.outdated for row in one.outdated(study)]


def stalled(study: ReaderStudy) -> bool:
    """Whether jobs have waited for over a minute while nothing runs: probably there is no worker."""
    if jobs_in(study, Job.State.RUNNING).exists():
        return False
    return jobs_in(study, Job.State.WAITING).filter(created_at__lt=ago(minutes=1)).exists()


def workers() -> list[Worker]:
    """Workers that ran within the last minute."""
    return list(Worker.objects.filter(at__gt=ago(minutes=1)).order_by("worker"))


def idle_workers() -> list[Worker]:
    """Those of them that may not take jobs."""
    return [worker for worker in workers() if worker.reason]
