"""From which address a request comes."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
HOME = 64  # bits of an IPv6 address that tell one client from another: the rest it chooses itself


def address_of(request: HttpRequest | None) -> str:
    """The client's address, "" where there is none.

    `X-Forwarded-For` counts where a proxy that the settings name (TRUSTED_PROXIES) hands the request over, and then its
    last address that is no such proxy: what stands before it the client may have made up.
    """
    if request is None:
        return ""
    here = _read(request.META.get("REMOTE_ADDR", ""))
    for said in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        before = _read(said)
        if here is None or before is None or not _is_proxy(here):
            break
        here = before
    return str(here or "")


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    found = _read(address)
    return str(ip_network((found, HOME), strict=False)) if isinstance(found, IPv6Address) else address


def _read(said: str) -> Address | None:
    """An address as servers and proxies write it: also in brackets, with a port, or as IPv4 within IPv6."""
    said = said.strip()
    if said.startswith("["):
        said = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        said = said.partition(":")[0]
    try:
        found = ip_address(said.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _is_proxy(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
