"""Copies of the site's database, so that each trial meets the same studies."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg.conninfo import make_conninfo

HEADS = settings.VAR_DIR / "heads"


def copies(place: str) -> Callable[[], AbstractContextManager[str]]:
    """Keep the database, and the heads outside it, as they are now. What it returns makes, for the length of a block,
    a copy into which the site writes; the block gets the administrator's way into it."""
    connections.close_all()
    kept = settings.VAR_DIR / "kept"
    if HEADS.exists():
        shutil.copytree(HEADS, kept / "heads")
    return _files(Path(place), kept) if "://" not in place else _databases(place, kept)


def _restore_heads(kept: Path) -> None:
    shutil.rmtree(HEADS, ignore_errors=True)
    if (kept / "heads").exists():
        shutil.copytree(kept / "heads", HEADS)


def _files(place: Path, kept: Path) -> Callable[[], AbstractContextManager[str]]:
    kept.mkdir(exist_ok=True)
    shutil.copy(place, kept / place.name)  # the last connection that closes leaves no log beside it

    @contextmanager
    def fresh() -> Iterator[str]:
        _restore_heads(kept)
        for left in place.parent.glob(f"{place.name}*"):
            left.unlink()
        shutil.copy(kept / place.name, place)
        yield str(place)
        connections.close_all()

    return fresh


def _databases(place: str, kept: Path) -> Callable[[], AbstractContextManager[str]]:
    original = connection.settings_dict["NAME"]

    def name_of_both(name: str) -> None:
        connection.settings_dict["NAME"] = settings.DATABASE_OWNER["NAME"] = name

    @contextmanager
    def fresh() -> Iterator[str]:
        _restore_heads(kept)
        with psycopg.connect(place, dbname="template1", autocommit=True) as server:
            server.execute(f"CREATE DATABASE trial TEMPLATE {original}")
        name_of_both("trial")
        yield make_conninfo(place, dbname="trial")
        connections.close_all()
        name_of_both(original)
        with psycopg.connect(place, dbname="template1", autocommit=True) as server:
            server.execute("DROP DATABASE trial WITH (FORCE)")

    return fresh
