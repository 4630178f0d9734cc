"""Who has a second factor, and of whom the site wants one."""

from allauth.mfa.models import Authenticator
from django.conf import settings

from readerstudy.accounts.models import SiteRole, User

SITE = "site"  # in the setting: whoever has a role of the whole site


def has_one(user: User | str) -> bool:
    """Whether this person signs in with a code or a passkey beside the password."""
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def has_codes(user: User) -> bool:
    """Whether this person has an app that shows codes."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def is_wanted(user: User) -> bool:
    """Whether a role of this person, in a study or of the site, is among those that need a second factor here."""
    wanted = set(settings.SECOND_FACTOR_FOR)
    if SITE in wanted and any(user.may(role) for role in SiteRole):
        return True
    return bool(wanted) and user.memberships.filter(role__in=wanted).exists()


def passkeys(user: User) -> list[Authenticator]:
    """The passkeys of this person."""
    return list(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("pk"))


def recovery_codes_left(user: User) -> int:
    """How many recovery codes are unused."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(found.wrap().get_unused_codes()) if found else 0


def may_end(authenticator: Authenticator) -> bool:
    """Whether its owner may take it away: not the last one where the site wants one."""
    others = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
    return not is_wanted(authenticator.user) or others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
