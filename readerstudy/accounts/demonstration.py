"""The accounts of the demonstration. Everybody knows their password, so they are good only while it runs."""

from functools import lru_cache

from django.conf import settings
from django.contrib.auth.hashers import check_password

from readerstudy.accounts.models import User

PASSWORD = "demo"  # noqa: S105  the demonstration's only
ACCOUNTS = {"admin": True, "reader-1": False, "reader-2": False, "reader-3": False, "analyst": False}


@lru_cache(maxsize=64)
def _opens(encoded: str) -> bool:
    return check_password(PASSWORD, encoded)


def is_shut(user: User) -> bool:
    """Whether this is an account of the demonstration and the demonstration does not run.

    Name and password tell, not a mark: who gave such an account a password of its own has made it a real one.
    """
    return not settings.DEMO and user.username in ACCOUNTS and _opens(user.password)


def shut_accounts() -> list[str]:
    """Names of the demonstration's accounts that are there while it does not run."""
    return [user.username for user in User.objects.filter(username__in=ACCOUNTS).order_by("username") if is_shut(user)]
