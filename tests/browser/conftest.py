"""A browser for the tests in this folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; one for the session, a context per test keeps them apart."""
    path = chromium.find()
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with chromium.launched(path) as launched:
        yield launched


@pytest.fixture(autouse=True)
def closed_contexts(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test leaves open is closed: its pages would go on to ask and to draw."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()
