"""Room on the site's disk. Before it is full, uploads are refused and jobs wait, so that people can go on.

A file of no use holds some room. Where something else has filled the disk, it goes: sign-in and answers need little.
"""

import errno
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import OperationalError

from processing.errors import InputError

MEGABYTE = 1 << 20
LARGEST_RESERVE = 1 << 30
HELD_BACK = 64 * MEGABYTE
TIGHT = 16 * MEGABYTE  # below it the file goes
NAME = "held-back"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
FULL = "The disk of the site is nearly full: {free} MB are free. Whoever runs the site has to make room."


class NoRoomError(InputError):
    """Something is not taken, as the disk is nearly full."""


def is_no_room(error: BaseException | None) -> bool:
    """Whether this error says that a disk is full: that of a file, or the database's."""
    if isinstance(error, OperationalError):
        return getattr(error.__cause__, "sqlstate", None) == "53100" or "disk is full" in str(error)
    return isinstance(error, NoRoomError) or (isinstance(error, OSError) and error.errno in NO_ROOM)


def _usage():
    place = Path(settings.VAR_DIR)
    while not place.exists():  # nothing was kept there yet
        place = place.parent
    return shutil.disk_usage(place)


def free() -> int:
    """Bytes that are free where the site keeps its data."""
    return _usage().free


def reserve() -> int:
    """Bytes that stay free for sign-in and answers: 5 % of the disk, 1 GB at most."""
    return min(LARGEST_RESERVE, _usage().total // 20)


def is_full() -> bool:
    """Whether uploads are refused and jobs wait."""
    return free() < reserve()


def problem() -> str:
    """That the disk is full, in a sentence; "" if it is not."""
    return FULL.format(free=free() // MEGABYTE) if is_full() else ""


def ensure_room() -> None:
    """NoRoomError where the disk is nearly full."""
    if said := problem():
        raise NoRoomError(said)


def hold_back() -> None:
    """Hold room back, where there is more than enough; less than what stays free, so that a disk on which it was given
    is full as before."""
    path = settings.VAR_DIR / NAME
    size = min(HELD_BACK, reserve() // 2)
    if path.exists() or free() < reserve() + 2 * size:
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    finally:
        os.close(file)


def give_way() -> bool:
    """Give the room that was held back, if there is none left; whether it was given."""
    path = settings.VAR_DIR / NAME
    if free() >= TIGHT or not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True
