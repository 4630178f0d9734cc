"""What the logs are told of second factors: set up, ended, and codes that were wrong."""

from allauth.mfa import signals
from allauth.mfa.models import Authenticator

from readerstudy.accounts import events, security

NAMES = {
    Authenticator.Type.TOTP: "codes of an app",
    Authenticator.Type.WEBAUTHN: "a passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


def _added(sender, user, authenticator, **_: object) -> None:
    events.note(user=user, what=f"set up {NAMES[authenticator.type]}", actor=user)


def _removed(sender, user, authenticator, **_: object) -> None:
    events.note(user=user, what=f"ended {NAMES[authenticator.type]}", actor=user)


def _renewed(sender, user, authenticator, **_: object) -> None:
    events.note(user=user, what=f"made new {NAMES[authenticator.type]}", actor=user)


def _failed(sender, request, user, **_: object) -> None:
    security.note("wrong code", request, name=user.get_username())


def listen() -> None:
    """Note what is done with second factors. For AppConfig.ready()."""
    for signal, receiver in (
        (signals.authenticator_added, _added),
        (signals.authenticator_removed, _removed),
        (signals.authenticator_reset, _renewed),
        (signals.authentication_failed, _failed),
    ):
        signal.connect(receiver, dispatch_uid=receiver.__name__)
