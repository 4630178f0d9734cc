"""The files for one's own host: what systemd starts is what `make run` starts, and the document names what is there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from readerstudy.serving import supervisor

ROOT = Path(__file__).resolve().parents[2]
HOST = ROOT / "readerstudy" / "serving" / "host"
UNITS = sorted(HOST.glob("readerstudy-*"))
DOCUMENT = ROOT / "docs" / "operations.md"
MADE_BY_HAND = {"docker/.env", "docker/tls"}  # on the host, never in the repository


def programs() -> list[Path]:
    return [file for folder in ("readerstudy", "processing") for file in (ROOT / folder).rglob("*.py")]


def started_by(unit: str) -> list[str]:
    return shlex.split(re.search(r"^ExecStart=(.*)$", (HOST / unit).read_text(), re.MULTILINE)[1])


def test_units_start_what_make_run_starts() -> None:
    python = "/srv/readerstudy/.venv/bin/python"
    assert started_by("readerstudy-web.service") == [python, *supervisor.web_command()[1:]]
    worker = started_by("readerstudy-worker@.service")
    assert worker[:-2] == [python, *supervisor.worker_command()[1:]]
    assert worker[-2:] == ["--hostname", "%i@%H"]
    assert started_by("readerstudy-prepare.service") == [python, "-m", "readerstudy.serving.prepare"]


def test_the_owner_of_the_tables_is_known_to_the_preparation_alone() -> None:
    assert [unit.name for unit in UNITS if "owner.env" in unit.read_text()] == ["readerstudy-prepare.service"]
    assert "OWNER" not in (HOST / "site.env").read_text()


def test_every_setting_is_one_that_something_reads() -> None:
    read = "".join(file.read_text() for file in programs())
    lines = [line for name in ("site.env", "owner.env") for line in (HOST / name).read_text().splitlines()]
    names = [line.partition("=")[0] for line in lines if not line.startswith("#")]
    assert [name for name in names if f'"{name}"' not in read] == []


def missing(document: str) -> list[str]:
    """Files, units and settings of the site that a document names and that are not there."""
    files = re.findall(r"(?<![\w/])((?:readerstudy|docker|requirements)/[\w./@*-]*[\w*])", document)
    units = re.findall(r"readerstudy-(?:web|worker|prepare|backup)[\w@.]*", document)
    names = [f"{re.sub(r'@.*', '@', one)}.service".replace(".timer.service", ".timer") for one in units]
    read = "".join(file.read_text() for file in [ROOT / "docker" / "roles.sql", *programs()])
    settings = re.findall(r"\b(?:READERSTUDY|DATABASE|REDIS)_[A-Z_]*[A-Z]\b", document)
    return [
        *(one for one in files if not list(ROOT.glob(one)) and one not in MADE_BY_HAND),
        *(one for one in names if not (HOST / one).is_file()),
        *(one for one in settings if one not in read),
    ]


def test_files_units_and_settings_that_the_document_names_are_there() -> None:
    assert missing(DOCUMENT.read_text()) == []
    wrong = "sh requirements/set-up.sh; systemctl start readerstudy-wobbler readerstudy-web readerstudy-worker@1; A_B"
    assert missing(wrong + " DATABASE_URLS") == ["requirements/set-up.sh", "DATABASE_URLS"]


def complaints(units: dict[str, str], folder: Path) -> list[str]:
    """What systemd says against units, as if the site were installed here."""
    for name, text in units.items():
        here = text.replace("/srv/readerstudy/.venv/bin/python", "/bin/sh").replace("=readerstudy\n", "=root\n")
        (folder / name).write_text(here)
    command = ["systemd-analyze", "verify", *map(str, sorted(folder.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if "readerstudy" in line]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    units = {unit.name: unit.read_text() for unit in UNITS}
    assert complaints(units, tmp_path) == []
    for right, wrong in (
        ("Restart=always", "Restart=sometimes"),
        ("KillMode", "KilMode"),
        ("/bin/sh -c", "/bin/hs -c"),
    ):
        assert complaints({name: text.replace(right, wrong) for name, text in units.items()}, tmp_path), wrong
