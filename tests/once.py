"""What tests begin with, made once: each works on it in a transaction that is rolled back, or on a copy."""

import inspect
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.test import TestCase, override_settings

from tests.database_copy import DatabaseCopy

PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
FITTED: dict[bytes, Any] = {}


def own_settings(folder: Path) -> dict:
    """Archive, quarantine, heads and keys in places of their own."""
    return {
        "STORAGES": settings.STORAGES
        | {
            "archive": settings.STORAGES["archive"] | {"OPTIONS": {"location": folder / "archive"}},
            "staticfiles": {"BACKEND": PLAIN},
        },
        "QUARANTINE_DIR": folder / "quarantine",
        "KEYS_FILE": folder.with_name(f"{folder.name}-keys.json"),
        "HEADS_DIR": heads_of(folder),
        "ACCESS_LOG_SECONDS": 0,  # nothing is noted: a thread would write past the transactions of tests
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(folder)}},
        "SECURITY_LOG_DIR": heads_of(folder) / "security",
        "JOB_HEARTBEAT_SECONDS": 3600,  # from another connection, which does not see the test's transaction
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    }


def unattended(patch: pytest.MonkeyPatch) -> None:
    """No job reaches a queue by itself, and folders need not bear the mark of a site."""
    from readerstudy.archive import store_mark
    from readerstudy.jobs import queues, services

    patch.setattr(services, "send", lambda job_id: None)
    patch.setattr(queues, "room", lambda name: 1000)
    patch.setattr(store_mark, "problem", lambda: "")


def fitted_once(patch: pytest.MonkeyPatch) -> None:
    """Models are fitted once for the same answers: most tests of results look at something else."""
    from analysis import mixed, reading

    for module, name in ((mixed, "mixed_model"), (reading, "regression")):
        patch.setattr(module, name, _once_for_the_same(getattr(module, name)))


def _once_for_the_same(fit: Callable) -> Callable:
    def known(*cell, **more):
        key = pickle.dumps((fit.__name__, cell, more))
        if key not in FITTED:
            FITTED[key] = fit(*cell, **more)
        return deepcopy(FITTED[key])

    return known


def heads_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-heads")  # beside it: a test's own folder may have to be empty


def made_once(*, committed: bool = False) -> Callable:
    """In the place of `pytest.fixture`, for a function without arguments that makes and returns a row.

    It is called once per module, in a transaction that stays open under those of the tests; files are copied for each.
    committed: do what is to be done on commit, such as writing heads outside the database. Not for modules with tests
    that need real transactions.
    """

    def decorate(make: Callable[[], Model]):
        name = f"{make.__name__}_once"

        @pytest.fixture(scope="module", name=name)
        def once(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Model, Path]]:
            folder = tmp_path_factory.mktemp(name)
            with django_db_blocker.unblock(), transaction.atomic():
                with pytest.MonkeyPatch.context() as patch, override_settings(**own_settings(folder)):
                    unattended(patch)
                    with TestCase.captureOnCommitCallbacks(execute=committed):
                        made = make()
                yield made, folder
                transaction.set_rollback(True)

        def fresh(**fixtures) -> Model:
            made, folder = fixtures[name]
            copy_files(folder, fixtures["tmp_path"])
            return type(made).objects.get(pk=made.pk)

        return in_place_of(make, once, fresh, wanted=(name, "own_folders", "tmp_path", "db"))

    return decorate


def put_back(make: Callable[[], Model]):
    """In the place of `pytest.fixture`, for tests that need real transactions; the function as in `made_once`.

    It is called once per process that tests; for each test, the database and the files become what it left. On
    PostgreSQL it is called for each test.
    """
    name = f"{make.__name__}_put_back"

    @pytest.fixture(scope="session", name=name)
    def once(django_db_setup, django_db_blocker, tmp_path_factory) -> tuple[Model, Path, DatabaseCopy] | None:
        if connection.vendor != "sqlite":
            return None
        folder = tmp_path_factory.mktemp(name)
        with django_db_blocker.unblock():
            empty = DatabaseCopy()
            with pytest.MonkeyPatch.context() as patch, override_settings(**own_settings(folder)):
                unattended(patch)
                made = make()
            full = DatabaseCopy()
            empty.put_back()
        return made, folder, full

    def fresh(**fixtures) -> Model:
        if not fixtures[name]:
            return make()
        made, folder, database = fixtures[name]
        copy_files(folder, fixtures["tmp_path"])
        database.put_back()
        return type(made).objects.get(pk=made.pk)

    return in_place_of(make, once, fresh, wanted=(name, "own_folders", "tmp_path", "transactional_db"))


def copy_files(made: Path, own: Path) -> None:
    """Archive, keys and heads of what was made, for one test."""
    for source, target in ((made, own), (heads_of(made), heads_of(own))):
        if source.exists():
            shutil.copytree(source, target, dirs_exist_ok=True)


def in_place_of(make: Callable, once: Any, fresh: Callable, *, wanted: tuple[str, ...]):
    """The fixture of that name; the one behind it lies where pytest looks for fixtures."""
    fresh.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY) for one in wanted]
    )
    setattr(sys.modules[make.__module__], wanted[0], once)
    return pytest.fixture(name=make.__name__)(fresh)
