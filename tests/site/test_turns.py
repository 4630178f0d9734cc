"""Answers come before images, and images before those that are fetched ahead; but nothing waits for ever."""

import socket
from threading import Event, Thread

import pytest

from readerstudy.serving import turns
from readerstudy.serving.turns import Coming, Kind, Pools, Turns, asked_for

FRAME = "/studies/s/reading/token/frames/3/"


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (Kind.ANSWER, f"PUT {FRAME} HTTP/1.1\r\n\r\n"),
        (Kind.ANSWER, "GET /studies/s/reading/current/ HTTP/1.1\r\nReferer: http://h/frames/3/\r\n\r\n"),
        (Kind.IMAGE, f"GET {FRAME} HTTP/1.1\r\nHost: h\r\n\r\n"),
        (Kind.IMAGE, f"GET {FRAME} HTTP/1.1\r\nPriority: u=1, i\r\n\r\n"),
        (Kind.AHEAD, f"GET {FRAME} HTTP/1.1\r\nHost: h\r\npriority: u=6\r\n\r\n"),
        (Kind.IMAGE, f"GET {FRAME}?x HTTP/1.1\r\n\r\n"),
        (Kind.FILE, "GET /api/v1/studies/s/images.zip?as=nifti HTTP/1.1\r\n\r\n"),
        (Kind.FILE, "GET /studies/s/results/all.zip HTTP/1.1\r\n\r\n"),
        (Kind.FILE, "GET /dicomweb/studies/s/studies/1.2/series/1.3 HTTP/1.1\r\n\r\n"),
        (Kind.FILE, "GET /dicomweb/studies/s/studies/1.2/series/1.3/instances/1.4/frames/1 HTTP/1.1\r\n\r\n"),
        (Kind.ANSWER, "POST /dicomweb/studies/s/studies HTTP/1.1\r\n\r\n"),
        (Kind.IMAGE, f"GET {FRAME.replace('/s/', '/dicomweb/')} HTTP/1.1\r\n\r\n"),
        (Kind.ANSWER, "GET /studies/dicomweb/reading/current/ HTTP/1.1\r\n\r\n"),
        (Kind.ANSWER, "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
        (Coming.SHORT, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}"),
        (Coming.LONG, "POST / HTTP/1.1\r\nContent-Length: 16000000\r\n\r\n{}"),
        (Coming.LONG, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Coming.LONG, "GET / HTTP/1.1\r\nHost: "),
        (Coming.LONG, ""),
    ],
)
def test_a_request_is_known_by_its_first_bytes_which_stay_there(kind, sent):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent.encode())
        assert asked_for(ours) == kind
        theirs.sendall(b".")
        assert ours.recv(4096).decode() == f"{sent}."


def at_work(order: Turns, kind: Kind) -> tuple[Event, Event]:
    """Begin work of this kind; what tells that it was let in, and what ends it."""
    begun, end = Event(), Event()

    def work() -> None:
        with order.of(kind):
            begun.set()
            end.wait(10)

    Thread(target=work, daemon=True).start()
    return begun, end


@pytest.mark.parametrize(("first", "then"), [(Kind.ANSWER, Kind.IMAGE), (Kind.IMAGE, Kind.AHEAD), (Kind.IMAGE,) * 2])
def test_what_comes_later_waits_for_what_comes_first(monkeypatch, first, then):
    monkeypatch.setattr(turns, "PATIENCE", dict.fromkeys(Kind, 10))
    monkeypatch.setitem(turns.AT_ONCE, Kind.IMAGE, 1)
    order = Turns()
    begun, end = at_work(order, first)
    assert begun.wait(5)
    later, done = at_work(order, then)
    assert not later.wait(0.1)
    end.set()
    assert later.wait(5)
    done.set()


@pytest.mark.parametrize(("first", "then"), [(Kind.AHEAD, Kind.IMAGE), (Kind.IMAGE, Kind.ANSWER), (Kind.ANSWER,) * 2])
def test_what_comes_first_does_not_wait(monkeypatch, first, then):
    monkeypatch.setattr(turns, "PATIENCE", dict.fromkeys(Kind, 10))
    order = Turns()
    ends = [at_work(order, first), at_work(order, then)]
    assert all(begun.wait(5) for begun, _ in ends)
    for _, end in ends:
        end.set()


def test_images_go_on_beside_an_answer_that_takes_long():
    order = Turns()
    (begun, end), (later, done) = at_work(order, Kind.ANSWER), at_work(order, Kind.IMAGE)
    assert begun.wait(5)
    assert later.wait(5)
    end.set()
    done.set()


class Connection:
    """As gunicorn has it."""

    def __init__(self, sent: str) -> None:
        self.sock, self.browser = socket.socketpair()
        self.browser.sendall(sent.encode())


WHOLE = "GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("held", "times", "answer"),
    [
        pytest.param(f"GET {FRAME} HTTP/1.1\r\n\r\n", 4, WHOLE, id="images"),
        pytest.param("GET /studies/s/material/images.zip HTTP/1.1\r\n\r\n", 8, WHOLE, id="downloads"),
        pytest.param("GET /dicomweb/studies/s/studies/1.2 HTTP/1.1\r\n\r\n", 8, WHOLE, id="files_for_programs"),
        pytest.param("POST /login/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", 8, WHOLE, id="slow_lines"),
        pytest.param(
            "POST /up/ HTTP/1.1\r\nContent-Length: 16000000\r\n\r\nx",
            8,
            "PUT /answer/ HTTP/1.1\r\nContent-Length: 2\r\n\r\n",
            id="uploads_where_the_body_follows_its_head",
        ),
    ],
)
def test_what_holds_its_threads_holds_no_answer(held, times, answer):
    pools, go_on = Pools(2), Event()
    waiting = [pools.submit(lambda _: go_on.wait(10), Connection(held)) for _ in range(times)]
    assert pools.submit(lambda conn: conn, Connection(answer)).result(5)
    assert not any(one.done() for one in waiting)
    go_on.set()
    pools.shutdown()
