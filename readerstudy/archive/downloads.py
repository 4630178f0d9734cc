"""How tables leave the site."""

from collections.abc import Iterable

from django.http import StreamingHttpResponse


def stream_csv(lines: Iterable[str | bytes], name: str) -> StreamingHttpResponse:
    """A CSV file that is written while it is sent; `name` is what the browser calls it."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
