"""At every door: the page of who must wait, the mark of a browser that signed in, a note of who was refused."""

from collections.abc import Callable
from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.accounts import devices, security

REFUSED = (403, 404)


class EntranceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (seconds := getattr(request, "paused_seconds", None)) is not None:
            context = {"minutes": ceil(seconds / 60)}
            response = render(request, "registration/sign_in_paused.html", context, status=429)
            response["Retry-After"] = str(ceil(seconds))
        if name := getattr(request, "newly_signed_in", ""):
            devices.remember(request, response, name)
        # A page that is there, and not for this account.
        if (
            response.status_code in REFUSED
            and request.resolver_match
            and request.user
            and request.user.is_authenticated
        ):
            security.note("refused", request, status=response.status_code)
        return response
