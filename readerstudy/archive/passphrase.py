"""The passphrase of a backup: from a file, the environment, or whoever sits there; never from the command line."""

import getpass
import os
from pathlib import Path

from processing.errors import InputError

VARIABLE = "READERSTUDY_BACKUP_PASSPHRASE"


def asked_for(file: str | None, *, twice: bool) -> str:
    """The passphrase; InputError where there is none, or it was typed in two ways."""
    if file:
        return Path(file).read_text().strip()
    if given := os.environ.get(VARIABLE):
        return given
    try:
        typed = getpass.getpass("Passphrase of the backup: ")
        if twice and getpass.getpass("Once more: ") != typed:
            raise InputError("These are two passphrases: type the same one twice.")
    except EOFError as error:
        raise InputError(f"There is no passphrase: name a file with --passphrase-file, or set {VARIABLE}.") from error
    return typed
