"""The key of each study, under which its pseudonyms and UIDs are made: different studies cannot be linked.

It never turns, as a known patient is to stay the same subject. In the database it is encrypted with the site's key of
pseudonyms, which can.
"""

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.intake.models import PseudonymKey
from readerstudy.protocol.models import ReaderStudy

NONCE = 12  # bytes
GONE = "The key of this study's pseudonyms {}: a known patient would become another subject. Restore it from a backup."


def wrapped(study: int, key: bytes) -> dict[str, str]:
    """The columns of a row that keeps this key for a study."""
    outer, nonce = keyring.keys("pseudonyms")[0], secrets.token_bytes(NONCE)
    sealed = AESGCM(outer).encrypt(nonce, key, str(study).encode())
    return {"wrapped": (nonce + sealed).hex(), "key": keyring.name_of(outer)}


def _unwrapped(row: PseudonymKey) -> bytes:
    outer = {keyring.name_of(key): key for key in keyring.keys("pseudonyms")}.get(row.key)
    if outer is None:
        raise InputError(GONE.format("is encrypted with one that this site does not hold"))
    said = bytes.fromhex(row.wrapped)
    return AESGCM(outer).decrypt(said[:NONCE], said[NONCE:], str(row.study_id).encode())


def pseudonym_key(study: ReaderStudy) -> bytes:
    """The key of a study; a new one the first time. InputError where it is lost."""
    row = PseudonymKey.objects.filter(study=study).first()
    if row is None:
        if study.candidates.exclude(subject_key="").exists():
            raise InputError(GONE.format("is gone"))
        made = wrapped(study.pk, secrets.token_bytes(32))
        row, _ = PseudonymKey.objects.get_or_create(study=study, defaults=made)
    return _unwrapped(row)


def wrap_anew() -> int:
    """Encrypt the keys of all studies with the site's key of today; returns how many were not."""
    current = keyring.name_of(keyring.keys("pseudonyms")[0])
    earlier = list(PseudonymKey.objects.exclude(key=current))
    for row in earlier:
        PseudonymKey.objects.filter(pk=row.pk).update(**wrapped(row.study_id, _unwrapped(row)))
    return len(earlier)
