"""`make run`'s supervisor, driven as a user drives it: it starts, it is interrupted, it is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from readerstudy.serving import supervisor
from readerstudy.serving.processes import descendants
from tests.prepared import place

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a supervisor on one folder, again and again on the same; none outlives the test."""
    started = []

    def on(port: int) -> subprocess.Popen:
        # Without the tests' own make: MAKELEVEL would tie the supervisor to this process.
        kept = {
            key: value for key, value in os.environ.items() if key not in {"REDIS_URL", "DATABASE_URL", "MAKELEVEL"}
        }
        kept |= {"READERSTUDY_VAR": str(tmp_path), "READERSTUDY_PORT": str(port), "READERSTUDY_DEMO": "0"}
        command = [sys.executable, "-m", "readerstudy.serving.supervisor"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, env=kept, **options))
        return started[-1]

    yield on
    for one in started:
        one.kill()
        one.communicate()


def until_open(started: subprocess.Popen) -> str:
    """What it prints, up to the line that says where to click."""
    printed = ""
    for line in started.stdout:
        printed += line
        if line.startswith("Open http"):
            return printed
    raise AssertionError(f"the site did not start:\n{printed}")


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes(started: subprocess.Popen, word: str) -> list[int]:
    """Running processes under the supervisor that have this word in their command line, parents first."""
    found = []
    for pid in descendants(started.pid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        except OSError:
            continue
        if word in command and alive(pid):
            found.append(pid)
    return found


def test_nothing_survives_a_kill_and_nothing_left_behind_blocks_the_next_start(
    start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    port = free_port()
    place(tmp_path)
    first = start(port)
    until_open(first)

    other = start(free_port())
    refusal = other.communicate(timeout=30)[0]
    assert other.returncode == 1
    assert "runs already from this folder" in refusal
    assert f"process {first.pid}" in refusal

    assert eventually(lambda: len(processes(first, "celery")) == 2), "the worker and its one child"
    worker = processes(first, "celery")
    os.kill(worker[0], signal.SIGKILL)
    assert eventually(lambda: not any(map(alive, worker))), "the child outlived its worker"
    assert eventually(lambda: len(processes(first, "celery")) == 2), "the worker was not started again"

    tree = descendants(first.pid)
    assert len(tree) >= 5  # Redis, web server and its processes, worker and its child
    first.kill()
    assert "The worker stopped (signal 9) and starts again now" in first.communicate(timeout=30)[0]
    assert eventually(lambda: not any(map(alive, tree)), 5), "processes outlived the supervisor"
    assert (tmp_path / "redis.sock").exists()

    damaged = next((tmp_path / "redis").rglob("*.aof"))
    damaged.write_bytes(b"this is no log of commands\n" * 10)
    second = start(port)
    printed = until_open(second)
    assert "Redis could not read its files" in printed
    tree = descendants(second.pid)
    second.send_signal(signal.SIGINT)
    time.sleep(0.3)
    second.send_signal(signal.SIGINT)  # whoever is impatient sees no traceback
    said = second.communicate(timeout=15)[0]
    assert (second.returncode, said.split("] ")[-1]) == (0, "Ending.\n"), said
    assert not any(map(alive, tree))


def test_a_taken_port_is_named_in_one_sentence(start: Callable[..., subprocess.Popen]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        refused = start(port)
        printed = refused.communicate(timeout=30)[0]
    assert refused.returncode == 1
    assert printed == (
        f"Port {port} of 127.0.0.1 cannot be used (Address already in use); "
        f"choose another: READERSTUDY_PORT={port + 1} make run\n"
    )


def test_a_path_too_long_for_a_socket_does_not_stop_it(tmp_path: Path) -> None:
    from readerstudy.serving.embedded_redis import LONGEST_SOCKET_PATH, socket_path

    assert socket_path(tmp_path) == tmp_path / "redis.sock"
    long = tmp_path / ("x" * LONGEST_SOCKET_PATH)
    path = socket_path(long)
    try:
        assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
        assert path.parent.stat().st_mode & 0o077 == 0
        assert socket_path(long) == path
    finally:
        path.parent.rmdir()


def test_a_slow_start_is_waited_for_and_told(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(supervisor, "SAY_SECONDS", 0.1)
    ours = supervisor.Supervisor(var=tmp_path, host="127.0.0.1", port=0, demo=False)
    service = supervisor.Service("web", ["sleep", "60"], log=tmp_path / "web.log")
    ours.launch(service)
    try:
        ready = iter([False] * 5 + [True])
        ours.wait(lambda: next(ready), "It does not start", service=service)
        assert "The web does not answer after 0 s, and is waited for." in capsys.readouterr().out
    finally:
        service.process.kill()
        service.process.wait()
    with pytest.raises(supervisor.SetupError, match="It does not start"):
        ours.wait(lambda: False, "It does not start", service=service)
