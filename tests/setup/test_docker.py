"""Image, compose file and systemd's units start the same programs as `make run`; no secret stands in an address.

No Docker engine is needed, none is used.
"""

import json
import re
from pathlib import Path

import yaml

from readerstudy.serving import supervisor

DOCKER = Path(__file__).resolve().parents[2] / "docker"


def test_web_and_worker_start_as_in_make_run() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    assert services["worker"]["command"] == ["python", *supervisor.worker_command()[1:]]
    command = re.search(r"^CMD (\[.*\])$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)[1]
    assert json.loads(command) == ["python", *supervisor.web_command()[1:]]
    assert "command" not in services["web"]


def test_every_setting_of_the_example_is_one_that_something_reads() -> None:
    root = DOCKER.parent
    read = "".join(file.read_text() for file in [DOCKER / "compose.yaml", *(root / "readerstudy").rglob("*.py")])
    for line in (DOCKER / "example.env").read_text().splitlines():
        if line and not line.startswith("#"):
            assert line.partition("=")[0] in read, line


def test_the_owner_of_the_tables_is_known_to_the_preparation_alone() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    for name in ("web", "worker"):
        settings = services[name]["environment"]
        assert not {"DATABASE_OWNER_URL", "DATABASE_OWNER_PASSWORD"} & settings.keys()
        assert settings["DATABASE_URL"] == "postgresql://readerstudy_app@database/readerstudy"
        for secret in ("POSTGRES_PASSWORD", "READERSTUDY_OWNER_PASSWORD"):  # .env holds them too
            assert settings[secret] == ""
    prepare = services["prepare"]["environment"]
    assert prepare["DATABASE_OWNER_URL"] == "postgresql://readerstudy_owner@database/readerstudy"
    assert "./roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro" in services["database"]["volumes"]
