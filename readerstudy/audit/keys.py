"""The site's keys of the record: the one that signs, and earlier ones that may still be checked with.

Every key follows from a secret of the settings: SECRET_KEY signs; SECRET_KEY_FALLBACKS holds those before it. A name
of eight digits tells one key from another without telling the key.
"""

import hashlib
import hmac

from django.conf import settings

from readerstudy.audit.canonical import canonical


def _derived(secret: str) -> bytes:
    return hashlib.sha256(b"audit head" + secret.encode()).digest()


def _name(key: bytes) -> str:
    return hashlib.sha256(b"name of" + key).hexdigest()[:8]


def known() -> dict[str, bytes]:
    """Name and key of every secret that the settings hold, the one that signs first."""
    return {_name(key): key for key in map(_derived, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])}


def key_name() -> str:
    """The name of the key that signs."""
    return _name(_derived(settings.SECRET_KEY))


def sign(*what: object) -> str:
    """HMAC-SHA-256 over `what`, by the key that signs."""
    return _mac(_derived(settings.SECRET_KEY), what)


def signed_with(mac: str, *what: object) -> str:
    """The name of the known key that made this HMAC over `what`; "" if none did."""
    return next((name for name, key in known().items() if hmac.compare_digest(mac, _mac(key, what))), "")


def _mac(key: bytes, what: tuple) -> str:
    return hmac.new(key, canonical(list(what)), hashlib.sha256).hexdigest()
