"""What a second factor is made from lies encrypted in the database, under a key from what signs sessions."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from processing.errors import InputError


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(b"second factors" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def seal(text: str) -> str:
    """The text as it may lie in the database."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed, by the key of now or one before. InputError where none of them made it."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise InputError(
            "This second factor was made under a key that the site no longer has. Ask who sees the accounts to take it "
            "away, then make a new one."
        ) from error


def seal_anew(sealed: str) -> str:
    """The same under the key of now."""
    return _box().rotate(sealed.encode()).decode()
