"""Each request has a number, which stands with every line of the log that it causes, and is timed."""

import logging
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from readerstudy.serving import request_times

number: ContextVar[str] = ContextVar("number", default="")
access = logging.getLogger("readerstudy.serving.access")


def route_of(request: HttpRequest) -> str:
    """The pattern of the address, which names no study and no person."""
    match = request.resolver_match
    return f"/{match.route}" if match else "(none)"


class RequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token, began = number.set(secrets.token_hex(6)), time.perf_counter()
        try:
            response = self.get_response(request)
            took = time.perf_counter() - began
            request_times.note(took, response.status_code)
            if settings.ACCESS_LOG:
                about = {"method": request.method, "route": route_of(request), "status": response.status_code}
                access.info(
                    "%(method)s %(route)s %(status)s", about, extra={"fields": about | {"ms": round(took * 1000, 1)}}
                )
            return response
        finally:
            number.reset(token)
