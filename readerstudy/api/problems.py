"""What went wrong, as RFC 9457 has it (application/problem+json), in the sentences of the pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from processing.errors import InputError
from readerstudy.audit.services import RecordError
from readerstudy.jobs.disk import NoRoomError

NOT_THERE = "There is nothing here for this person."
KEPT = ("WWW-Authenticate", "Retry-After")


class ProblemRenderer(JSONRenderer):
    media_type = "application/problem+json"


class WrongState(exceptions.APIException):
    """What the role may do, but not in the study's present state."""

    status_code = 409

    def __init__(self, state: str) -> None:
        super().__init__(f"Not while the study is {state}." if state else "Nobody reads in a study of images alone.")


class NotSaid(exceptions.APIException):
    """Whoever changes a thing says which state of it is meant."""

    status_code = 428

    def __init__(self) -> None:
        super().__init__("Send If-Match with the ETag of what you have seen, so that nobody's change is lost.")


class Changed(exceptions.APIException):
    """Somebody changed it meanwhile."""

    status_code = 412

    def __init__(self) -> None:
        super().__init__("It was changed meanwhile. Look at it again, then decide.")


def refused(errors: Mapping[str, Any]) -> exceptions.ValidationError:
    """What a form of the pages says, by field."""
    named = {"__all__": "non_field_errors"}
    return exceptions.ValidationError({named.get(name, name): list(said) for name, said in errors.items()})


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The problem that an exception is; None for a fault of the site."""
    found = _status(error)
    response = None if found else exception_handler(error, context)
    if found is None and response is None:
        return None
    status = found or response.status_code  # type: ignore[union-attr]
    body: dict[str, Any] = {}
    if isinstance(error, exceptions.ValidationError):
        body = {"detail": "Some of what was sent cannot be taken.", "errors": error.detail}
    elif isinstance(error, Http404 | exceptions.NotFound):
        body["detail"] = NOT_THERE
    elif isinstance(error, exceptions.APIException):
        body["detail"] = str(error.detail)
    elif not isinstance(error, PermissionDenied):
        body["detail"] = str(error)
    headers = {name: response[name] for name in KEPT if response is not None and name in response}
    return made(status, body, context, headers)


def made(status: int, said: dict[str, Any], context: dict[str, Any], headers: dict[str, str]) -> Response:
    """A problem; said: its detail, and what else belongs to it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status} | said
    response = Response(body, status=status, headers=headers, content_type=ProblemRenderer.media_type)
    context["request"].accepted_renderer = ProblemRenderer()  # also where something else was asked for
    context["request"].accepted_media_type = ProblemRenderer.media_type
    return response


def _status(error: Exception) -> int | None:
    if isinstance(error, NoRoomError):
        return 507
    if isinstance(error, InputError):
        return 422
    return 409 if isinstance(error, RecordError) else None
