"""Static files, collected and compressed when they changed: compressing them takes longer than all else at a start."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = ".collected-from"  # a name that is not served


def collect() -> bool:
    """Bring STATIC_ROOT up to date; whether there was anything to do."""
    stamp = Path(settings.STATIC_ROOT, STAMP)
    wanted = _digest()
    if stamp.is_file() and stamp.read_text() == wanted and not _missing():
        return False
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted)
    return True


def _digest() -> str:
    """Of every file's name and content, and of what serves them."""
    found = hashlib.sha256(json.dumps([settings.STORAGES["staticfiles"], version("whitenoise")]).encode())
    for finder in get_finders():
        for path, storage in finder.list(None):
            with storage.open(path) as file:
                found.update(f"{path}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()


def _missing() -> bool:
    """Whether a file is gone that was collected."""
    try:
        names = json.loads(Path(settings.STATIC_ROOT, "staticfiles.json").read_text())["paths"].values()
    except (OSError, ValueError, KeyError):
        return True
    return not all(Path(settings.STATIC_ROOT, name).is_file() for name in names)
