"""Have the disk keep what was written: once for many files, where the system can."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # Linux


def sync(paths: Iterable[Path]) -> None:
    """Return when the content of these files, and what folders say of them, is on disk. OSError if that fails."""
    places = {path.stat().st_dev: path for path in paths} if _syncfs else {}
    for path in places.values() if _syncfs else paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            if _syncfs is None:
                os.fsync(handle)
            elif _syncfs(handle):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(handle)
