"""What a worker does with a message: nothing, where its headers are others than the site signed with its content.

They name the task, and say when it is due and when it is ended by force.
"""

from typing import Any

from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker.request import Request

from readerstudy.jobs.signed_messages import SIGNED, digest


class SignedRequest(Request):
    """InvalidTaskError for a message that the site did not write as it is; the worker logs it, and drops it."""

    def __init__(self, message: Any, **more: Any) -> None:
        match message.payload:
            case [list(), dict(), {**said}] if said.get(SIGNED) == digest(message.headers):
                super().__init__(message, **more)
            case _:
                raise InvalidTaskError("A message on the queue is not what this site wrote.")


class SignedTask(Task):
    """Every task of the site, Celery's own too."""

    abstract = True
    Request = f"{SignedRequest.__module__}:{SignedRequest.__name__}"
