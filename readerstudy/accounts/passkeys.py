"""Passkeys: where browsers make them, and how one is asked for and looked at."""

import ipaddress

from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.http import HttpRequest

from processing.errors import InputError
from readerstudy.accounts import second_factor
from readerstudy.accounts.models import User


def are_possible(request: HttpRequest) -> bool:
    """Whether browsers make passkeys for this site: it has a name, and https or is this machine."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost"
    return False


def question(request: HttpRequest, user: User) -> dict | None:
    """What a browser is asked for, to show a passkey of this person; None where there is none to show."""
    return begin_authentication(user) if are_possible(request) and second_factor.passkeys(user) else None


def check(user: User, shown: str) -> None:
    """Look at what the browser showed. InputError if it is no passkey of this person, or not for the last question."""
    form = AuthenticateWebAuthnForm({"credential": shown}, user=user)
    if not form.is_valid():
        raise InputError("This is not a passkey of yours for this page. Try again, or use another way.")
    form.cleaned_data["credential"].record_usage()
