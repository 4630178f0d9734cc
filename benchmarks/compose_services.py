"""Every service of docker/compose.yaml by its own command, environment and health check, without an engine.

    python -m benchmarks.compose_services

Needs redis, nginx, openssl, and PostgreSQL's psql and pg_isready. What differs from the file is printed: addresses and
folders, one process a web server, and moto's server as the object store. Through the proxy the page to sign in must
come over TLS, with its headers; no secret may stand in a log. Exit status 1 if not.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, build_opener

import yaml

from benchmarks.machines import ROOT, answers, free_port, kill, spawn, until
from tests.archive.bucket import environment, new_bucket
from tests.postgresql import server

DOCKER = ROOT / "docker"
SERVICES = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
IMAGE = (DOCKER / "Dockerfile").read_text()
SECRETS = {
    name: f"$ecret:/{secrets.token_hex(6)}"
    for name in ("POSTGRES_PASSWORD", "READERSTUDY_APP_PASSWORD", "READERSTUDY_OWNER_PASSWORD", "REDIS_PASSWORD")
}
OURS = ("READERSTUDY", "DATABASE", "REDIS", "AWS", "POSTGRES")


def filled_in(text: object) -> str:
    """A value of the file as Compose would pass it on."""
    found = re.sub(
        r"(?<!\$)\$\{(\w+)(?:(:-|:\?)([^}]*))?\}",
        lambda m: SECRETS.get(m[1]) or (m[3] if m[2] == ":-" else ""),
        str(text),
    )
    return found.replace("$$", "$")


def health_check(service: str) -> list[str]:
    """What Compose would run in the container."""
    kind, *words = SERVICES[service]["healthcheck"]["test"]
    words = [word.replace("$$", "$") for word in words]
    return ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words


def of_image(word: str) -> list[str]:
    """The command behind CMD, or behind the CMD of HEALTHCHECK."""
    pattern = r"^HEALTHCHECK.*\n CMD (\[.*\])$" if word == "HEALTHCHECK" else r"^CMD (\[.*\])$"
    found = re.search(pattern, IMAGE, re.MULTILINE)
    assert found, word
    return json.loads(found[1])


class Services:
    """What runs, and its logs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack, self.begun = folder, stack, time.monotonic()
        self.base = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.base["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def start(self, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen:
        process = spawn(self.folder / f"{name}.log", command, env)
        self.stack.callback(kill, process)
        return process

    def passes(self, command: list[str], env: dict[str, str]) -> bool:
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, check=False).returncode == 0

    def say(self, *words: object) -> None:
        print(f"{time.monotonic() - self.begun:5.1f} s ", *words, flush=True)

    def of_site(self, service: str, machine: str, reached: dict[str, str], **more: str) -> dict[str, str]:
        """The environment of a process of the site: the file's, with the addresses that hold here."""
        own = {name: filled_in(value) for name, value in SERVICES[service]["environment"].items()}
        database = reached["database"]
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            if name in own:
                own[name] = own[name].split("@")[0] + database
        here = {
            "REDIS_URL": reached["queue"],
            "READERSTUDY_KEYS": str(self.folder / "keys.json"),
            "READERSTUDY_HEADS": str(self.folder / "heads"),
            "READERSTUDY_VAR": str(self.folder / machine),
            "READERSTUDY_STATIC": str(self.folder / "static"),
            "READERSTUDY_HTTPS": "1",
            "READERSTUDY_TRUSTED_PROXIES": "127.0.0.1",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": "https://localhost",
            "WEB_CONCURRENCY": "1",
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        }
        return self.base | own | here | reached["store"] | more  # type: ignore[operator]


