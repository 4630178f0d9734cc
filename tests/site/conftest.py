"""Fixtures of the page tests."""

from collections.abc import Callable

import pytest
from django.test import Client

from readerstudy.accounts.services import add_member
from tests import factories
from tests.once import made_once


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    """A client that is signed in as this user."""

    def make(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


@made_once()
def study():
    return factories.make_study(subjects=2, readers=1)


@pytest.fixture
def admin(study, sign_in) -> Client:
    return sign_in(study.memberships.get(role="admin").user)


@pytest.fixture
def reader(study, sign_in) -> Client:
    return sign_in(study.memberships.get(role="reader").user)


@pytest.fixture
def analyst(study, sign_in) -> Client:
    return sign_in(add_member(study=study, user=factories.make_user(), role="analyst").user)
