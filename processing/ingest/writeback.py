"""Have the disk begin to write while more is being computed: who flushes later waits less."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_WRITE = 2  # SYNC_FILE_RANGE_WRITE: begin, do not wait
_sync_file_range: Callable[..., int] | None = getattr(ctypes.CDLL(None), "sync_file_range", None)  # Linux


def begin(handle: int) -> None:
    """Of what was written to this open file; a hint that promises nothing."""
    if _sync_file_range is not None:
        _sync_file_range(handle, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE)
