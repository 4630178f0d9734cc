"""What a second factor is made from lies encrypted in the database, under a key from what signs sessions."""

import base64
import hashlib

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from processing.errors import InputError
from readerstudy import keyring

SEALED = ("secret", "seed")  # of an app's codes, of recovery codes


def _box() -> MultiFernet:
    digests = [hashlib.sha256(b"second factors" + key.encode()).digest() for key in keyring.rings()["sessions"]]
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


def seal_all_anew() -> None:
    """Every second factor under the key of now. In a transaction."""
    for one in Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN):
        sealed = {name: one.data[name] for name in SEALED if name in one.data}
        one.data |= {name: _box().rotate(text.encode()).decode() for name, text in sealed.items()}
        one.save(update_fields=["data"])
