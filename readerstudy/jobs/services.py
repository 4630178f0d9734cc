"""Background work: asked for, claimed, kept alive, finished, requeued. The Job table is the truth.

A message on the queue only says "look at job n". Losing one delays a job until the sweeper's next round,
getting one twice changes nothing: a job is claimed by a conditional UPDATE (SQLite has no row locks) and
finished only by the claim that holds it.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Model, Q
from django.db.models.functions import Now

from processing.errors import InputError
from readerstudy.audit import heads
from readerstudy.audit.canonical import canonical
from readerstudy.audit.studies import keep_in_place
from readerstudy.jobs import disk, macs, order, queues, registry, release
from readerstudy.jobs.clock import ago
from readerstudy.jobs.models import Job, Worker
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State

logger = logging.getLogger(__name__)
NO_STUDY = "-"
RUN = "readerstudy.run_job"  # the task in `tasks`
AFRESH = {
    "state": Job.State.WAITING,
    "attempts": 0,
    "error": "",
    "message": "",
    "progress": 0,
    "claim": "",
    "finished_at": None,
}
MAX_ATTEMPTS = 5
UNDER_WAY = (Job.State.WAITING, Job.State.RUNNING)
NOT_ASKED_FOR = (
    "This site did not ask for this job, or it was changed since: nothing was done, and it is not tried again. What is "
    "missing can be asked for anew."
)


def job_key(*, function: str, version: int, inputs: dict) -> str:
    """Same function, version, content hashes and parameters: same key."""
    return hashlib.sha256(canonical([function, version, inputs])).hexdigest()


def request_job(
    *, function: str, label: str, study: ReaderStudy | None, parameters: dict, inputs: dict, version: int = 1
) -> tuple[Job, bool]:
    """Ask for a piece of work. Returns the job and whether it is new; sends it after the commit.

    `inputs` holds what the result depends on (content hashes, settings, the study); `parameters` what the
    function needs to find it. A row under its key that is not what the site asked for becomes what it asks for now.
    ValueError for a function that no app has registered.
    """
    if not registry.is_registered(function):
        raise ValueError(f"No app does {function}.")
    asked = {"function": function, "version": version, "label": label, "study": study, "parameters": parameters}
    wanted = Job(key=job_key(function=function, version=version, inputs=inputs), **asked)
    wanted.mac = asked["mac"] = macs.mac_of(wanted)
    found = Job.objects.filter(key=wanted.key).first()
    job, new = (found, False) if found else _stored(asked, wanted.key)
    if not new and job.state != Job.State.DONE and not macs.is_signed(job):
        _write_alarm(job)
        new = bool(Job.objects.filter(pk=job.pk, mac=job.mac).update(**asked, **AFRESH))
        job.refresh_from_db()
    if new:
        transaction.on_commit(lambda: send(job.pk))
    return job, new


def _stored(asked: dict, key: str) -> tuple[Job, bool]:
    """The job under this key, and whether it is new.

    Who holds a study may ask for the same: the study is held before the key is, as they have it. Of a transaction that
    began before, its own order holds: it may still need the study for itself alone.
    """
    alone = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if alone and asked["study"] is not None:
                keep_in_place(asked["study"])
            return Job.objects.create(key=key, **asked), True
    except IntegrityError:  # somebody asked for it meanwhile
        if found := Job.objects.filter(key=key).first():
            return found, False
        raise


def ask_for_missing(study: ReaderStudy, *, case: Model | None = None, renew: bool = False) -> int:
    """Ask for everything that is missing and can be made now, of one case or all; returns the number of new jobs.

    renew: also for what an earlier version made; only in a draft, else InputError.
    """
    if renew and study.state != State.DRAFT:
        raise InputError("The study has been opened: its series are frozen.")
    wanted = [kind.missing for kind in registry.kinds() if kind.missing]
    return sum(ask(study, case=case, renew=renew) for ask in wanted)


def ensure_nothing_runs(study: ReaderStudy, **_: object) -> None:
    """InputError while jobs could still change data of the study."""
    harmless = [kind.name for kind in registry.kinds() if kind.reads_only]
    under_way = Job.objects.filter(study=study, state__in=UNDER_WAY)
    busy = under_way.exclude(function__in=harmless).count()
    if busy:
        raise InputError(
            f"{busy} job{'s' if busy > 1 else ''} of this study wait or run: let them end, or cancel them."
        )


def ask_after_change(study: ReaderStudy, **_: object) -> None:
    """The protocol of a draft has changed: ask for what follows."""
    ask_for_missing(study)


def _write_alarm(job: Job) -> None:
    slug = job.study.slug if job.study else NO_STUDY
    heads.write_alarm(slug, f"Job {job.pk} ({job.function}) is not what this site asked for.")


def send(job_id: int) -> None:
    """Put the job's number on its queue. One that is full or away only delays it: the sweeper sends again."""
    function = Job.objects.filter(pk=job_id).values_list("function", flat=True).first() or ""
    queue, urgency = queues.of(function)
    if not queues.takes_one_more(queue):
        return
    try:
        current_app.send_task(RUN, [job_id], retry=False, queue=queue, priority=urgency)
    except Exception:
        logger.warning("The queue does not answer; job %s waits for the sweeper.", job_id)


