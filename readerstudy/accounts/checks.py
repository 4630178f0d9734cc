"""System checks: what whoever runs the site should know of the demonstration."""

from collections.abc import Sequence

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections


@register(Tags.security)
def demonstration_refused(**_: object) -> list[CheckMessage]:
    """The demonstration was asked for on a site that other machines reach."""
    if not settings.DEMO_REFUSED:
        return []
    names = ", ".join(settings.DEMO_REFUSED)
    said = f"The demonstration is off: everybody knows its passwords, and other machines reach this site ({names})."
    return [Warning(said, hint="Set READERSTUDY_DEMO=0, or serve 127.0.0.1 alone.", id="accounts.W001")]


@register(Tags.security)
def proxy_named(**_: object) -> list[CheckMessage]:
    """The site is behind a proxy that no setting names, so all visitors have one address."""
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    said = "No proxy is named: all visitors seem to come from one address, and wrong passwords of one slow all others."
    hint = "Set READERSTUDY_TRUSTED_PROXIES to the address from which your proxy asks, such as 127.0.0.1."
    return [Warning(said, hint=hint, id="accounts.W003")]


@register(Tags.security)
def roles_known(**_: object) -> list[CheckMessage]:
    """Settings that name roles name some that are there."""
    from readerstudy.accounts.models import Role, SiteRole
    from readerstudy.accounts.second_factor import SITE

    known = {
        "READERSTUDY_SECOND_FACTOR": (settings.SECOND_FACTOR_FOR, [*Role.values, SITE]),
        "READERSTUDY_OIDC_GROUPS": (settings.OIDC_GROUPS.values(), ["", *(role.name.lower() for role in SiteRole)]),
    }
    return [
        Error(f"{name} names “{word}”.", hint=f"There is {', '.join(filter(None, roles))}.", id="accounts.E004")
        for name, (words, roles) in known.items()
        for word in words
        if word not in roles
    ]


@register(Tags.database)
def demonstration_accounts(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Accounts of the demonstration are left while it does not run: they open nothing."""
    from readerstudy.accounts.demonstration import shut_accounts
    from readerstudy.accounts.models import User

    if settings.DEMO or "default" not in (databases or []):
        return []
    if User._meta.db_table not in connections["default"].introspection.table_names():
        return []  # before the first migration
    if not (names := shut_accounts()):
        return []
    said = f"Accounts of the demonstration are left, with the password that everybody knows: {', '.join(names)} "
    said += "cannot sign in while the demonstration does not run."
    hint = "`manage.py changepassword NAME` makes one a real account."
    return [Warning(said, hint=hint, id="accounts.W002")]
