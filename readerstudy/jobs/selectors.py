"""What runs, waits, failed; how far a whole study is."""

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet

from readerstudy.jobs.models import Job
from readerstudy.protocol.models import ReaderStudy

STEPS = {
    "intake.sort": "Sorting and de-identification",
    "material.enhance": "DL enhancement",
    "results.compare": "Image metrics",
    "reading.prepare": "Pairs for reading",
}


def jobs_in(study: ReaderStudy, *states: str) -> QuerySet[Job]:
    return Job.objects.filter(study=study, state__in=states)


def counts(study: ReaderStudy) -> dict[str, int]:
    """Number of jobs in each state; every state is a key."""
    found = dict(Job.objects.filter(study=study).values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in Job.State.values}


def steps(study: ReaderStudy) -> list[dict]:
    """One row per kind of work: name, counts per state, total, seconds left (None while unknown)."""
    taken = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    rows = (
        Job.objects.filter(study=study)
        .exclude(state=Job.State.CANCELLED)
        .values("function")
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state=Job.State.DONE)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            waiting=Count("pk", filter=Q(state=Job.State.WAITING)),
            failed=Count("pk", filter=Q(state=Job.State.FAILED)),
            mean=Avg(taken, filter=Q(state=Job.State.DONE)),
        )
    )
    by_name = {row["function"]: row for row in rows}
    result = []
    for function in [*STEPS, *sorted(set(by_name) - set(STEPS))]:
        if row := by_name.get(function):
            left = row["running"] + row["waiting"]
            seconds = left * row["mean"].total_seconds() if left and row["mean"] else None
            result.append({**row, "name": STEPS.get(function, function), "seconds_left": seconds})
    return result
