"""Have the disk keep what was written: once for many files, where the system can."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

FEW = 8  # files: below it is not worth flushing what others have written too
_syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # Linux


def sync(paths: Iterable[Path]) -> None:
    """Return when the content of these files, and what folders say of them, is on disk. OSError if that fails."""
    paths = list(paths)
    if _syncfs is None or len(paths) <= FEW:
        flush, chosen = os.fsync, paths
    else:
        flush, chosen = _flush_all, list({path.stat().st_dev: path for path in paths}.values())
    for path in chosen:
        handle = os.open(path, os.O_RDONLY)
        try:
            flush(handle)
        finally:
            os.close(handle)


def _flush_all(handle: int) -> None:
    if _syncfs(handle):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
