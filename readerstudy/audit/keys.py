"""The keys of the record: the one that signs, and earlier ones that may still be checked with. A name of eight digits
tells one key from another without telling the key."""

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.core.checks import Warning as CheckWarning

from readerstudy import keyring
from readerstudy.audit.canonical import canonical


def known() -> dict[str, bytes]:
    """Name and key of every key of the record that this site holds, the one that signs first."""
    return {keyring.name_of(key): key for key in keyring.keys("record")}


def key_name() -> str:
    """The name of the key that signs."""
    return next(iter(known()))


def sign(*what: object) -> str:
    """HMAC-SHA-256 over `what`, by the key that signs."""
    return _mac(keyring.keys("record")[0], what)


def signed_with(mac: str, *what: object) -> str:
    """The name of the known key that made this HMAC over `what`; "" if none did."""
    return next((name for name, key in known().items() if hmac.compare_digest(mac, _mac(key, what))), "")


def _mac(key: bytes, what: tuple) -> str:
    return hmac.new(key, canonical(list(what)), hashlib.sha256).hexdigest()


def check_apart(databases: Iterable[str] | None = None, **_: object) -> list[CheckWarning]:
    """Warns while all keys follow from one secret."""
    if not databases or settings.KEYS_FILE.exists():
        return []
    return [
        CheckWarning(
            "One secret signs sessions and the record, and encrypts the quarantine and the keys of pseudonyms.",
            hint="`manage.py rotate_keys` sets the four keys apart.",
            id="audit.W002",
        )
    ]
