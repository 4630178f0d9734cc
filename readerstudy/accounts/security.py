"""What the security log is told: sign-ins, wrong passwords, pauses, refusals."""

import logging

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

logger = logging.getLogger("readerstudy.security")


def note(event: str, request: HttpRequest | None = None, **told: object) -> None:
    """One line of the security log, with the request's address and path, and whatever else is told."""
    logger.info(event, extra={"request": request, "told": told})


def _signed_in(sender, request, user, **_: object) -> None:
    note("signed in", request, name=user.get_username())
    if request is not None:
        request.newly_signed_in = user.get_username()  # for `EntranceMiddleware`


def _failed(sender, credentials, request=None, **_: object) -> None:
    paused = hasattr(request, "paused_seconds")
    note("sign-in paused" if paused else "wrong name or password", request, name=credentials.get("username", ""))


def _signed_out(sender, request, user, **_: object) -> None:
    if user is not None:
        note("signed out", request, name=user.get_username())


def listen() -> None:
    """Note what Django says of sign-ins. For AppConfig.ready()."""
    for signal, receiver in (
        (user_logged_in, _signed_in),
        (user_login_failed, _failed),
        (user_logged_out, _signed_out),
    ):
        signal.connect(receiver, dispatch_uid=receiver.__name__)
