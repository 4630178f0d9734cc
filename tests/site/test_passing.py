"""Images are sent by processes of their own, which give way; one connection goes back and forth between them."""

import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from readerstudy.serving.passing import NICE, Channel, Group, group_of_next
from tests.site_process import ROOT, until

FRAME = "/studies/s/reading/token/frames/3/"
WHO = """
import json, os
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    said = {"pid": os.getpid(), "nice": os.nice(0), "body": body, "from": environ["REMOTE_PORT"]}
    content = json.dumps(said).encode()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]
"""


@pytest.mark.parametrize(
    ("there", "next_one"),
    [("", "PAGES"), ("PAGES", "IMAGES"), ("IMAGES", "PAGES"), ("PAGES IMAGES", "PAGES"), ("PAGES PAGES", "IMAGES")],
)
def test_a_process_takes_the_place_that_is_free(there, next_one):
    assert group_of_next(Group[name] for name in there.split()) == Group[next_one]


def test_what_cannot_be_passed_on_is_kept():
    channel, (ours, theirs) = Channel(), socket.socketpair()
    with ours, theirs:
        passed = 0
        while channel.give(ours):
            passed += 1
        assert passed > 10
        channel.accept()[0].close()
        assert channel.give(ours)
    channel.close()


def test_a_browser_that_left_meanwhile_ends_nothing():
    channel = Channel()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        browser = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        browser.close()  # with a reset
        assert channel.give(connection)
        connection.close()
        with pytest.raises(OSError, match=os.strerror(errno.ECONNABORTED)) as found:
            channel.accept()
        assert found.value.errno == errno.ECONNABORTED  # as gunicorn has it where a listener says so
    channel.close()


@pytest.fixture
def server(tmp_path):
    """Port of a web server, with the settings of the site, that tells which of its processes answers."""
    (tmp_path / "who.py").write_text(WHO)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}", "READERSTUDY_PORT": str(port), "WEB_CONCURRENCY": "1"}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:readerstudy.serving.gunicorn", "who"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    until(lambda: process.poll() is None and answers(port), every=0.05)
    yield port
    process.terminate()
    process.wait(20)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_one_connection_goes_to_who_answers_and_to_who_sends_images(server):
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=20)

    def ask(method: str, path: str, body: str = "") -> dict:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())

    page, image = ask("GET", "/"), ask("GET", FRAME)
    assert image["nice"] - page["nice"] == NICE
    assert image["pid"] != page["pid"]
    long = "a" * 100_000  # more than comes at once
    answer = ask("PUT", "/answer", long)
    assert (answer["pid"], answer["body"]) == (page["pid"], long)
    again = ask("GET", FRAME)
    assert again["pid"] == image["pid"]
    assert {one["from"] for one in (page, image, answer, again)} == {page["from"]}, "it was opened anew"

    os.kill(image["pid"], signal.SIGKILL)  # with the connection that it held
    connection.close()
    after = ask("GET", FRAME)
    assert after["nice"] - page["nice"] == NICE
    assert after["pid"] not in (image["pid"], page["pid"])
