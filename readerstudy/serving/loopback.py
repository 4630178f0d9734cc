"""Whether a site is reached from its own machine alone, by what the environment says."""

from collections.abc import Mapping
from ipaddress import ip_address


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def reachable_from_elsewhere(environment: Mapping[str, str]) -> list[str]:
    """Addresses it listens on and names it answers to (READERSTUDY_HOST, ALLOWED_HOSTS) that other machines reach."""
    listens = environment.get("READERSTUDY_HOST", "127.0.0.1") or "0.0.0.0"  # noqa: S104  none: it listens everywhere
    names = [name.strip() for name in environment.get("ALLOWED_HOSTS", "").split(",")]
    return [name for name in (listens, *names) if name and not _is_loopback(name)]
