"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real series and tables: READERSTUDY_DATA, else ../shared/data beside the checkout."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("READERSTUDY_DATA", default))
    if not folder.is_dir():
        pytest.skip("no real data: set READERSTUDY_DATA to the folder that holds it")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Where Chromium is promised (CI=true), a browser test that is skipped has failed."""
    report = yield
    promised = os.environ.get("CI") == "true" and item.get_closest_marker("browser")
    if promised and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"A browser test may not be skipped here: {call.excinfo.value if call.excinfo else ''}"
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file: in memory, all threads of a live server would share one connection and its transactions."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """Between tests that need real transactions SQLite is emptied row by row: let rows of the log be deleted."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO audit_removal (id) VALUES (0)")


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive and quarantine of each test lie in a folder of its own, and no test reaches a queue by itself."""
    from readerstudy.jobs import services

    settings.STORAGES = settings.STORAGES | {
        "archive": settings.STORAGES["archive"] | {"OPTIONS": {"location": tmp_path / "archive"}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.QUARANTINE_DIR = tmp_path / "quarantine"
    settings.HEADS_DIR = tmp_path / "heads"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(services, "send", lambda job_id: None)
