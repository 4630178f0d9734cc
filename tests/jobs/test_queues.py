"""What is on the broker: signed, by queue and urgency, and never more than fits."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from celery.exceptions import InvalidTaskError
from kombu.exceptions import DecodeError
from kombu.message import Message
from kombu.serialization import dumps, loads
from kombu.utils.imports import symbol_by_name

from readerstudy.jobs import order, queues, registry, services, signed_messages
from readerstudy.jobs.models import Job
from readerstudy.jobs.signed_requests import SignedRequest
from readerstudy.jobs.tasks import run_job
from readerstudy.serving import embedded_redis
from tests.site_process import until

pytestmark = pytest.mark.django_db
send, room = services.send, queues.room


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("r")
    socket = embedded_redis.socket_path(folder)
    process = subprocess.Popen(embedded_redis.command(embedded_redis.server(), socket=socket, data=folder))
    until(lambda: embedded_redis.answers(socket))
    yield f"redis+socket://{socket}"
    process.kill()
    process.wait()


@pytest.fixture
def broker(address, monkeypatch, own_folders) -> None:
    """A queue of one's own, and sending as on a site."""
    monkeypatch.setattr(services, "send", send)
    monkeypatch.setattr(queues, "room", room)
    monkeypatch.setattr(queues, "_known", {})
    monkeypatch.setattr(current_app.conf, "broker_url", address)
    with current_app.connection_for_write(address) as connection:
        connection.channel().client.flushall()
    current_app._pool = None
    current_app.amqp._producer_pool = None
    yield
    current_app._pool = None
    current_app.amqp._producer_pool = None


def ask_for(count: int, function: str = "images.compare", **now) -> list[Job]:
    jobs = [
        services.request_job(function=function, label="x", study=None, parameters={}, inputs={"number": number})[0]
        for number in range(count)
    ]
    if now:
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(**now)
    return jobs


def received(queue: str) -> Iterator[int]:
    """Numbers of jobs in the order in which a worker gets them."""
    with current_app.connection_for_read() as connection:
        channel = connection.channel()
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            decoded = channel.message_to_python(message)
            yield loads(decoded.body, decoded.content_type, decoded.content_encoding, accept={decoded.content_type})[0][
                0
            ]


def test_each_kind_of_work_goes_to_its_queue_and_every_kind_has_one():
    registry.obstacles()
    names = {kind.name: kind for kind in registry.kinds()}
    assert {kind.queue for kind in names.values()} == set(order.QUEUES)
    assert names["intake.sort"].queue == "intake"
    assert names["intake.sort"].urgency == names["results.analyse"].urgency == order.SOON
    assert queues.of("of no app") == ("default", order.NEXT)


def test_what_a_person_waits_for_comes_before_what_was_asked_for_first(broker, django_capture_on_commit_callbacks):
    metrics = [kind for kind in registry.kinds() if kind.queue == "metrics"]
    later = next(kind.name for kind in metrics if kind.urgency == order.LATER)
    soon = next(kind.name for kind in metrics if kind.urgency == order.SOON)
    with django_capture_on_commit_callbacks(execute=True):
        first = ask_for(3, later)
        last = ask_for(1, soon)
    assert list(received("metrics")) == [job.pk for job in [*last, *first]]


def test_a_queue_grows_no_longer_than_it_may_and_is_filled_up_from_the_table(
    broker, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(queues, "LONGEST", 10)
    with django_capture_on_commit_callbacks(execute=True):
        jobs = ask_for(30, registry.in_queue("metrics")[0])
    assert queues.waiting("metrics") == 10
    Job.objects.update(created_at="2026-01-01T00:00:00Z")
    assert services.requeue_lost_jobs() == 0  # half full: nothing is sent twice
    seen = set(received("metrics"))
    for _ in range(8):
        monkeypatch.setattr(queues, "_known", {})
        Job.objects.filter(pk__in=seen).update(state="done")
        services.requeue_lost_jobs()
        assert queues.waiting("metrics") <= 5
        seen |= set(received("metrics"))
    assert seen == {job.pk for job in jobs}


def test_a_broker_that_is_away_delays_and_breaks_nothing(broker, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:9/0")
    current_app._pool = current_app.amqp._producer_pool = None
    with django_capture_on_commit_callbacks(execute=True):
        (job,) = ask_for(1, "intake.sort")
    assert (job.state, queues.room("intake")) == ("waiting", 0)


def test_a_message_that_the_site_did_not_sign_is_not_read():
    content_type, encoding, body = dumps([[5], {}, {}], serializer=signed_messages.NAME)
    accept = {signed_messages.CONTENT_TYPE}
    assert loads(body, content_type, encoding, accept=accept) == [[5], {}, {}]
    for forged in (body.replace("5", "6"), body.partition("\n")[2], "x\n[[5], {}, {}]", "ü\n[]"):
        with pytest.raises(DecodeError, match="not this site's"):
            loads(forged, content_type, encoding, accept=accept)
    assert current_app.conf.accept_content == [signed_messages.NAME]  # no plain JSON, no pickle
    assert current_app.conf.task_serializer == current_app.conf.event_serializer == signed_messages.NAME


def sent_by_the_site(number: int) -> Message:
    """A message as a worker gets it from the broker."""
    current_app.send_task(services.RUN, [number], queue="metrics", priority=order.SOON)
    with current_app.connection_for_read() as connection:
        channel = connection.channel()
        message = channel.message_to_python(channel.basic_get("metrics", no_ack=True))
    message.accept = {signed_messages.CONTENT_TYPE}
    return message


@pytest.mark.parametrize(
    "other",
    [
        {"task": "celery.accumulate"},
        {"id": "of another"},
        {"timelimit": [0.01, None]},
        {"eta": "2099-01-01T00:00:00+00:00"},
        {"expires": "2020-01-01T00:00:00+00:00"},
        {"retries": 9},
        {"stamped_headers": ["x"]},
    ],
)
def test_a_message_under_other_headers_is_not_done(broker, other):
    message = sent_by_the_site(7)
    asked = current_app.tasks[run_job.name]
    assert symbol_by_name(asked.Request)(message, app=current_app, task=asked).args == [7]
    message.headers |= other
    task = current_app.tasks[message.headers["task"]]
    with pytest.raises(InvalidTaskError, match="not what this site wrote"):
        symbol_by_name(task.Request)(message, app=current_app, task=task)


@pytest.mark.parametrize("content", [[[5], {}, {}], {"task": services.RUN, "id": "1", "args": [5]}, [], None])
def test_signed_content_that_is_no_task_of_this_site_is_not_done(broker, content):
    message = sent_by_the_site(7)
    message.body, message._decoded_cache = signed_messages.signed(content), None
    with pytest.raises(InvalidTaskError, match="not what this site wrote"):
        SignedRequest(message, app=current_app, task=current_app.tasks[run_job.name])


def test_no_task_of_a_worker_is_done_under_other_headers():
    assert len(current_app.tasks) > 5
    for task in current_app.tasks.values():
        assert symbol_by_name(task.Request) is SignedRequest, task


def test_settings_that_name_no_queue_are_refused(tmp_path: Path):
    own = os.environ | {"READERSTUDY_VAR": str(tmp_path), "READERSTUDY_WORKER_QUEUES": "intake,gpu"}
    done = subprocess.run(
        [sys.executable, "-c", "import readerstudy.settings"], env=own, capture_output=True, text=True, check=False
    )
    assert "READERSTUDY_WORKER_QUEUES names some of intake, enhance, metrics, default" in done.stderr