def claim(*, job_id: int, worker: str) -> Job | None:
    """Take a waiting job. None if somebody else has it, it needs no work, or this process may not work.

    A job that the site did not ask for fails at once, with an alarm.
    """
    if said := registry.obstacles():
        logger.error("Job %s is left to another worker. %s", job_id, said)
        return None
    waiting = Job.objects.filter(pk=job_id, state=Job.State.WAITING)
    if disk.is_full() and not waiting.filter(function__in=registry.that_free_room()).exists():
        return None
    taken = waiting.update(
        state=Job.State.RUNNING,
        worker=worker,
        claim=secrets.token_hex(16),
        heartbeat_at=Now(),
        started_at=Now(),
        finished_at=None,
        attempts=F("attempts") + 1,
        progress=0,
        message="",
        error="",
    )
    if not taken:
        return None
    job = Job.objects.select_related("study").get(pk=job_id)
    if not macs.is_signed(job):
        _write_alarm(job)
        fail(job=job, error=NOT_ASKED_FOR)
        return None
    return job


def tell_obstacles(*, worker: str) -> str:
    """A sign of life, and what keeps this process from working, which the page of the jobs then says; "" if nothing
    does."""
    said = registry.obstacles()
    now = {"reason": said, "code": release.running(), "at": Now()}
    Worker.objects.update_or_create(worker=worker, defaults=now)
    Worker.objects.filter(at__lt=ago(days=1)).delete()  # long gone
    return said


def sign_off(*, worker: str) -> None:
    """This worker ends."""
    Worker.objects.filter(worker=worker).delete()


def beat(*, job: Job, progress: float | None = None, message: str | None = None) -> bool:
    """A sign of life. False if the job is no longer ours (cancelled, or given to another worker)."""
    changes: dict = {"heartbeat_at": Now()}
    if progress is not None:
        changes["progress"] = min(max(progress, 0), 1)
    if message is not None:
        changes["message"] = message[:200]
    return bool(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claim=job.claim).update(**changes))


def finish(*, job: Job, store: Callable[[], dict | None]) -> bool:
    """Store the result and mark the job done in one transaction; False (and nothing stored) if no longer ours."""
    with transaction.atomic():
        ours = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claim=job.claim).update(
            state=Job.State.DONE, progress=1, message="", mac="", finished_at=Now()
        )
        if not ours:
            return False
        if job.study_id is not None and not registry.kind(job.function).reads_only:
            study = ReaderStudy.objects.select_for_update().get(pk=job.study_id)
            if study.state == State.LOCKED:
                raise InputError("The study was locked meanwhile: nothing in it can change.")
        result = store() or {}
        Job.objects.filter(pk=job.pk).update(result=result)
        return True


def fail(*, job: Job, error: str) -> bool:
    """The job cannot be done; `error` says why in a sentence."""
    return bool(
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claim=job.claim).update(
            state=Job.State.FAILED, error=error or "It failed without a reason.", finished_at=Now()
        )
    )


def put_back(*, job: Job, message: str) -> bool:
    """The job cannot be done now; the sweeper sends it again after a while."""
    waiting = {"state": Job.State.WAITING, "claim": "", "progress": 0, "message": message, "heartbeat_at": Now()}
    ours = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claim=job.claim)
    return bool(ours.update(**waiting, attempts=F("attempts") - 1))


def retry(*, job: Job, parameters: dict | None = None) -> bool:
    """Let a failed or cancelled job run again, if the site asked for it; with other parameters if given."""
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, state__in=[Job.State.FAILED, Job.State.CANCELLED])
        found = ended.select_for_update().first()
        if found is None or not macs.is_signed(found):
            return False
        found.parameters = found.parameters if parameters is None else parameters
        again = ended.update(parameters=found.parameters, mac=macs.mac_of(found), **AFRESH)
        if again:
            transaction.on_commit(lambda: send(job.pk))
    return bool(again)


def retry_failed(*, study: ReaderStudy) -> int:
    """Let all failed jobs of a study run again; returns their number."""
    return sum(retry(job=job) for job in Job.objects.filter(study=study, state=Job.State.FAILED))


def cancel(*, job: Job) -> bool:
    """Stop a job: a waiting one never starts, a running one cannot store its result."""
    return bool(
        Job.objects.filter(pk=job.pk, state__in=UNDER_WAY).update(
            state=Job.State.CANCELLED, finished_at=Now(), claim=""
        )
    )


def requeue_lost_jobs() -> int:
    """Requeue what stopped beating and send again what waits unsent. Safe to run anywhere, any number at once."""
    stale = ago(seconds=settings.JOB_STALE_SECONDS)
    lost = Q(state=Job.State.RUNNING, heartbeat_at__lt=stale)
    Job.objects.filter(lost, attempts__gte=MAX_ATTEMPTS).update(
        state=Job.State.FAILED,
        error=f"The worker died {MAX_ATTEMPTS} times while doing this. Perhaps it runs out of memory.",
        finished_at=Now(),
    )
    Job.objects.filter(lost).update(state=Job.State.WAITING, claim="", progress=0, message="", heartbeat_at=None)
    # A waiting job's heartbeat is the time it was last sent again.
    unsent = Q(state=Job.State.WAITING, created_at__lt=stale) & (
        Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=stale)
    )
    waiting = Job.objects.filter(unsent).order_by("pk")
    sent = 0
    for queue in order.QUEUES:
        room = queues.room(queue) if waiting.filter(function__in=registry.in_queue(queue)).exists() else 0
        for _, functions in registry.by_urgency(queue):
            for pk in list(waiting.filter(function__in=functions).values_list("pk", flat=True)[:room]):
                if Job.objects.filter(pk=pk, state=Job.State.WAITING).update(heartbeat_at=Now()):
                    send(pk)
                    sent, room = sent + 1, room - 1
    return sent
