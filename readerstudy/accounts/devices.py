"""Browsers that have signed in before: each has tries of its own, so that nobody else can use them up."""

import hashlib
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "device"
SALT = "readerstudy.device"
YEAR = 365 * 24 * 3600  # seconds
MOST = 20  # accounts on one browser; the earliest is forgotten first


def account_key(name: str) -> str:
    """Stands for an account by the name that was typed, whatever its capitals."""
    return hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:16]


def known_device(request: HttpRequest | None, name: str) -> str:
    """The number of this browser, if somebody has signed in with this name on it; else ""."""
    number, accounts = _cookie(request)
    return number if account_key(name) in accounts else ""


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Let the browser say from now on that this account has signed in on it."""
    number, accounts = _cookie(request)
    kept = [key for key in accounts if key != account_key(name)][1 - MOST :]
    said = signing.dumps([number or secrets.token_hex(16), [*kept, account_key(name)]], salt=SALT)
    response.set_cookie(
        COOKIE, said, max_age=YEAR, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def _cookie(request: HttpRequest | None) -> tuple[str, list[str]]:
    try:
        number, accounts = signing.loads(request.COOKIES[COOKIE] if request else "", salt=SALT, max_age=YEAR)
    except (KeyError, signing.BadSignature):
        return "", []
    return number, accounts
