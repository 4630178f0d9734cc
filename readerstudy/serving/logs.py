"""Lines of the application's log: with the number of the request, without names, addresses and what people sent.

Errors are told by their kind and where they arose. Their words are left out, as those of a database or a parser may
quote what it was given; and so are addresses below a study, in whose place stands their pattern.
"""

import json
import logging
import traceback
from datetime import UTC, datetime

from readerstudy.serving.requests import number, route_of

FRAMES = 12  # the last ones


def _message(record: logging.LogRecord) -> str:
    request = getattr(record, "request", None)
    if request is None or not hasattr(request, "resolver_match"):
        return record.getMessage()
    return f"{request.method} {route_of(request)} {getattr(record, 'status_code', '')}".rstrip()


def _error(record: logging.LogRecord) -> dict:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    kind, _, trace = record.exc_info
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return {"error": kind.__qualname__, "at": [f"{one.filename}:{one.lineno} {one.name}" for one in frames]}


class JSONFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": number.get(),
            "message": _message(record),
            **getattr(record, "fields", {}),
            **_error(record),
        }
        return json.dumps({name: value for name, value in said.items() if value != ""})


class LineFormatter(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        said = f"{self.formatTime(record)} {record.levelname} {record.name}: {_message(record)}"
        fields = getattr(record, "fields", {})
        said += f" {fields['ms']} ms" if "ms" in fields else ""
        said += f" [{number.get()}]" if number.get() else ""
        error = _error(record)
        return "\n  ".join([said, *error.get("at", []), error["error"]]) if error else said
