"""Who comes from the provider of OpenID Connect: let in, given what groups give, or proved once more."""

import time
from contextlib import suppress

from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from processing.errors import InputError
from readerstudy.accounts import events, proofs, services
from readerstudy.accounts.models import SiteRole, User

AHEAD = 60  # seconds by which the provider's clock may be ahead


def _claims(login: SocialLogin) -> dict:
    said = login.account.extra_data
    return said.get("id_token", {}) | said.get("userinfo", {})


def meet(request: HttpRequest, login: SocialLogin) -> None:
    """Somebody comes from the provider: to sign in, or to show again who it is. InputError if that is not to be."""
    _ensure_asked_now(login)
    process = login.state.get("process")
    if process == AuthProcess.REDIRECT:
        _prove(request, login)
    elif process != AuthProcess.CONNECT:  # whatever the address said: django-allauth signs in then
        _let_in(request, login)
    elif not proofs.is_open(request):  # never kept for a later proof, which may be another person's
        raise InputError("Show first that it is you, then connect.")


def _ensure_asked_now(login: SocialLogin) -> None:
    """Not let in silently by a provider where the person before is still signed in."""
    at = login.account.extra_data.get("id_token", {}).get("auth_time")
    if not isinstance(at, int | float) or not -AHEAD < time.time() - at < proofs.FRESH:
        raise InputError("The other sign-in did not ask you again. Use another way to show that it is you.")


def _prove(request: HttpRequest, login: SocialLogin) -> None:
    if not request.user.is_authenticated or login.user != request.user:
        raise InputError("Somebody else has signed in there. Nothing was done.")
    proofs.remember(request, proofs.SIGN_IN)


@transaction.atomic
def _let_in(request: HttpRequest, login: SocialLogin) -> None:
    claims = _claims(login)
    groups = settings.OIDC_GROUPS.keys() & set(claims.get("groups") or ())
    if settings.OIDC_GROUPS and not groups:
        raise InputError("None of your groups opens this site. Ask whoever runs it.")
    if not login.is_existing:
        if not groups:
            raise InputError("There is no account of yours here. Ask whoever runs the site.")
        login.connect(request, _new_user(claims))
    _give_roles(login.user, {settings.OIDC_GROUPS[group] for group in groups})


def _new_user(claims: dict) -> User:
    name = str(claims.get("preferred_username", ""))[:150]
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise InputError("The other sign-in gave no user name that can be used here.") from error
    if User.objects.filter(username__iexact=name).exists():
        raise InputError(f"{name} has an account here. Sign in with its password, then connect it on its page.")
    fields = {"email": "email", "first_name": "given_name", "last_name": "family_name"}
    given = {field: str(claims.get(claim) or "")[:150] for field, claim in fields.items()}
    user = User.objects.create_user(name, **given)
    events.note(user=user, what="made the account at the first sign-in elsewhere", actor=user)
    return user


def _give_roles(user: User, words: set[str]) -> None:
    """What groups let people do is the provider's to say, in both directions; other roles stay as they are."""
    if user.is_superuser:
        return
    for word in sorted(set(settings.OIDC_GROUPS.values()) - {""}):
        role = SiteRole[word.upper()]
        if user.may(role) != (word in words):
            with suppress(InputError):  # the last one who sees accounts goes on doing so
                services.set_site_role(user=user, role=role, on=word in words, actor=None)
