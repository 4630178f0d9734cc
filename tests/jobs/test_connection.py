"""A worker connects to the database once, not before each job, and looks whether the connection still holds."""

from types import SimpleNamespace

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_prerun
from django.db import connection, connections

from readerstudy.celery import app


@pytest.fixture
def closed(monkeypatch) -> list[int]:
    """One entry for each time that the connection is closed; it stays open."""
    times: list[int] = []
    monkeypatch.setattr(type(connections["default"]), "close", lambda self: times.append(1))
    return times


def test_a_job_leaves_the_connection_to_the_next(closed, db) -> None:
    connection.ensure_connection()
    around = DjangoWorkerFixup(app)
    task = SimpleNamespace(request=SimpleNamespace(is_eager=False))
    around.on_task_prerun(task)
    around.on_task_postrun(task)
    assert not closed


def test_a_connection_that_is_too_old_is_closed_before_a_job(closed, db, monkeypatch) -> None:
    connection.ensure_connection()
    with monkeypatch.context() as patch:
        patch.setattr(connections["default"], "in_atomic_block", False)  # as no test's transaction
        patch.setattr(connections["default"], "close_at", 0)
        task_prerun.send(sender=None)
    assert closed
