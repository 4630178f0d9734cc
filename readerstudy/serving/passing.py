"""Connections that one web process passes on to another.

Some processes answer and make pages, others send images and give way to them: one interpreter runs one thread at a
time, and only the operating system can stop an image in the middle for an answer. Whoever accepts a connection, or
holds it when the next request comes, sees what is asked for and passes it on where it belongs. A browser meets one
port.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from enum import Enum
from typing import Any

NICE = 5  # of processes that send images: a third of what an answer gets, where both want to work


class Group(Enum):
    """What a process does first."""

    PAGES = "pages and answers"
    IMAGES = "images"


class Channel:
    """Where processes of one group take connections from, as if they listened; the next one goes to who is free."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._in.setblocking(False)

    def give(self, connection: socket.socket) -> bool:
        """Whether it is on its way; not if too many are."""
        try:
            socket.send_fds(self._in, [b"."], [connection.fileno()])
        except OSError:
            return False
        return True

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, and who is at its other end."""
        _, found, _, _ = socket.recv_fds(self._out, 1, 1)
        if not found:  # this process may open no more files
            raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
        connection = socket.socket(fileno=found[0])
        try:
            return connection, connection.getpeername()
        except OSError as error:  # gone meanwhile
            connection.close()
            raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED)) from error

    def getsockname(self) -> str:
        return ""

    def fileno(self) -> int:
        return self._out.fileno()

    def setblocking(self, flag: bool) -> None:
        self._out.setblocking(flag)

    def close(self) -> None:
        self._out.close()
        self._in.close()


def group_of_next(others: Iterable[Group]) -> Group:
    """The group of a process that starts beside these: as many of each, pages first."""
    there = list(others)
    return Group.IMAGES if there.count(Group.IMAGES) < there.count(Group.PAGES) else Group.PAGES
