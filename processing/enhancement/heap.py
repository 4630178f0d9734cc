"""The C library's heap: whether freed memory stays with the process."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of glibc's mallopt
_KEPT = 256 << 20  # bytes
_LARGEST = 32 << 20  # bytes; glibc takes no more


def keep_freed_memory() -> None:
    """Let this process keep up to 256 MB that it has freed, for good, where the C library is glibc.

    A network frees and takes the same hundred megabytes for every slice; handed back to the system each time, they
    have to be faulted in page by page again, which is a sixth of the time. Does nothing with another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_ARENA_MAX, 1)  # another thread's own heap would be trimmed all the same