def main() -> None:
    """Start one after the other as they depend on each other; print, fail."""
    with ExitStack() as stack:
        database = stack.enter_context(server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compose-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        services = Services(folder, stack)
        reached = {"database": _database(services, database), "queue": _queue(services), "store": _store(services)}
        ports = _site(services, reached)
        held = _proxy(services, ports)
        logs = "".join(file.read_text(errors="replace") for file in folder.glob("*.log"))
        told = [name for name, secret in SECRETS.items() if secret in logs]
        services.say("secrets in logs:", ", ".join(told) or "none")
    sys.exit(bool(told) or not held)


def _database(services: Services, database) -> str:
    socket = str(database.sockets)
    psql = ["psql", "-h", socket, "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
    programs = services.base | SECRETS | {"PATH": f"{database.programs}:{services.base['PATH']}"}
    user = SERVICES["database"]["environment"]["POSTGRES_USER"]
    make = ["-c", f"CREATE ROLE {user} SUPERUSER LOGIN", "-c", f"CREATE DATABASE {user} OWNER {user}", "postgres"]
    for command in ([*psql, *make], [*psql, "-f", str(DOCKER / "roles.sql"), user]):
        subprocess.run(command, check=True, capture_output=True, env=programs)
    check = health_check("database")[-1] + f" -h {socket}"
    until(lambda: services.passes(["sh", "-c", check], programs), 30, "the database is healthy")
    services.say("database: roles.sql, healthy")
    return f"@{quote(socket, safe='')}/{user}"


def _queue(services: Services) -> str:
    port = free_port()
    *shell, command = (filled_in(word) for word in SERVICES["queue"]["command"])
    env = services.base | {name: filled_in(value) for name, value in SERVICES["queue"]["environment"].items()}
    services.start("queue", [*shell, f"{command} --port {port} --dir {services.folder}"], env)
    *shell, check = health_check("queue")
    check = check.replace("redis-cli", f"redis-cli -p {port}")
    until(lambda: services.passes([*shell, check], env), 30, "the queue is healthy")
    if services.passes([*shell, check], services.base):
        sys.exit("The queue answers who has no password.")
    services.say("queue: healthy, and closed without its password")
    return f"redis://127.0.0.1:{port}/0"


def _store(services: Services) -> dict[str, str]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    services.start("store", command, services.base)
    until(lambda: answers(f"{endpoint}/moto-api/"), 90, "the object store answers")
    services.say("store: moto's server")
    return environment(endpoint, new_bucket(endpoint))


def _site(services: Services, reached: dict) -> list[int]:
    command = SERVICES["prepare"]["command"]
    prepared = services.start("prepare", command, services.of_site("prepare", "prepare", reached))
    if status := prepared.wait(300):
        sys.exit(f"prepare ends with {status}: {(services.folder / 'prepare.log').read_text()[-2000:]}")
    services.say("prepare: done")
    ports = [free_port() for _ in range(SERVICES["web"]["deploy"]["replicas"])]
    for number, port in enumerate(ports, 1):
        env = services.of_site("web", f"web-{number}", reached, READERSTUDY_PORT=str(port))
        services.start(f"web-{number}", of_image("CMD"), env)
    workers = {}
    for number in range(1, 1 + SERVICES["worker"]["deploy"]["replicas"]):
        name = f"worker-{number}"
        workers[name] = services.of_site("worker", name, reached, HOSTNAME=name)
        command = [*SERVICES["worker"]["command"], "--hostname", f"celery@{name}"]
        services.start(name, command, workers[name])
    for port in ports:
        check = [word.replace("8000", str(port)) for word in of_image("HEALTHCHECK")]
        until(lambda check=check: services.passes(check, services.base), 200, "a web server is healthy")
    services.say(f"web: {len(ports)} healthy")
    for name, env in workers.items():
        until(lambda env=env: services.passes(health_check("worker"), env), 200, f"{name} is healthy", every=2)
    services.say(f"worker: {len(workers)} healthy")
    return ports


def _proxy(services: Services, ports: list[int]) -> bool:
    folder, port = services.folder, free_port()
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    keys = ["-keyout", str(folder / "site.key"), "-out", str(folder / "site.crt")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, *keys]
    subprocess.run(made, check=True, capture_output=True)
    template = (DOCKER / "nginx.conf.template").read_text().replace("${SITE}", "localhost")
    for said, here in (
        ("server web:8000;", " ".join(f"server 127.0.0.1:{one};" for one in ports)),
        ("/etc/ssl/readerstudy", str(folder)),
        ("listen 443", f"listen 127.0.0.1:{port}"),
    ):
        assert said in template, said
        template = template.replace(said, here)
    user = "user root; " if os.geteuid() == 0 else ""
    temporary = f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied;"
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user}daemon off; pid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n{temporary}\n{template}\n}}\n"
    )
    path = services.base | {"PATH": f"{services.base['PATH']}:/usr/sbin"}
    services.start("proxy", ["nginx", "-e", f"{folder}/nginx.log", "-c", str(configuration)], path)
    jar = CookieJar()
    context = ssl.create_default_context(cafile=str(folder / "site.crt"))
    opener = build_opener(HTTPSHandler(context=context), HTTPCookieProcessor(jar))
    address = f"https://localhost:{port}/login/"
    until(lambda: _page(opener, address) is not None, 30, "the proxy answers")
    page = _page(opener, address)
    assert page is not None
    lasts, cookies = page.headers.get("Strict-Transport-Security"), [cookie.secure for cookie in jar]
    services.say(f"proxy: the page to sign in with {page.status}, HSTS {lasts}, cookies for TLS alone {cookies}")
    return page.status == 200 and bool(lasts) and bool(cookies) and all(cookies)


def _page(opener: OpenerDirector, address: str) -> HTTPResponse | None:
    with suppress(OSError):
        return opener.open(address, timeout=20)
    return None


if __name__ == "__main__":
    main()
