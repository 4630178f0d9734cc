"""Addresses of database and queue, whose passwords may stand apart from them and then hold any character."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def secret(environment: Mapping[str, str], name: str) -> str:
    """What this setting holds, "" where there is none; ImproperlyConfigured where it is empty."""
    if environment.get(name) == "":
        raise ImproperlyConfigured(f"{name} is empty. Write the secret into it, or leave the setting out.")
    return environment.get(name, "")


def address(environment: Mapping[str, str], name: str, password: str) -> str:
    """The address in this setting with the password in the other one, if that is there; "" without an address."""
    given, apart = environment.get(name, ""), secret(environment, password)
    parts = urlsplit(given)
    if not apart or not parts.netloc:
        return given
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:{quote(apart, safe='')}@{host}").geturl()
