"""Whose session this is, for who has the user's row already: `django.contrib.auth.get_user` asks for it again."""

from typing import cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from readerstudy.accounts.models import User


def _account_backend(path: str) -> ModelBackend:
    return cast(ModelBackend, load_backend(path))


def claimed_user(session: SessionBase) -> str | None:
    """The primary key of the user that the session names; whether it still may is `is_of`'s matter."""
    return session.get(SESSION_KEY)


def is_of(session: SessionBase, user: User) -> bool:
    """Whether this user may go on with the session: the password is the same still, and the account is open.

    False also where only a secret key of earlier days tells: `get_user` knows those, and renews the session.
    """
    backend = session.get(BACKEND_SESSION_KEY)
    return (
        claimed_user(session) == str(user.pk)
        and backend in settings.AUTHENTICATION_BACKENDS
        and _account_backend(backend).user_can_authenticate(user)
        and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )
