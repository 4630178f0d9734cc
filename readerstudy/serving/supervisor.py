"""`make run`: Redis, database, worker and web server of one machine, started, watched and ended together.

Every child asks the kernel to end it with its parent (`readerstudy.serving.processes`), so nothing outlives a
supervisor that is killed. The lock is the kernel's too: it cannot go stale.
"""

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from readerstudy.serving import embedded_redis
from readerstudy.serving.loopback import reachable_from_elsewhere
from readerstudy.serving.processes import adopt_orphans, descendants, die_with_parent

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LARGEST_LOG = 10_000_000
STEADY_SECONDS = 60  # who ran this long before it stopped is started again without waiting
REAP_SECONDS = 5
SAY_SECONDS = 20  # of waiting, then it is said
ASKED_BY = [signal.SIGINT, signal.SIGTERM]


class SetupError(Exception):
    """The site cannot start; the message is one sentence for whoever typed `make run`."""


class Stop(BaseException):
    """Somebody asked us to end."""


class Service:
    """One long-running child: its command, its log and how often it stopped."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path):
        self.name, self.command, self.log = name, list(command), log
        self.process: subprocess.Popen | None = None
        self.failures = 0
        self.started = self.start_again_at = 0.0

    def last_words(self, lines: int = 12) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Supervisor:
    """Starts everything, keeps it running, ends it."""

    def __init__(self, *, var: Path, host: str, port: int, demo: bool):
        self.var, self.host, self.port, self.demo = var, host, port, demo
        self.began = time.monotonic()
        self.services: list[Service] = []
        self.spawned: set[int] = set()
        self.reaped = self.began
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
            "READERSTUDY_VAR": str(var),
            "READERSTUDY_HOST": host,
            "READERSTUDY_PORT": str(port),
            "READERSTUDY_DEMO": str(int(demo)),
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def spawn(self, command: Sequence[str], **options) -> subprocess.Popen:
        """A child that ends with us, in a session of its own: Ctrl-C reaches us alone, we end it in order."""
        us = os.getpid()
        process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=self.env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent=us),
            **options,
        )
        self.spawned.add(process.pid)
        return process

    def launch(self, service: Service) -> None:
        service.log.parent.mkdir(parents=True, exist_ok=True)
        if service.log.exists() and service.log.stat().st_size > LARGEST_LOG:
            service.log.replace(service.log.with_suffix(".log.1"))
        with service.log.open("ab") as output:
            service.process = self.spawn(service.command, stdout=output, stderr=output)
        service.started = time.monotonic()

    # Start

    def start(self) -> None:
        """Brings everything up and returns when the site answers; SetupError says why it cannot."""
        if self.demo and (names := reachable_from_elsewhere(self.env)):
            raise SetupError(
                f"Everybody knows the passwords of the demonstration: it is not served where other machines reach it "
                f"({', '.join(names)}). `READERSTUDY_DEMO=0 make run` serves the site without it."
            )
        os.umask(0o077)  # nobody else reads its logs
        self.var.mkdir(parents=True, exist_ok=True)
        self.take_lock()
        self.check_port()
        if "REDIS_URL" not in os.environ:
            self.start_redis()
        self.run([sys.executable, "-m", "readerstudy.serving.prepare"], "The preparation")
        web = self.start_service("web", web_command())
        self.wait(self.answers, f"The web server does not answer at {self.url}", service=web)
        self.say(f"Serving at {self.url}; logs are in {self.var / 'log'}.")
        self.start_service("worker", worker_command())

    def seed(self) -> None:
        """Fills the demo while the site is up, and ends with the line that says where to click."""
        if not self.demo:
            print(
                f"Open {self.url}; `.venv/bin/python manage.py createsuperuser` makes the first account.",
                flush=True,
            )
            return
        try:
            accounts = self.run([sys.executable, "manage.py", "seed_demo"], "seed_demo", watch=True)
        except SetupError as failure:
            self.say(f"{failure} The site runs without a complete demo; the next `make run` goes on with it.")
            accounts = ""
        print(f"Open {self.url}. {accounts} Ctrl-C ends everything.", flush=True)

    def take_lock(self) -> None:
        """One supervisor per folder; the kernel drops the lock with the process, so a crash leaves none."""
        path = self.var / "supervisor.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)  # held until this process ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 200).decode() or "it is starting"
            raise SetupError(f"The site runs already from this folder ({holder}); end that one first.") from None
        os.truncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()}, {self.url}".encode(), 0)

    def check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise SetupError(
                    f"Port {self.port} of {self.host} cannot be used ({error.strerror}); "
                    f"choose another: READERSTUDY_PORT={self.port + 1} make run"
                ) from None

    def start_redis(self) -> None:
        program = embedded_redis.server()
        if program is None:
            raise SetupError("There is no redis-server: install it with `apt-get install redis-server`.")
        try:
            path = embedded_redis.socket_path(self.var)
        except PermissionError as error:
            raise SetupError(f"{error} belongs to somebody else: remove it or shorten READERSTUDY_VAR.") from None
        data = self.var / "redis"
        path.unlink(missing_ok=True)  # we hold the lock: whoever made it is gone
        data.mkdir(exist_ok=True)
        self.env["REDIS_URL"] = f"redis+socket://{path}"
        self.say(f"Redis: starting {program}.")
        service = self.start_service("redis", embedded_redis.command(program, socket=path, data=data))
        try:
            self.wait(lambda: embedded_redis.answers(path), "Redis does not start", service=service)
        except SetupError:
            if not any(data.iterdir()):
                raise
            # Written by a newer server, or damaged. The job table is the truth; the queue follows from it.
            aside = data.with_name(f"redis.unreadable.{time.strftime('%Y%m%dT%H%M%S')}")
            self.end([service], seconds=2)
            data.rename(aside)
            data.mkdir()
            self.say(f"Redis could not read its files: they lie in {aside} now and the queue starts empty.")
            self.launch(service)
            self.wait(lambda: embedded_redis.answers(path), "Redis does not start", service=service)

    def start_service(self, name: str, command: Sequence[str]) -> Service:
        service = Service(name, command, log=self.var / "log" / f"{name}.log")
        self.services.append(service)
        self.launch(service)
        return service

    def answers(self) -> bool:
        here = "127.0.0.1" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        connection = http.client.HTTPConnection(here, self.port, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": f"127.0.0.1:{self.port}"})
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait(self, ready: Callable[[], bool], otherwise: str, *, service: Service) -> None:
        """Waits as long as the service lives, and says so now and then; SetupError with its last words if it ends."""
        said = began = time.monotonic()
        while not ready():
            if service.process is not None and service.process.poll() is not None:
                raise SetupError(f"{otherwise}. The end of {service.log}:\n{service.last_words()}")
            if (now := time.monotonic()) - said > SAY_SECONDS:
                said = now
                self.say(f"The {service.name} does not answer after {now - began:.0f} s, and is waited for.")
            time.sleep(0.05)

    def run(self, command: Sequence[str], name: str, *, watch: bool = False) -> str:
        """Runs one command to its end, shows what it prints, returns its last line; SetupError if it fails."""
        process = self.spawn(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        pending, last = b"", ""
        while True:
            ended = process.poll() is not None
            pending += process.stdout.read() or b""
            *lines, pending = pending.split(b"\n") if not ended else (*pending.split(b"\n"), b"")
            for line in (line.decode(errors="replace").rstrip() for line in lines):
                if line:
                    self.say(line)
                    last = line
            if ended:
                break
            if watch:
                self.check_services()
            time.sleep(0.05)
        process.stdout.close()
        if process.returncode:
            raise SetupError(f"{name} failed (exit {process.returncode}); what it printed stands above.")
        return last

    # Watch

    def check_services(self) -> None:
        """Starts again what stopped, at once the first time, then after growing pauses of at most 30 s."""
        now = time.monotonic()
        for service in self.services:
            if service.process is None:
                if now >= service.start_again_at:
                    self.launch(service)
                continue
            code = service.process.poll()
            if code is None:
                continue
            service.failures = 0 if now - service.started > STEADY_SECONDS else service.failures + 1
            pause = 0 if service.failures <= 1 else min(2.0**service.failures, 30.0)
            how = f"signal {-code}" if code < 0 else f"exit {code}"
            again = f"again in {pause:.0f} s" if pause else "again now"
            self.say(f"The {service.name} stopped ({how}) and starts {again}; its log is {service.log}.")
            service.process, service.start_again_at = None, now + pause
        if now > self.reaped + REAP_SECONDS:
            self.reaped = now
            self.reap_orphans()

    def reap_orphans(self) -> None:
        """Collects what ended services left behind: as their adoptive parent we are the only one who can."""
        for pid in descendants(os.getpid()):
            if pid not in self.spawned:
                with suppress(ChildProcessError):  # a grandchild: its own parent lives and collects it
                    os.waitpid(pid, os.WNOHANG)

    def watch(self) -> None:
        while True:
            self.check_services()
            time.sleep(0.5)

    # End

    def end(self, services: Sequence[Service], *, seconds: float) -> None:
        """Asks services to end, waits, then insists."""
        running = [s.process for s in services if s.process is not None and s.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + seconds
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop(self) -> None:
        """Ends every process under us: web and worker first, Redis last so that they can still reach it."""
        queue = [service for service in self.services if service.name == "redis"]
        self.end([service for service in self.services if service.name != "redis"], seconds=6)
        self.end(queue, seconds=4)
        for _ in range(20):
            left = descendants(os.getpid())
            if not left:
                break
            for pid in left:
                with suppress(ProcessLookupError, ChildProcessError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)


def worker_command() -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "readerstudy", "worker", "--loglevel", "INFO"]


def web_command() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", "python:readerstudy.serving.gunicorn", "readerstudy.wsgi"]


def stop(number, frame):
    for sig in ASKED_BY:
        signal.signal(sig, stop_at_once)  # asked twice
    raise Stop


def stop_at_once(number, frame):
    for pid in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main() -> int:
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: stay when the terminal goes
        ASKED_BY.append(signal.SIGHUP)
    for sig in ASKED_BY:
        signal.signal(sig, stop)
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # `kill -9` of make
    adopt_orphans()
    var = Path(os.environ.get("READERSTUDY_VAR", BASE_DIR / "var")).resolve()
    supervisor = Supervisor(
        var=var,
        host=os.environ.get("READERSTUDY_HOST", "127.0.0.1"),
        port=int(os.environ.get("READERSTUDY_PORT", "8000")),
        demo=os.environ.get("READERSTUDY_DEMO", "1").lower() in {"1", "true", "yes", "on"},
    )
    code = 0
    try:
        supervisor.start()
        supervisor.seed()
        supervisor.watch()
    except SetupError as failure:
        print(failure, file=sys.stderr, flush=True)
        code = 1
    except Stop:
        supervisor.say("Ending.")
    finally:
        for sig in ASKED_BY:
            signal.signal(sig, stop_at_once)
        supervisor.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
