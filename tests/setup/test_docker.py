"""Image, compose file and systemd's units start the same programs as `make run`; no secret stands in an address.

No Docker engine is needed, none is used.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
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


def test_two_web_servers_and_three_workers_share_keys_and_heads_and_no_other_folder() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    assert {name: services[name]["deploy"]["replicas"] for name in ("web", "worker")} == {"web": 2, "worker": 3}
    for name in ("web", "worker"):
        named = [volume for volume in services[name]["volumes"] if ":" in volume]
        assert named == ["keys:/var/lib/readerstudy-keys"]
        settings = services[name]["environment"]
        assert settings["READERSTUDY_STORAGE"].startswith("s3://")
        assert Path(settings["READERSTUDY_KEYS"]).parent == Path(settings["READERSTUDY_HEADS"]).parent
        assert "ports" not in services[name]  # who comes in comes by the proxy
    assert "--requirepass" in services["queue"]["command"][-1]
    served = ("queue", "store", "database")
    assert not any("ports" in services[name] for name in served)


def test_every_image_that_is_not_built_here_is_of_a_named_version() -> None:
    """No tag moves: a name without one, or `latest`, or a major version alone, is another program on another day."""
    text = (DOCKER / "compose.yaml").read_text()
    images = {name: one["image"] for name, one in yaml.safe_load(text)["services"].items() if "build" not in one}
    assert images.keys() == {"database", "queue", "store", "proxy"}
    pinned = re.compile(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:v?\d+(\.\d+)+(-[a-z]+)?\}")
    assert [image for image in images.values() if not pinned.fullmatch(image)] == []
    assert not any(pinned.fullmatch(f"${{X_IMAGE:-nginx{tag}}}") for tag in ("", ":latest", ":1", ":1-bookworm"))
    assert re.search(r"DEBIAN_IMAGE:-debian:\d+\.\d+-slim", text)


def test_the_proxy_of_the_containers_is_that_of_a_host(tmp_path: Path) -> None:
    """Every rule of the one stands in the other, and nginx takes it."""
    own = (DOCKER / "nginx.conf.template").read_text()
    of_a_host = (DOCKER.parent / "readerstudy" / "serving" / "host" / "nginx.conf").read_text()
    rules = [line.partition("#")[0].strip() for line in of_a_host.partition("listen 443")[2].splitlines()[1:]]
    elsewhere = ("listen", "server_name", "proxy_pass")
    assert [rule for rule in rules if rule and not rule.startswith(elsewhere) and rule not in own] == []
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    subject = ["-subj", "/CN=localhost", "-keyout", tmp_path / "site.key", "-out", tmp_path / "site.crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], check=True, capture_output=True
    )
    text = own.replace("${SITE}", "localhost").replace("web:8000", "127.0.0.1:8000")
    text = text.replace("/etc/ssl/readerstudy", str(tmp_path)).replace("listen 443", "listen 127.0.0.1:8443")
    whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run([nginx, "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
