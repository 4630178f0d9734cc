"""Static files, collected and compressed when they changed: compressing them takes longer than all else at a start."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

RECORD = "static-files.json"  # in VAR_DIR: what lies beside the files would be served


def collect() -> bool:
    """Bring STATIC_ROOT up to date; whether there was anything to do. A file that is not as it was written, whoever
    changed it or cut it short, is there again afterwards."""
    record = Path(settings.VAR_DIR, RECORD)
    wanted = _sources()
    try:
        known = json.loads(record.read_text())
    except (OSError, ValueError):
        known = None
    if known == {"from": wanted, "made": _made()}:
        return False
    record.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    record.write_text(json.dumps({"from": wanted, "made": _made()}))
    return True


def _sources() -> str:
    """Of every file's name and content, and of what serves them: SHA-256, hexadecimal."""
    found = hashlib.sha256(json.dumps([settings.STORAGES["staticfiles"], version("whitenoise")]).encode())
    for finder in get_finders():
        for path, storage in finder.list(None):
            with storage.open(path) as file:
                found.update(f"{path}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()


def _made() -> dict[str, str]:
    """SHA-256 of each file that is served, compressed ones too."""
    root = Path(settings.STATIC_ROOT)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
