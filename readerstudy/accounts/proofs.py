"""Proving again who one is: before a signature, an unblinding, what is of the own account, and after a pause."""

import re
import time
from dataclasses import dataclass
from typing import cast

from allauth.mfa.base.forms import AuthenticateForm
from django.contrib.auth import authenticate
from django.http import HttpRequest

from processing.errors import InputError
from readerstudy.accounts import gate, oidc, passkeys, second_factor
from readerstudy.accounts.models import User

PASSWORD, CODE, PASSKEY, SIGN_IN = "password", "second factor", "passkey", "sign-in"
FRESH = 120  # seconds in which a sign-in elsewhere stands for one signature
OPENS = 300  # seconds for which a proof opens the pages of the own account
STATE = "proved"
CODE_TYPED = re.compile(r"[0-9]{6}|[0-9]{8}")  # of an app, for recovery; no password is so short


@dataclass(frozen=True)
class Proof:
    """That a person has just shown who it is, and how."""

    user: User
    how: str


def prove(request: HttpRequest) -> Proof:
    """What the form of this request proves: a passkey, a password, a code in its place, else a sign-in elsewhere a
    moment ago. A proof is good once. InputError if it proves nothing.
    """
    user, typed = cast(User, request.user), request.POST.get("password", "")
    if shown := request.POST.get("credential"):
        passkeys.check(user, shown)
        found = Proof(user, PASSKEY)
    elif CODE_TYPED.fullmatch(typed.replace(" ", "")) and second_factor.has_codes(user):
        found = _by_code(user, typed)
    elif typed:
        found = _by_password(request, user, typed)
    else:
        found = _from_elsewhere(request)
    request.session.pop(STATE, None)
    return found


def _by_password(request: HttpRequest, user: User, password: str) -> Proof:
    if authenticate(request, username=user.get_username(), password=password) != user:
        raise InputError("This is not your password. Nothing was done.")
    return Proof(user, PASSWORD)


def _by_code(user: User, code: str) -> Proof:
    form = AuthenticateForm({"code": code}, user=user)
    if not form.is_valid():
        raise InputError(" ".join(form.errors["code"]))
    form.authenticator.record_usage()
    return Proof(user, CODE)


def _from_elsewhere(request: HttpRequest) -> Proof:
    if how := waiting(request):
        return Proof(cast(User, request.user), how)
    raise InputError("Show first that it is you: type your password or a code.")


def remember(request: HttpRequest, how: str) -> None:
    """Keep for a moment that this person has just shown who it is."""
    request.session[STATE] = {"how": how, "at": time.time(), "user": request.user.pk}


def waiting(request: HttpRequest) -> str:
    """How this person has shown it a moment ago, by a sign-in elsewhere; "" if not."""
    state = request.session.get(STATE) or {}
    good = state.get("user") == request.user.pk and time.time() - state["at"] < FRESH
    return state["how"] if good and state["how"] == SIGN_IN else ""


def is_open(request: HttpRequest) -> bool:
    """Whether the pages of the own account are open, after a proof a few minutes ago."""
    state = request.session.get(STATE) or {}
    good = state.get("user") == request.user.pk and time.time() - state["at"] < OPENS
    return good and not gate.is_locked(request.session)


def ways(request: HttpRequest) -> dict:
    """How this person can prove it: what the form asks for."""
    user = cast(User, request.user)
    return {
        "password": user.has_usable_password(),
        "code": second_factor.has_codes(user),
        "passkey": passkeys.question(request, user),
        "sign_in": oidc.address("redirect", request.get_full_path()) if oidc.is_connected(user) else "",
        "waiting": waiting(request),
    }
