"""The set-up names what a machine lacks, and takes packages from where this machine gets them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with nothing but the set-up scripts."""
    shutil.copytree(ROOT / "requirements", tmp_path / "site" / "requirements")
    return tmp_path / "site"


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def set_up(checkout: Path, **programs: Path) -> subprocess.CompletedProcess:
    """Runs the set-up with only these programs, and what a shell script needs, on PATH."""
    folder = checkout.parent / "bin"
    folder.mkdir()
    for name in ("dirname", "sh", "env"):
        (folder / name).symlink_to(shutil.which(name))
    for name, target in programs.items():
        (folder / name).symlink_to(target)
    environment = {"PATH": str(folder), "HOME": str(checkout)}
    command = [shutil.which("sh"), checkout / "requirements" / "setup.sh"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_machine_without_python_3_11_is_told_how_to_get_it(checkout: Path) -> None:
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr == (
        "Python 3.11 is missing: install it with 'apt-get install python3.11 python3.11-venv python3.11-dev'.\n"
    )


def test_a_machine_without_a_compiler_is_told_how_to_get_one(checkout: Path) -> None:
    done = set_up(checkout, python3=Path(sys.executable).resolve())
    assert done.returncode == 1
    assert done.stderr == "A C compiler is missing: install one with 'apt-get install gcc libc6-dev'.\n"
    assert not (checkout / ".venv").exists()


def test_where_another_python_only_is_there_uv_brings_3_11(checkout: Path) -> None:
    uv = checkout.parent / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "$*" >> {checkout}/calls\n[ "$2" = install ] || echo {Path(sys.executable).resolve()}\n'
    )
    uv.chmod(0o755)
    done = set_up(checkout, uv=uv)
    assert (checkout / "calls").read_text() == "python install --quiet 3.11\npython find 3.11\n"
    assert done.stderr.startswith("A C compiler is missing")


def test_uv_is_told_the_sources_that_pip_knows(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_FIND_LINKS", "UV_DEFAULT_INDEX", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///mirror/simple")
    environment = install.where_packages_come_from()
    assert environment["UV_FIND_LINKS"] == "/wheels,/more"
    assert environment["UV_DEFAULT_INDEX"] == "file:///mirror/simple"
    assert not install.takes_cpu_torch(environment)

    monkeypatch.setenv("UV_FIND_LINKS", "/own")
    assert install.where_packages_come_from()["UV_FIND_LINKS"] == "/own"


def test_what_is_up_to_date_is_not_done_again(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ROOT", "VENV"):
        monkeypatch.setattr(install, name, tmp_path)
    monkeypatch.setattr(install, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(install, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(install, "HASHES", tmp_path / "hashes.txt")
    for name in (
        "pyproject.toml",
        "hashes.txt",
        "production.txt",
        "development.txt",
        "documents.txt",
        *(f"{extra}.txt" for extra in install.EXTRAS),
    ):
        (tmp_path / name).write_text("celery\n")
    (tmp_path / "constraints.txt").write_text("uv==1.0\ncelery==5.0\n")
    done: list[str] = []
    monkeypatch.setattr(install, "step", lambda what, command, **options: done.append(what.partition(":")[0]))
    monkeypatch.setattr(install, "installed_version", lambda package: "1.0")
    monkeypatch.setattr(install, "takes_cpu_torch", lambda environment: False)

    install.install_packages("production")
    install.install_packages("production")
    assert done == ["Installing the Python packages for production"]
    install.install_packages("development")
    install.install_packages("production")
    assert done[1:] == ["Installing the Python packages for development"]
    for _ in range(2):
        install.install_packages("documents")
    assert done[2:] == ["Installing the Python packages for documents"]
    (tmp_path / "constraints.txt").write_text("uv==1.0\ncelery==5.1\n")
    install.install_packages("production")
    assert len(done) == 4


def test_a_package_with_another_hash_is_refused(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    for name in ("CONSTRAINTS", "HASHES"):
        monkeypatch.setattr(install, name, tmp_path / name)
    install.CONSTRAINTS.write_text("tiny==1.0\n")

    def refused(digest: str) -> str:
        install.HASHES.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
        where = ["--target", str(tmp_path / digest), "--no-index", "--no-cache", "--find-links", str(tmp_path)]
        done = subprocess.run(install.uv_install(*where, "tiny"), capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    assert refused(sha256(wheel.read_bytes()).hexdigest()) == ""
    assert "Hash mismatch for `tiny==1.0`" in refused("0" * 64)


def test_a_half_done_installation_is_done_again(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, ["uv"])

    monkeypatch.setattr(install, "step", fail)
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            install.install_packages("production")


def test_javascript_is_fetched_for_what_is_wanted_and_built_once(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frontend, static = tmp_path / "frontend", tmp_path / "static"
    for name, value in {"ROOT": tmp_path, "FRONTEND": frontend, "STATIC": static}.items():
        monkeypatch.setattr(install, name, value)
    for folder in (frontend, static / "viewer"):
        folder.mkdir(parents=True)
    lock = frontend / "package-lock.json"
    lock.write_text("{}")
    done: list[list[str]] = []

    def npm(what: str, command: list[str], **options: object) -> None:
        done.append(command[1:])
        if command[1] == "ci":  # it begins with an empty folder
            shutil.rmtree(frontend / "node_modules", ignore_errors=True)
            (frontend / "node_modules").mkdir()

    monkeypatch.setattr(install, "step", npm)
    monkeypatch.setattr(install, "find_npm", lambda: (["npm"], {}))

    def steps(wanted: str) -> list[str]:
        done.clear()
        install.build_javascript(wanted)
        return ["fetch all" if command[0] == "ci" and "--omit=dev" not in command else command[0] for command in done]

    assert steps("production") == ["ci", "run"]
    assert steps("production") == []
    assert steps("development") == ["fetch all"]
    assert steps("production") == steps("development") == []
    lock.write_text("{ }")
    assert steps("production") == ["ci", "run"]
    assert steps("development") == ["fetch all"]
    shutil.rmtree(frontend / "node_modules")  # as in the image
    assert steps("production") == []


def test_no_package_host_is_named() -> None:
    for file in [ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / "requirements").glob("*.*")]:
        assert "://" not in file.read_text().replace("http://127.0.0.1", ""), file.name
