"""In which order the web server works: answers and pages first, then images, last those that are fetched ahead. Files
for admins and programs come beside them.

Readers who arrive together ask for thousands of images, which take a line of a gigabit minutes. An answer, or the pair
whose turn it is, never stands behind them: images are sent by processes of their own (`passing`), each kind has threads
of its own, and of those that make images a few work at a time, and only while nothing before them is to be done, or
`PATIENCE` is over. Sending takes no turn: a slow line holds a thread, and nobody else.
"""

import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum, IntEnum
from threading import Condition, Semaphore

from django.http import HttpRequest, HttpResponse
from gunicorn.workers.gthread import TConn, ThreadWorker

from readerstudy.serving.passing import Channel, Group, group_of_next


class Kind(IntEnum):
    """What is asked for, in the order of its turn."""

    ANSWER = 0
    IMAGE = 1
    AHEAD = 2
    FILE = 3  # for admins, analysts and programs, of any size: as long as its line is slow, it holds a thread


class Coming(Enum):
    """What has not come whole, and may take as long as its line is slow."""

    SHORT = "short"  # as an answer whose body follows its head
    LONG = "long"  # an upload, or what does not say yet what it is


PATIENCE = {Kind.IMAGE: 0.02, Kind.AHEAD: 0.2}  # seconds: where there is always something before them, they go on
AT_ONCE = {Kind.IMAGE: 4, Kind.AHEAD: 2}  # while one waits for the database, others go on
FRAME = re.compile(r"/frames/\d+/$")
DOWNLOAD = re.compile(r"^/dicomweb/|\.(csv|zip)$")
LENGTH = re.compile(r"(?im)^content-length:\s*(\d{1,18})\s*$")
CHUNKED = re.compile(r"(?im)^transfer-encoding:")
LATER = re.compile(r"u=[4-7]\b")  # RFC 9218; 3 where nothing is said
PRIORITY = re.compile(r"(?im)^priority:(.*)$")
LOOKED_AT = 65536  # bytes; a browser's request for a frame is shorter, an answer too


def kind_of(method: str, path: str, priority: str) -> Kind:
    """What is asked for. priority: the header of this name, "" if there is none."""
    if method != "GET" or not FRAME.search(path):
        return Kind.FILE if method == "GET" and DOWNLOAD.search(path) else Kind.ANSWER
    return Kind.AHEAD if LATER.search(priority) else Kind.IMAGE


class Turns:
    """Who works in this process, by kind."""

    def __init__(self) -> None:
        self._few = {kind: Semaphore(number) for kind, number in AT_ONCE.items()}
        self._working = dict.fromkeys(Kind, 0)
        self._changed = Condition()

    @contextmanager
    def of(self, kind: Kind) -> Iterator[None]:
        """Work of this kind, when its turn has come."""
        if kind not in AT_ONCE:
            with self._counted(kind):
                yield
            return
        with self._few[kind]:
            with self._changed:
                self._changed.wait_for(
                    lambda: not any(self._working[before] for before in Kind if before < kind), PATIENCE[kind]
                )
            with self._counted(kind):
                yield

    @contextmanager
    def _counted(self, kind: Kind) -> Iterator[None]:
        with self._changed:
            self._working[kind] += 1
        try:
            yield
        finally:
            with self._changed:
                self._working[kind] -= 1
                self._changed.notify_all()  # few wait: `AT_ONCE`


class TurnsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self.turns = get_response, Turns()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with self.turns.of(kind_of(request.method or "", request.path, request.headers.get("Priority", ""))):
            return self.get_response(request)


class Pools(Executor):
    """Threads for each kind of request; half as many for what is fetched ahead, for files, so that no slow download
    holds an answer, and for what has not come whole, so that no upload holds an answer that comes in pieces."""

    def __init__(self, threads: int) -> None:
        numbers = {Kind.ANSWER: threads, Kind.IMAGE: threads, Kind.AHEAD: threads // 2, Kind.FILE: threads // 2}
        self._pools: dict[Kind | Coming, Executor] = {
            kind: ThreadPoolExecutor(number, kind.name.lower()) for kind, number in numbers.items()
        }
        self._pools |= {coming: ThreadPoolExecutor(threads // 2, f"{coming.value}_coming") for coming in Coming}

    def submit(self, work: Callable, conn: TConn, /) -> Future:  # type: ignore[override]  # as the worker calls it
        return self._pools[asked_for(conn.sock)].submit(work, conn)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait, cancel_futures=cancel_futures)


def asked_for(sock: socket.socket) -> Kind | Coming:
    """What is asked for by the request that comes next on a connection; `Coming` where it has not come to its end: an
    upload, or a slow line, which holds no thread that others wait for."""
    try:
        head = sock.recv(LOOKED_AT, socket.MSG_PEEK | socket.MSG_DONTWAIT).decode("latin-1")
    except OSError:
        return Coming.LONG
    head, end, body = head.partition("\r\n\r\n")
    length = LENGTH.search(head)
    wanted = int(length[1] if length else 0)
    if not end or CHUNKED.search(head) or len(head) + wanted > LOOKED_AT:
        return Coming.LONG
    if len(body) < wanted:
        return Coming.SHORT
    line, _, fields = head.partition("\r\n")
    method, _, rest = line.partition(" ")
    priority = PRIORITY.search(fields)
    return kind_of(method, rest.partition(" ")[0].partition("?")[0], priority[1] if priority else "")


class Worker(ThreadWorker):
    """gunicorn's, of one group, with threads for each kind of request."""

    group = Group.PAGES
    sockets: list
    channels: Mapping[Group, Channel]

    def join(self, others: Iterable[ThreadWorker], channels: Mapping[Group, Channel]) -> None:
        """Take a place beside the processes that are there. Before the process starts."""
        self.group, self.channels = group_of_next(one.group for one in others if isinstance(one, Worker)), channels
        listeners = self.sockets if self.group == Group.PAGES else []
        self.sockets = [*listeners, channels[self.group]]

    def get_thread_pool(self) -> Pools:
        return Pools(self.cfg.threads)

    def enqueue_req(self, conn: TConn) -> None:
        kind = asked_for(conn.sock)
        group = Group.IMAGES if kind in AT_ONCE else Group.PAGES
        held = conn.parser is not None and conn.parser.unreader.buf.getvalue()  # of the next request, read already
        if group != self.group and self.alive and not held and self.channels[group].give(conn.sock):
            self.nr_conns -= 1
            conn.close()  # here alone
        else:
            conn.data_ready = conn.data_ready or isinstance(kind, Kind)
            super().enqueue_req(conn)
