"""What stands between a session and the site: nobody touched it for a while, the password is another person's, or a
second factor is wanted. The session alone is looked at where the way is free: frames go by here."""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from readerstudy.accounts import second_factor
from readerstudy.accounts.models import User

LOCKED, SEEN, PASSWORD, FACTOR = "locked", "seen", "password_of_others", "factor_wanted"
TOLD_EVERY = 60  # seconds after which a session is written anew because somebody is there


def enter(session: SessionBase, user: User) -> None:
    """This person has just signed in."""
    session[SEEN] = int(time.time())
    session.pop(LOCKED, None)
    session[PASSWORD] = user.must_change_password
    session[FACTOR] = second_factor.is_wanted(user) and not second_factor.has_one(user)


def touch(session: SessionBase) -> None:
    """Somebody is there."""
    if SEEN in session and time.time() - session[SEEN] > TOLD_EVERY:
        session[SEEN] = int(time.time())


def lock(session: SessionBase) -> None:
    """Nothing more until the same person has proved who it is."""
    session[LOCKED] = True


def unlock(session: SessionBase, user: User) -> None:
    """The same person has."""
    session.pop(LOCKED, None)
    session[SEEN] = int(time.time())
    session[FACTOR] = second_factor.is_wanted(user) and not second_factor.has_one(user)


def is_locked(session: SessionBase) -> bool:
    """Whether the session is locked, by its page or by time."""
    idle = settings.IDLE_SECONDS
    late = bool(idle) and SEEN in session and time.time() - session[SEEN] > idle + 2 * TOLD_EVERY
    return late or bool(session.get(LOCKED))


def barrier(session: SessionBase) -> str:
    """The name of the page that has to be seen first; "" if the way is free."""
    if is_locked(session):
        return "unlock"
    if session.get(PASSWORD):
        return "password_change"
    if session.get(FACTOR):
        if not second_factor.has_one(session[SESSION_KEY]):
            return "mfa_activate_totp"
        del session[FACTOR]  # it is there now
    return ""
