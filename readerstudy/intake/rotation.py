"""Turn the site's keys. The file of keys changes first, whole; whatever comes of it is done again by the next turn, and
until then the keys of before still open and verify."""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.accounts import factor_secrets
from readerstudy.archive.models import Store
from readerstudy.audit import keys
from readerstudy.intake.models import PseudonymKey, Upload
from readerstudy.intake.pseudonyms import wrap_anew

KEPT = "What an earlier key of the record signed is checked with it: those keys stay."
WAITING = "Files rest in the quarantine that an earlier key opens: wait until they are sorted, at most 24 hours."


@contextmanager
def _alone() -> Iterator[None]:
    folder = os.open(settings.KEYS_FILE.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def turn(purposes: Collection[str]) -> None:
    """Take new keys for these purposes; those of before are kept behind them."""
    PseudonymKey.objects.exists()  # before anything changes: the tables are there
    with _alone():
        rings = keyring.rings()
        new = {one: [keyring.new_key(), *ring] for one, ring in rings.items() if one in purposes}
        keyring.write(settings.KEYS_FILE, rings | new)
        settle()


@transaction.atomic
def settle() -> None:
    """What the database keeps follows the keys of today."""
    wrap_anew()
    factor_secrets.seal_all_anew()
    Store.objects.update(key=keys.key_name())


def forget(purposes: Collection[str]) -> None:
    """Drop the keys of before. InputError where something needs them."""
    if "record" in purposes:
        raise InputError(KEPT)
    with _alone():
        if "quarantine" in purposes and Upload.objects.exclude(salt="").exists():
            raise InputError(WAITING)
        settle()
        rings = keyring.rings()
        keyring.write(settings.KEYS_FILE, rings | {one: rings[one][:1] for one in purposes})
