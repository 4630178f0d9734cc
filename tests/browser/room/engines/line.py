"""A line between a browser and the site that can be cut: a proxy that forwards bytes, and stops."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class Line:
    """Forwards connections on a port of its own to `host`:`port`, while it is not cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._whole = threading.Event()
        self._whole.set()
        self._open: set[socket.socket] = set()
        self._entry = socket.create_server(("localhost", 0))
        self.port = self._entry.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break what is open; new connections are closed at once."""
        self._whole.clear()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._whole.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the entry was closed
            while True:
                browser, _ = self._entry.accept()
                if not self._whole.is_set():
                    browser.close()
                    continue
                site = socket.create_connection(self._target)
                for one, other in ((browser, site), (site, browser)):
                    self._open.add(one)
                    threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        self._open.discard(one)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cut()
        self._entry.close()
