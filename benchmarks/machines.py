"""A site of several machines on this one: PostgreSQL, Redis with a password, an object store, and processes that share
no folder. One of them may lie in a network of its own, whose line can be cut.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import redis

from readerstudy.serving.embedded_redis import server as redis_server
from readerstudy.serving.processes import die_with_parent
from tests.archive.bucket import environment, new_bucket
from tests.postgresql import server

ROOT = Path(__file__).resolve().parents[1]
NETWORK, HERE, THERE = f"readerstudy-{os.getpid()}", "10.222.0.1", "10.222.0.2"
STALE = 10  # seconds after which a silent job is given to another


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds: float, what: str, *, every: float = 0.3) -> None:
    """Wait until it holds; SystemExit after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"After {seconds:.0f} s still not: {what}.")
        time.sleep(every)


class Machines:
    """The running site. `url`: of its database, for who is on this host."""

    def __init__(self, folder: Path, stack: ExitStack, *, bucket: bool, network: bool) -> None:
        self.folder, self._stack, self.processes = folder, stack, dict[str, subprocess.Popen]()
        self.network = network and _make_network(stack)
        self.database = stack.enter_context(server())
        self.url = self.database.url
        password, port = secrets.token_hex(16), free_port()
        host = HERE if self.network else "127.0.0.1"
        bind = f"127.0.0.1 {host}" if self.network else host
        command = [redis_server() or "redis-server", "--port", str(port), "--bind", *bind.split()]
        self._spawn("redis", [*command, "--requirepass", password, "--dir", str(folder), "--save", ""])
        self.redis = redis.Redis(port=port, password=password)
        until(self._redis_answers, 30, "Redis answers")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("READERSTUDY_")
        } | {
            "DATABASE_URL": self.url,
            "REDIS_URL": f"redis://{host}:{port}/0",
            "REDIS_PASSWORD": password,
            "READERSTUDY_KEYS": str(folder / "keys.json"),
            "READERSTUDY_HEADS": str(folder / "heads"),
            "READERSTUDY_JOB_STALE_SECONDS": str(STALE),
            "READERSTUDY_DEMO": "0",
            "READERSTUDY_STATIC": str(folder / "static"),
            "READERSTUDY_STORAGE": str(folder / "store"),
            "OMP_NUM_THREADS": "1",
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        }
        if bucket:
            at = free_port()
            self._spawn("store", [sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", str(at)])
            endpoint = f"http://{host}:{at}"
            until(lambda: answers(f"{endpoint}/moto-api/"), 90, "the object store answers")
            self.environment |= environment(endpoint, new_bucket(endpoint))
        if self.network:
            self._pass_on = free_port()
            _forward(HERE, self._pass_on, self.database.sockets / ".s.PGSQL.5432")

    def _redis_answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.redis.ping())
        return False

    def _spawn(self, name: str, command: list[str], env: dict | None = None) -> subprocess.Popen:
        process = spawn(self.folder / f"{name}.log", command, env)
        self.processes[name] = process
        self._stack.callback(kill, process)
        return process

    def run(self, *arguments: str, name: str = "web-1", **extra: str) -> str:
        """What a command of the site prints, on one machine."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment | {"READERSTUDY_VAR": str(self.folder / name)} | extra,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{arguments}: {done.stdout[-2000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()

    def start(self, name: str, command: list[str], *, apart: bool = False, **extra: str) -> subprocess.Popen:
        """A process of the site on a machine of this name; apart: in the network of its own."""
        own = self.environment | {"READERSTUDY_VAR": str(self.folder / name)} | extra
        if apart and self.network:
            own["DATABASE_URL"] = f"postgresql://postgres@{HERE}:{self._pass_on}/postgres"
            command = ["ip", "netns", "exec", NETWORK, *command]
        return self._spawn(name, command, own)

    def cut(self, *, off: bool) -> None:
        """Cut the line of the machine in the network of its own, or mend it; without one its processes stand still."""
        if self.network:
            _ip("link", "set", "m-here", "down" if off else "up")


def spawn(log: Path, command: list[str], env: dict[str, str] | None) -> subprocess.Popen:
    """A process in a session of its own that dies with this one; what it says goes to the end of the file."""
    us = os.getpid()
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent=us),
        )


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to a process and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 9)
    process.wait(30)


def answers(url: str) -> bool:
    """Whether a request of this address ends well."""
    with suppress(OSError):
        return urlopen(url, timeout=5).status == 200
    return False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _make_network(stack: ExitStack) -> bool:
    """A network namespace with a line to here; False where that is not allowed."""
    try:
        _ip("netns", "add", NETWORK)
        stack.callback(subprocess.run, ["ip", "netns", "del", NETWORK], check=False, capture_output=True)
        _ip("link", "add", "m-here", "type", "veth", "peer", "name", "m-there")
        _ip("link", "set", "m-there", "netns", NETWORK)
        _ip("addr", "add", f"{HERE}/30", "dev", "m-here")
        _ip("link", "set", "m-here", "up")
        for words in (["addr", "add", f"{THERE}/30", "dev", "m-there"], ["link", "set", "m-there", "up"]):
            _ip("netns", "exec", NETWORK, "ip", *words)
        _ip("netns", "exec", NETWORK, "ip", "link", "set", "lo", "up")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _forward(host: str, port: int, target: Path) -> None:
    """Let the database, which listens at a socket of this host, be reached over the network."""

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                sink.sendall(content)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(target))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=copy, args=ends, daemon=True).start()

    listener = socket.create_server((host, port))
    threading.Thread(target=serve, daemon=True).start()


@contextmanager
def machines(*, bucket: bool = True, network: bool = False) -> Iterator[Machines]:
    """The site, prepared and empty; gone with the block. bucket: its files lie in an object store, else in a folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="machines-", ignore_cleanup_errors=True)))
        site = Machines(folder, stack, bucket=bucket, network=network)
        (folder / "static").mkdir()
        site.run("-m", "readerstudy.serving.prepare")
        yield site
