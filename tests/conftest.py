"""Fixtures for every test."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.folder_times import pytest_terminal_summary  # noqa: F401  a hook of pytest
from tests.once import PLAIN, fitted_once, own_settings, unattended
from tests.prepared import PREPARED, TEMPLATE, place_database
from tests.skips import NO_DATA, pytest_runtest_makereport  # noqa: F401  a hook of pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no worker waits for it at the end; and modules that drive a browser lie
    evenly among the others, for two browsers at once are slower than one after the other."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    in_browser = [item.get_closest_marker("browser") is not None for item in items]
    total, before, place = Counter(in_browser), Counter(), {}
    for item, kind in zip(items, in_browser, strict=True):
        place.setdefault(item.path, before[kind] / total[kind])
        before[kind] += 1
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish() -> None:
    """What the imports made stays to the end: looking for garbage among it costs every test a twentieth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real series and tables: READERSTUDY_DATA, else ../shared/data beside the checkout."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("READERSTUDY_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"{NO_DATA}: set READERSTUDY_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """The copy of a prepared database is not emptied at first."""
    from django.db import connection

    return django_db_keepdb or (connection.vendor == "sqlite" and PREPARED in os.environ)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file: in memory, all threads of a live server would share one connection and its transactions. It
    begins as a copy of the prepared site's, where there is one, and so on PostgreSQL: the migrations ran already. No
    test takes the power away, so none waits for the disk."""
    from django.db import connection

    if connection.vendor == "sqlite":
        database = tmp_path_factory.mktemp("database") / "test.sqlite3"
        place_database(database)
        connection.settings_dict["TEST"]["NAME"] = str(database)
        options = connection.settings_dict["OPTIONS"]
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    elif TEMPLATE in os.environ:
        connection.settings_dict["TEST"]["TEMPLATE"] = os.environ[TEMPLATE]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Between tests that need real transactions the database is emptied: past the triggers, which nobody else is. On
    SQLite it is put back as the migrations left it."""
    from django.db import connection
    from django.test import TransactionTestCase

    from tests.database_copy import DatabaseCopy
    from tests.tampering import tampering

    operations = type(connection.ops)  # not this connection's: what drives a browser has another
    flush = operations.execute_sql_flush

    def past_triggers(self, statements: list[str]) -> None:
        with tampering():
            flush(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "sqlite":
            with django_db_blocker.unblock():
                migrated = DatabaseCopy()
            patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: migrated.put_back())
        else:
            patch.setattr(operations, "execute_sql_flush", past_triggers)
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> None:
    """Before anything is served: a browser asks between two tests, too, when the settings are not those of a test."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = PLAIN


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive and quarantine of each test lie in a folder of its own, and no test reaches a queue by itself."""
    for name, value in own_settings(tmp_path).items():
        setattr(settings, name, value)
    unattended(monkeypatch)
    fitted_once(monkeypatch)
