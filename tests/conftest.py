"""Fixtures for every test."""

from __future__ import annotations

import os
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
