"""Database or object store do not answer, or the disk is full: said as that, to people and to programs, and when to try
again.

The reading room keeps what it could not send, and sends it again.
"""

import logging
import sys
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from readerstudy.jobs import disk
from readerstudy.jobs.registry import LaterError
from readerstudy.serving.requests import number

logger = logging.getLogger(__name__)
SAFE = ("GET", "HEAD")
DOWN = "The database does not answer now. Nothing that was saved is lost; try again in a few seconds."
AWAY = "The store of the images does not answer now. Nothing that was saved is lost; try again in a few seconds."
FULL = "The disk of the site is full. Nothing that was saved is lost; whoever runs the site has to make room."
FRESH = 1.0  # seconds: a connection that was used so lately is not asked whether it lives
AGAIN_AFTER = {503: "5", 507: "60"}  # seconds


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while database or object store do not answer, 507 where the disk is full, else 500. As `handler500`."""
    error = sys.exc_info()[1]
    if disk.is_no_room(error):
        disk.give_way()
        return _said(request, 507, FULL)
    if isinstance(error, LaterError):
        logger.warning("%s", error)
        return _said(request, 503, AWAY)
    if isinstance(error, (OperationalError, InterfaceError)):
        response = _said(request, 503, DOWN)
        response.connection_was_lost = _close_lost_connection()  # type: ignore[attr-defined]
        return response
    return HttpResponse(render_to_string("500.html", {"number": number.get()}), status=500)


def _close_lost_connection() -> bool:
    """Whether there was one that does not hold any more."""
    if connection.connection is None or connection.is_usable():
        return False
    connection.close()
    return True


def _said(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    if "text/html" in request.headers.get("Accept", ""):
        # Without the request: what the site's pages say of a person is in the database.
        response = HttpResponse(render_to_string(f"{status}.html", {"sentence": sentence}), status=status)
    else:
        response = JsonResponse({"detail": sentence}, status=status)
    response["Retry-After"] = AGAIN_AFTER[status]
    response["Cache-Control"] = "no-store"
    return response


class OutageMiddleware:
    """What only reads is asked once more where the database was started anew under an open connection; before
    something is written, room is made on a full disk."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in SAFE:
            disk.give_way()
        if time.monotonic() - getattr(connection, "used_at", -FRESH) < FRESH:
            connection.health_check_done = True  # type: ignore[attr-defined]
        response = self.get_response(request)
        connection.used_at = time.monotonic()  # type: ignore[attr-defined]
        if getattr(response, "connection_was_lost", False) and request.method in SAFE:
            response = self.get_response(request)
        return response
