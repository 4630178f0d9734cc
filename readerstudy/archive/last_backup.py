"""When the site was backed up last: a file beside the data, which the backup itself does not hold."""

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def _file() -> Path:
    return settings.VAR_DIR / "last-backup"


def note() -> None:
    """The site was backed up now."""
    _file().write_text(timezone.now().isoformat(timespec="seconds"))


def at() -> datetime | None:
    """When that was; None if it never was."""
    try:
        return datetime.fromisoformat(_file().read_text())
    except (FileNotFoundError, ValueError):
        return None
