"""Run a function in a child process under limits: what parses untrusted bytes may die alone.

The child is a fresh interpreter (a prefork worker may not use multiprocessing) without the parent's environment.
Arguments go in as one JSON document on its standard input, words come back as one JSON document per line: progress
and other news while it runs, its result at the end. Nothing it prints elsewhere is kept: libraries quote values.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from processing.errors import InputError

_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LANG", "TMPDIR", "READERSTUDY_DICOM_ENGINE")
LONGEST_LINE = 64 << 20
# Arrays of an image are freed and taken again by the thousand: the C library shall not ask the system each time.
# Threads that read and write ahead share it.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(256 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
    "MALLOC_ARENA_MAX": "1",
}
_EVERY_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Tell = Callable[[Any], None]


@dataclass(frozen=True)
class ProcessLimits:
    """memory: bytes of address space; cpu_seconds; file_bytes: of one written file; wall_seconds."""

    memory: int = 4 << 30
    cpu_seconds: int = 4 * 3600
    file_bytes: int = 4 << 30
    wall_seconds: float = 6 * 3600


class DiedError(InputError):
    """The child died before it could answer; the message says of what."""


class Child:
    """A child process that makes ready for `function` ("module:name") and waits for what it is to do.

    It is gone when the block ends.
    """

    def __init__(self, function: str, *, limits: ProcessLimits | None = None) -> None:
        self._limits = limits or ProcessLimits()
        command = [sys.executable, "-m", "processing.ingest.confined", function]
        command += [str(int(v)) for v in (self._limits.memory, self._limits.cpu_seconds, self._limits.file_bytes)]
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment = {**kept, **_KEEP_MEMORY, **dict.fromkeys(_EVERY_THREAD, "1"), "PYTHONDONTWRITEBYTECODE": "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def is_gone(self) -> bool:
        """Whether it has ended, of itself or not; nobody asks it any more then."""
        return self._process.poll() is not None

    def end(self) -> None:
        """It is gone; again changes nothing."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._process.wait()

    def call(self, arguments: Any, *, news: Tell | None = None) -> Any:
        """What the function returns for (arguments, tell); see `run`. Once only."""
        late, process = threading.Event(), self._process

        def too_late() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(self._limits.wall_seconds, too_late)
        clock.daemon = True
        clock.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(json.dumps(arguments).encode())
            answer = _listen(process.stdout, news)
        finally:
            clock.cancel()
            process.kill()
            process.wait()
        if answer is None:
            raise DiedError(_cause(process.returncode, self._limits, late=late.is_set()))
        if "refused" in answer:
            raise InputError(str(answer["refused"]))
        return answer.get("result")


def run(function: str, arguments: Any, *, limits: ProcessLimits | None = None, news: Tell | None = None) -> Any:
    """Call `function` ("module:name") with (arguments, tell) in a child; returns what it returns.

    function: one of `processing` or `analysis`. arguments, result and what the child tells (given to `news` while it
    runs) are JSON values; tuples come back as lists. Raises InputError with the child's sentence if it raised one,
    DiedError if it was killed by a limit or a signal. An exception of `news` ends the child and is passed on.
    """
    with Child(function, limits=limits) as child:
        return child.call(arguments, news=news)


def _listen(stream: IO[bytes], news: Tell | None) -> dict[str, Any] | None:
    """The child's last word; None if it ended without one or speaks nonsense."""
    while line := stream.readline(LONGEST_LINE):
        try:
            word = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(word, dict):
            return None
        if "news" not in word:
            return word
        if news:
            news(word["news"])
    return None


def _cause(status: int, limits: ProcessLimits, *, late: bool) -> str:
    if late:
        return f"Reading it took over {limits.wall_seconds:g} s; it was stopped."
    if status == -signal.SIGXCPU:
        return f"Reading it took over {limits.cpu_seconds} s of computing; it was stopped."
    if status == -signal.SIGXFSZ:
        return "Reading it would have filled the disk; it was stopped."
    if status in (-signal.SIGKILL, -signal.SIGABRT):
        return f"Reading it needs more memory than the {limits.memory / 2**30:.1f} GiB that are allowed, or is damaged."
    return "Reading it made the reader crash: the file is damaged, or made to do harm."


def die_with_parent() -> None:
    """Where the system can tell (Linux): a worker that is killed leaves no reader behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _confine(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # The soft limit on computing sends a signal that tells; the hard one kills a second later.
        resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU and hard < 0 else most))


def _ready(name: str) -> Callable[[Any, Tell], Any]:
    """The function of this name, imported; without what libraries bring along to reach the network."""
    module, _, function = name.partition(":")
    if not module.startswith(("processing.", "analysis.")):
        raise ValueError(name)
    sys.modules["requests"] = None  # type: ignore[assignment] # pydicom does without, and is imported sooner
    gc.disable()  # nothing that is imported is rubbish
    found = getattr(importlib.import_module(module), function)
    gc.freeze()
    gc.enable()
    return found


def main(argv: list[str]) -> None:
    """The child: confine itself, read the arguments, call the function, say what came of it."""
    name, *numbers = argv
    die_with_parent()
    _confine(*map(int, numbers))
    with os.fdopen(os.dup(1), "wb") as mouth:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer

        def say(word: dict[str, Any]) -> None:
            mouth.write(json.dumps(word).encode() + b"\n")
            mouth.flush()

        try:
            function = _ready(name)
            arguments = json.load(sys.stdin.buffer)
            result = function(arguments, lambda news: say({"news": news}))
            say({"result": result})
        except InputError as reason:
            say({"refused": str(reason)})
        except MemoryError:
            say({"refused": "Reading it needs more memory than is allowed."})
        except Exception as error:
            say({"refused": f"The material could not be processed ({type(error).__name__}); export it again."})


if __name__ == "__main__":
    main(sys.argv[1:])
