"""What compute-heavy packages a start of the site imports."""

import subprocess
import sys

PACKAGES = {"pandas", "scipy", "pydicom", "openpyxl", "SimpleITK", "torch"}
CODE = f"""
import sys, django
django.setup()
print(*sorted({PACKAGES} & sys.modules.keys()))
import readerstudy.wsgi
print(*sorted({PACKAGES} & sys.modules.keys()))
"""


def test_a_command_starts_without_the_packages_that_compute_and_the_web_server_with_them():
    """The second line shows that the first could have told; the server imports before its processes part."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    command, server = (line.split() for line in done.stdout.split("\n")[:2])
    assert command == []
    assert {"pandas", "scipy", "pydicom"} <= set(server)
