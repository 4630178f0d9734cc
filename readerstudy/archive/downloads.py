"""How tables and results leave the site."""

from collections.abc import Iterable

from django.http import HttpResponse, StreamingHttpResponse


def stream_csv(lines: Iterable[str | bytes], name: str) -> StreamingHttpResponse:
    """A CSV file that is written while it is sent; `name` is what the browser calls it."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def send_json(content: str | bytes, name: str) -> HttpResponse:
    """A JSON file; `name` is what the browser calls it."""
    response = HttpResponse(content, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
