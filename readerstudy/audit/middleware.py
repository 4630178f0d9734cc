"""A request that would have added to a record that does not hold ends with a sentence, and changes nothing."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.audit.services import RecordError


class RecordMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """409 with the sentence; who may see the log finds it there too."""
        if not isinstance(error, RecordError):
            return None
        return render(request, "audit/record_broken.html", {"sentence": str(error)}, status=409)
