"""The site's keys, a ring for each purpose: the one in use first, behind it those before, which still open and verify.

    sessions    signs sessions and forms
    pseudonyms  encrypts the key of each study, by which its patients become pseudonyms
    quarantine  encrypts what is uploaded until it is sorted
    record      authenticates logs, answers and jobs

They lie in one file that its owner alone reads. A site from before it has one secret: until its keys are turned, each
follows from that. Every process looks at the file anew when it has changed.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

PURPOSES = ("sessions", "pseudonyms", "quarantine", "record")
Rings = dict[str, list[str]]


def new_key() -> str:
    """32 random bytes."""
    return secrets.token_hex(32)


def new_rings() -> Rings:
    """Four keys that nothing ties to each other."""
    return {purpose: [new_key()] for purpose in PURPOSES}


@lru_cache(8)
def _following(given: tuple[str, ...]) -> Rings:
    return {
        "sessions": list(given),
        "pseudonyms": [hmac.digest(one.encode(), b"keys of pseudonyms", "sha256").hex() for one in given],
        "quarantine": [one.encode().hex() for one in given],
        "record": [hashlib.sha256(b"audit head" + one.encode()).hexdigest() for one in given],
    }


def rings_from(given: Sequence[str]) -> Rings:
    """The rings of a site that has one secret, and those before it."""
    return {purpose: list(ring) for purpose, ring in _following(tuple(given)).items()}


@lru_cache(8)
def _parsed(path: Path, stamp: tuple) -> Rings:
    rings = json.loads(path.read_text())
    if set(rings) != set(PURPOSES) or not all(rings.values()):
        raise ValueError(f"{path} does not hold the four keys of a site. Restore it from a backup.")
    return rings


def read(path: Path) -> Rings | None:
    """What the file holds; None where there is none."""
    try:
        said = path.stat()
    except FileNotFoundError:
        return None
    return _parsed(path, (said.st_ino, said.st_mtime_ns, said.st_size))


def write(path: Path, rings: Rings, *, over: bool = True) -> Rings:
    """Put these in the file's place, whole or not at all; returns what it holds then. over: whether a file that is
    there gives way."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(rings, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if over:
            draft.replace(path)
        else:
            os.link(draft, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return json.loads(path.read_text())


def rings() -> Rings:
    """All keys of this site, as they are now."""
    from django.conf import settings  # which takes the key of sessions from here

    return read(settings.KEYS_FILE) or _following((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def set_apart() -> None:
    """Give a site whose keys all follow from one secret new ones that do not, but for its sessions."""
    from django.conf import settings

    if read(settings.KEYS_FILE) is None:
        made = {one: ring if one == "sessions" else [new_key(), *ring] for one, ring in rings().items()}
        write(settings.KEYS_FILE, made, over=False)


def keys(purpose: str) -> list[bytes]:
    """The keys of a purpose as they are now, the one in use first; not for sessions, whose keys the settings hold."""
    return [bytes.fromhex(one) for one in rings()[purpose]]


def name_of(key: bytes) -> str:
    """Eight digits that tell one key from another without telling the key."""
    return hashlib.sha256(b"name of" + key).hexdigest()[:8]
