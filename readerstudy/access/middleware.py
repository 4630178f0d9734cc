"""Notes who saw what. Takes some microseconds of an answer; what is noted is written later, by a thread."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from readerstudy.access import writing
from readerstudy.access.watching import kind_of
from readerstudy.accounts.sessions import claimed_user

PROGRAM_OF = "program_of"  # attribute of a request: number of the person for whom a program asks


class AccessMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        kind = kind_of(request, response) if settings.ACCESS_LOG_SECONDS else None
        user = getattr(request, PROGRAM_OF, None) or claimed_user(request.session) if kind else None
        if kind and user and request.resolver_match:
            writing.note(int(user), kind, request.resolver_match)
        return response
