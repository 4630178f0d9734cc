"""The whole site as its users meet it: the supervisor with Redis, a worker and the web server, over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import psutil

from tests.prepared import place

ROOT = Path(__file__).resolve().parent.parent


class Answer:
    """Status, headers and body of one response, with the attributes of Django's test client."""

    def __init__(self, response) -> None:
        self.status_code, self.headers, self.url = response.status, response.headers, response.url
        self.content = response.read()

    def json(self):
        return json.loads(self.content)


class Browserless:
    """A signed-in person without a browser: cookies, CSRF header, nothing else."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url, self.cookies = url, CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.get("/login/")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": self._csrf()}
        answer = self._send("POST", "/login/", urlencode(form).encode(), "application/x-www-form-urlencoded")
        if "/login" in answer.url:
            raise RuntimeError(f"{username} could not sign in.")

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _send(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Answer:
        headers = {"X-CSRFToken": self._csrf(), "Referer": self.url + "/"}
        if content_type:
            headers["Content-Type"] = content_type
        request = Request(self.url + path, data=body, method=method, headers=headers)
        try:
            return Answer(self.opener.open(request, timeout=60))
        except HTTPError as error:
            return Answer(error)

    def get(self, path: str) -> Answer:
        return self._send("GET", path)

    def put(self, path: str, data: dict, content_type: str = "application/json") -> Answer:
        return self._send("PUT", path, json.dumps(data).encode(), content_type)

    def post(self, path: str, data: dict, content_type: str = "application/x-www-form-urlencoded") -> Answer:
        body = json.dumps(data) if content_type == "application/json" else urlencode(data)
        return self._send("POST", path, body.encode(), content_type)


class Site:
    """A running site in a folder of its own."""

    def __init__(self, var: Path, *, demo: bool = False) -> None:
        self.var, self.root = var, ROOT
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        own = ("DATABASE_URL", "REDIS_URL")
        self.env = {name: value for name, value in os.environ.items() if name not in own} | {
            "READERSTUDY_VAR": str(var),
            "READERSTUDY_PORT": str(self.port),
            "READERSTUDY_DEMO": str(int(demo)),
            "READERSTUDY_JOB_STALE_SECONDS": "8",
            "OMP_NUM_THREADS": "1",
        }

    def manage(self, *arguments: str, **extra: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=self.root, env=self.env | extra, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def python(self, code: str) -> str:
        """What a piece of code prints that runs inside the site."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def rows(self, query: str) -> list[tuple]:
        """What a query finds in the database, without starting Django."""
        with closing(sqlite3.connect(f"file:{self.var}/db.sqlite3?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def processes(self, word: str) -> list[psutil.Process]:
        """Processes of this site whose command line holds the word."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # a zombie is one of those
                if any(word in part for part in process.cmdline()):
                    found.append(process)
        return found

    def start(self, *, patience: float = 120) -> None:
        place(self.var)
        path = self.var / "supervisor.log"
        self.log = path.open("ab")
        said = self.log.tell()  # by an earlier start
        self.process = subprocess.Popen(
            [sys.executable, "-m", "readerstudy.serving.supervisor"],
            cwd=self.root,
            env=self.env,
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + patience
        while b"Open http" not in path.read_bytes()[said:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(path.read_bytes()[said:].decode(errors="replace"))  # with its last sentence
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def until(condition: Callable[[], bool], seconds: float = 60, *, every: float = 0.2) -> None:
    """Wait until it holds, looking every so many seconds; AssertionError after so many."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(every)


@contextmanager
def running_site(var: Path) -> Iterator[Site]:
    site = Site(var)
    site.start()
    try:
        yield site
    finally:
        site.stop()
