"""Have the disk keep what was written: once for many files, where the system can."""

import ctypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path

FEW = 8  # files: below it is not worth flushing what others have written too
_syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # Linux


def sync(paths: Iterable[Path]) -> None:
    """Return when the content of these files, and what folders say of them, is on disk. OSError if that fails."""
    paths = list(paths)
    together = _syncfs if len(paths) > FEW else None
    for path in {path.stat().st_dev: path for path in paths}.values() if together else paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            if together is None:
                os.fsync(handle)
            elif together(handle):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(handle)
