"""Sign-in by OpenID Connect, at the provider that the settings name: the way there."""

from urllib.parse import urlencode

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.urls import reverse

from readerstudy.accounts.models import User

PROVIDER = "sign-in"  # in addresses


def is_there() -> bool:
    """Whether the settings name a provider."""
    return bool(settings.OIDC_URL)


def address(process: str = AuthProcess.LOGIN, following: str = "") -> str:
    """Where a link to the provider leads; back to the page `following`. Whoever is signed in there is asked again: it
    may be another person's browser by now."""
    asked = {"process": process, "auth_params": urlencode({"prompt": "login", "max_age": 0})}
    if following:
        asked["next"] = following
    return f"{reverse('openid_connect_login', args=[PROVIDER])}?{urlencode(asked)}"


def is_connected(user: User) -> bool:
    """Whether this person has signed in at the provider."""
    return is_there() and SocialAccount.objects.filter(user=user, provider=PROVIDER).exists()
