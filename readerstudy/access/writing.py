"""From a request to the log: noted in memory, written together every few seconds by one thread of each process.

Nobody who reads waits for it, and it holds no row that the record's chain holds. While the database cannot be reached
it is kept here. A process that is killed loses what it noted since.
"""

import atexit
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db import Error, close_old_connections
from django.urls import ResolverMatch
from django.utils import timezone

from readerstudy.access.services import Seen, keep

MOST = 20_000  # different things that wait in memory
AT_ONCE = 200  # rows of one transaction: what writes answers waits for no more than these
LEFT_OUT = {"slug", "index", "instance_uid", "frames"}  # of an address: its study, and which slice it was
logger = logging.getLogger(__name__)


@dataclass
class Times:
    """How often something was seen, and when."""

    first: datetime
    last: datetime
    number: int = 1


class Waiting:
    """What one process has noted and not yet written. numbers: of its rows so far, by study."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.writer: UUID = uuid4()
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.seen: dict[Seen, Times] = {}
        self.numbers: dict[int, int] = {}
        self.thread: threading.Thread | None = None

    def add(self, seen: Seen, times: Times) -> None:
        with self.lock:
            if known := self.seen.get(seen):
                known.first, known.last = min(known.first, times.first), max(known.last, times.last)
                known.number += times.number
            elif len(self.seen) < MOST:
                self.seen[seen] = times
            else:
                logger.error("Too much waits to be written to the log of who saw what: something was left out.")

    def taken(self) -> dict[Seen, Times]:
        with self.lock:
            seen, self.seen = self.seen, {}
        return seen


_waiting = Waiting()


def _own() -> Waiting:
    """This process's: a fork begins anew."""
    global _waiting
    if _waiting.process != os.getpid():
        _waiting = Waiting()
    return _waiting


def note(user: int, kind: str, match: ResolverMatch) -> None:
    """This account has been sent what lies at this address. Returns at once."""
    own, now = _own(), timezone.now()
    own.add(Seen(match.kwargs["slug"], user, kind, match.url_name or "", _arguments(match.kwargs)), Times(now, now))
    if own.thread is None:
        _start(own)


def _arguments(kwargs: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in kwargs.items() if name not in LEFT_OUT)


def _start(own: Waiting) -> None:
    with own.lock:
        if own.thread is None:
            own.thread = threading.Thread(target=_write_on, name="access log", daemon=True)
            own.thread.start()
            atexit.register(write)


def _write_on() -> None:
    pause = threading.Event()
    while True:
        pause.wait(settings.ACCESS_LOG_SECONDS)
        close_old_connections()
        write()


def write() -> None:
    """Write what waits. What cannot be written now waits on."""
    own = _own()
    with own.writing:
        waiting = list(own.taken().items())
        while waiting:
            some, rest = waiting[:AT_ONCE], waiting[AT_ONCE:]
            try:
                keep({one: (times.first, times.last, times.number) for one, times in some}, own.writer, own.numbers)
            except Error as error:
                logger.warning("The log of who saw what is not written at the moment: %s", type(error).__name__)
                for one, times in waiting:
                    own.add(one, times)
                return
            waiting = rest
