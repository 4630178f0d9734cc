"""Passwords of database and queue hold any character where they stand apart from it; an empty one is refused."""

import dj_database_url
import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured

from readerstudy.serving.addresses import address, secret

PASSWORD = "a@b/c#d:e?f%41 'g$"
APART = {"SECRET": PASSWORD, "URL": "postgresql://app:before@%2Frun%2Fdb:5433/site", "QUEUE": "redis://queue:6379/0"}


def test_a_password_apart_arrives_as_it_is_at_database_and_queue():
    database = dj_database_url.parse(address(APART, "URL", "SECRET"))
    assert [database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "app",
        PASSWORD,
        "/run/db",
        5433,
        "site",
    ]
    queue = Celery(broker=address(APART, "QUEUE", "SECRET")).connection_for_write()
    assert (queue.hostname, queue.port, queue.password) == ("queue", 6379, PASSWORD)


def test_an_address_without_a_password_or_without_a_host_stays_as_it_is():
    for given in (APART["URL"], "sqlite:////data/db.sqlite3", "memory://", ""):
        assert address({"URL": given}, "URL", "SECRET") == given
    assert address({"URL": "sqlite:////data/db.sqlite3", "SECRET": PASSWORD}, "URL", "SECRET").startswith("sqlite:///")
    assert address({"SECRET": PASSWORD}, "URL", "SECRET") == ""


def test_an_empty_secret_is_refused_and_none_is_not():
    with pytest.raises(ImproperlyConfigured, match="SECRET is empty"):
        address({"URL": "redis://queue", "SECRET": ""}, "URL", "SECRET")
    assert secret({}, "SECRET") == ""
