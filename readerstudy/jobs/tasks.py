"""The one Celery task: claim a job, keep it alive, run its function, store its result."""

import logging
import os
import re
import socket
import threading
import time

from celery import shared_task
from celery.signals import worker_init, worker_ready, worker_shutdown
from django.conf import settings
from django.db import close_old_connections, connection, connections

from analysis.errors import InputError as TableError
from processing.errors import InputError
from readerstudy.audit.services import RecordError
from readerstudy.jobs import disk, registry, services
from readerstudy.jobs.models import Job

logger = logging.getLogger(__name__)
TOLD_EVERY = 0.5  # seconds
NUMBERS = re.compile(r"[\d,]+")  # what alone differs between the messages of one step


class TakenAwayError(Exception):
    """The job was cancelled, or given to another worker while this one was silent."""


def perform(job: Job) -> None:
    """Run a claimed job to its end. Never raises: what goes wrong is the job's error."""
    stop = threading.Event()
    lost = threading.Event()

    def keep_alive() -> None:
        while not stop.wait(settings.JOB_HEARTBEAT_SECONDS):
            try:
                if not services.beat(job=job):
                    lost.set()
            except Exception:
                logger.exception("heartbeat of job %s", job.pk)
            finally:
                close_old_connections()
        connection.close()

    told, step = 0.0, None

    def report(progress: float, message: str = "") -> None:
        """A step that begins is told at once, for jobs rely on being stopped there; one may tell of every slice."""
        nonlocal told, step
        if lost.is_set():
            raise TakenAwayError
        now, begins = time.monotonic(), NUMBERS.sub("", message)
        if begins == step and now - told < TOLD_EVERY:
            return
        told, step = now, begins
        if not services.beat(job=job, progress=progress, message=message):
            raise TakenAwayError

    pulse = threading.Thread(target=keep_alive, daemon=True)
    pulse.start()
    try:
        store = registry.find(job.function)(job, report)
        if not services.finish(job=job, store=store):
            logger.warning("Job %s was taken away before it ended; its result is dropped.", job.pk)
    except TakenAwayError:
        logger.warning("Job %s was taken away.", job.pk)
    except (InputError, TableError, RecordError) as error:
        services.fail(job=job, error=str(error))
    except MemoryError:
        services.fail(job=job, error="Not enough memory on this worker. Retry on a larger one.")
    except Exception as error:
        if disk.is_no_room(error):
            services.put_back(job=job, message="Waits for room on the disk.")
            return
        if isinstance(error, registry.LaterError):
            logger.warning("Job %s waits: %s", job.pk, error)
            services.put_back(job=job, message=str(error))
            return
        logger.exception("job %s", job.pk)
        said = (
            f"A file could not be read or written: {error.strerror or error}. Retry."
            if isinstance(error, OSError)
            else f"Unexpected: {type(error).__name__}. The worker's log says more. Retry."
        )
        services.fail(job=job, error=said)
    finally:
        stop.set()
        pulse.join(timeout=5)


def name() -> str:
    """What this process is called where a worker is named."""
    return f"{socket.gethostname()}:{os.getpid()}"


@shared_task(name=services.RUN)
def run_job(job_id: int) -> None:
    job = services.claim(job_id=job_id, worker=name())
    if job is not None:
        perform(job)


@worker_init.connect
def flush_with_the_next_answer(**_: object) -> None:
    """What a worker stores can be made again: SQLite need not flush it by itself, as it does what a person sends."""
    options = connections.settings["default"].get("OPTIONS", {})
    if "init_command" in options:
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=NORMAL")


@worker_init.connect
def import_before_processes_part(**_: object) -> None:
    """They share the memory of what was imported by then."""
    registry.load()


_sweeping = threading.Event()


@worker_ready.connect
def start_sweeper(sender, **_: object) -> None:
    listens = True

    def look_after_jobs() -> None:
        nonlocal listens
        said = services.tell_obstacles(worker=name())
        if bool(said) == listens:  # what this worker may not do stays in the queue, for those that may
            logger.log(logging.ERROR if said else logging.INFO, "%s", said or "Nothing keeps this worker any more.")
            for queue in settings.WORKER_QUEUES:
                sender.call_soon(sender.cancel_task_queue if said else sender.add_task_queue, queue)
            listens = not said
        services.requeue_lost_jobs()
        disk.hold_back()
        for chore in registry.chores() if listens else ():
            chore()

    def sweep_forever() -> None:
        while True:
            try:
                look_after_jobs()
            except Exception:
                logger.exception("sweep")
            finally:
                close_old_connections()
            if _sweeping.wait(min(5, settings.JOB_STALE_SECONDS / 3)):
                return

    threading.Thread(target=sweep_forever, daemon=True, name="sweeper").start()


@worker_shutdown.connect
def stop_sweeper(**_: object) -> None:
    _sweeping.set()
    services.sign_off(worker=name())
