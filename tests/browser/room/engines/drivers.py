"""Browsers of three engines behind one small face: go, run a script, press keys, use the mouse.

Firefox speaks Marionette on a port of its own, WebKit the W3C WebDriver protocol over HTTP. Both take the commands of
WebDriver, so that one class serves them; Chromium is driven by Playwright, as in the other tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, Error

SIZE = 1280, 720
START_S = 60
# As the Unicode points that WebDriver has for keys without a character.
KEYS = {"Space": " ", "Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowUp": "\ue013"}
KEYS |= {"ArrowRight": "\ue014", "ArrowDown": "\ue015", "Home": "\ue011", "Tab": "\ue004"}


class CommandError(Exception):
    """The browser could not do it, perhaps because it is between two pages."""


class Driver(Protocol):
    """What the story needs of a browser."""

    def go(self, url: str) -> None: ...

    def run(self, body: str, *arguments: Any) -> Any:
        """The value that this function body returns; `arguments` are its arguments."""

    def press(self, *keys: str) -> None: ...

    def click(self, x: float, y: float) -> None: ...

    def wheel(self, x: float, y: float, pixels: int) -> None: ...


class Chromium:
    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
        self._page = self._context.new_page()

    def go(self, url: str) -> None:
        self._page.goto(url)

    def run(self, body: str, *arguments: Any) -> Any:
        try:
            return self._page.evaluate(f"(given) => (function () {{ {body} }}).apply(null, given)", list(arguments))
        except Error as error:
            raise CommandError(str(error)) from error

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)

    def click(self, x: float, y: float) -> None:
        self._page.mouse.click(x, y)

    def wheel(self, x: float, y: float, pixels: int) -> None:
        self._page.mouse.move(x, y)
        self._page.mouse.wheel(0, pixels)

    def close(self) -> None:
        self._context.close()


class Remote:
    """A browser that takes the commands of WebDriver; `send` brings one to it and returns its value."""

    def __init__(self, send: Callable[[str, dict], Any]) -> None:
        self._send = send

    def go(self, url: str) -> None:
        self._send("Navigate", {"url": url})

    def run(self, body: str, *arguments: Any) -> Any:
        return self._send("ExecuteScript", {"script": body, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        points = [KEYS.get(key, key) for key in keys]
        steps = [{"type": kind, "value": point} for point in points for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": steps})

    def click(self, x: float, y: float) -> None:
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._mouse({"type": "pointerMove", "x": int(x), "y": int(y)}, down, up)

    def wheel(self, x: float, y: float, pixels: int) -> None:
        step = {"type": "scroll", "x": int(x), "y": int(y), "deltaX": 0, "deltaY": pixels}
        self._perform({"type": "wheel", "id": "wheel", "actions": [step]})

    def _mouse(self, *steps: dict) -> None:
        self._perform(
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": list(steps)}
        )

    def _perform(self, source: dict) -> None:
        self._send("PerformActions", {"actions": [source]})


def marionette(port: int) -> Callable[[str, dict], Any]:
    """The way to a Firefox: `length:[0, number, command, parameters]`, answered by `[1, number, error, result]`."""
    line = until(lambda: socket.create_connection(("127.0.0.1", port)))
    line.settimeout(START_S)

    def receive() -> Any:
        size = b""
        while not size.endswith(b":"):
            size += line.recv(1)
        text = b""
        while len(text) < int(size[:-1]):
            text += line.recv(int(size[:-1]) - len(text))
        return json.loads(text)

    def send(command: str, parameters: dict) -> Any:
        message = json.dumps([0, 1, f"WebDriver:{command}", parameters]).encode()
        line.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = receive()
        if error:
            raise CommandError(f"{command}: {error['message']}")
        return result.get("value", result) if isinstance(result, dict) else result

    receive()  # what it says of itself
    send("NewSession", {})
    left, high = send("ExecuteScript", {"script": OUTSIDE, "args": []})
    send("SetWindowRect", {"width": SIZE[0] + left, "height": SIZE[1] + high})
    return send


OUTSIDE = "return [outerWidth - innerWidth, outerHeight - innerHeight]"
PATHS = {
    "Navigate": "url",
    "ExecuteScript": "execute/sync",
    "PerformActions": "actions",
    "SetWindowRect": "window/rect",
}


def webdriver(port: int, capabilities: dict) -> Callable[[str, dict], Any]:
    """The way to a browser behind a WebDriver server."""

    def post(path: str, body: dict) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/session{path}", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=START_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise CommandError(f"{path}: {error.read().decode()[:500]}") from error

    session = until(lambda: post("", {"capabilities": {"alwaysMatch": capabilities}}))["sessionId"]

    def send(command: str, parameters: dict) -> Any:
        return post(f"/{session}/{PATHS[command]}", parameters)

    left, high = send("ExecuteScript", {"script": OUTSIDE, "args": []})
    send("SetWindowRect", {"x": 0, "y": 0, "width": SIZE[0] + left, "height": SIZE[1] + high})
    return send


def until(attempt: Callable[[], Any]) -> Any:
    """The first result of an attempt that does not fail to connect."""
    end = time.monotonic() + START_S
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def running(*command: str, **environment: str) -> Iterator[None]:
    """A program with all that it starts, until the end."""
    started = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, 15)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, 9)


@contextmanager
def firefox(folder: Path) -> Iterator[Remote]:
    port = free_port()
    preferences = {"marionette.port": port, "datareporting.policy.dataSubmissionEnabled": False}
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in preferences.items()]
    (folder / "user.js").write_text("\n".join(lines))
    program = shutil.which("firefox-esr") or "firefox"
    with running(program, "--headless", "--marionette", "--no-remote", "--profile", str(folder), HOME=str(folder)):
        yield Remote(marionette(port))


@contextmanager
def webkit(folder: Path) -> Iterator[Remote]:
    port, display = free_port(), f":{90 + os.getpid() % 900}"
    with (
        running("Xvfb", display, "-screen", "0", "1600x1000x24", "-nolisten", "tcp"),
        running("WebKitWebDriver", f"--port={port}", DISPLAY=display, HOME=str(folder), LIBGL_ALWAYS_SOFTWARE="1"),
    ):
        yield Remote(webdriver(port, {}))


# By engine: how it is driven, the programs it needs, and the packages of Debian that bring them.
ENGINES = {
    "firefox": (firefox, ("firefox-esr",), "firefox-esr"),
    "webkit": (webkit, ("WebKitWebDriver", "Xvfb"), "webkit2gtk-driver xvfb"),
}


def missing(engine: str) -> str:
    """The packages that would bring it; "" if it is there."""
    _, programs, packages = ENGINES[engine]
    return "" if all(shutil.which(program) for program in programs) else packages
