"""The file of the security log: who tried to come in, from where, when. Apart from the site's log, which names nobody.

One JSON object a line, one file a day, readable by the site's own account alone. Files have their day in the name, so
that any number of processes writes without one renaming what another writes; those older than the settings say are
removed.
"""

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from readerstudy.accounts.clients import address_of

LONGEST = 300  # characters of anything that a visitor sent
BIGGEST = 64 * 1024 * 1024  # bytes a day: whoever floods the log does not fill the disk


class SecurityFormatter(logging.Formatter):
    """A record as JSON: line breaks and quotes in a name cannot make a line of their own."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")}
        said["event"] = record.getMessage()[:LONGEST]
        if (request := getattr(record, "request", None)) is not None:
            user = getattr(request, "user", None)
            signed_in = user.get_username() if user is not None and user.is_authenticated else ""
            said |= {"address": address_of(request), "signed_in": signed_in, "path": request.path[:LONGEST]}
        said |= {name: str(value)[:LONGEST] for name, value in getattr(record, "told", {}).items()}
        return json.dumps({name: value for name, value in said.items() if value}, ensure_ascii=False)


class SecurityHandler(logging.Handler):
    """Appends each record to the file of its day."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            path = _path(datetime.fromtimestamp(record.created, UTC))
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _remove_old(path.parent)
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.fstat(file).st_size < BIGGEST:
                    os.write(file, f"{self.format(record)}\n".encode(errors="replace"))
            finally:
                os.close(file)
        except Exception:  # a log that cannot be written keeps nobody out
            self.handleError(record)


def _path(day: datetime) -> Path:
    return settings.SECURITY_LOG_DIR / f"security-{day:%Y-%m-%d}.jsonl"


def _remove_old(folder: Path) -> None:
    oldest = _path(datetime.now(UTC) - timedelta(days=settings.SECURITY_LOG_DAYS)).name
    for path in folder.glob("security-*.jsonl"):
        if path.name < oldest:
            path.unlink(missing_ok=True)
